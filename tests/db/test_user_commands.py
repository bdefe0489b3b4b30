"""`flask users` and `flask tokens` on the command line."""

from flask.testing import FlaskClient, FlaskCliRunner

from interviews_api.db.connections import Database
from tests.support.addresses import SPELLINGS, WITH_HIDDEN
from tests.support.database_rows import everything_but_imports
from tests.support.factories import World


def test_users_are_created_and_get_tokens(runner: FlaskCliRunner, client: FlaskClient) -> None:
    password = "a-good-password\na-good-password\n"
    company = [
        "users",
        "create-company",
        "--name",
        "Lumen",
        "--time-zone",
        "Europe/Paris",
        "--email",
        "hr@lumen.example",
    ]
    candidate = ["users", "create-candidate", "--first-name", "A", "--last-name", "B", "--email", "A@example.com"]
    for arguments in (company, candidate):
        assert runner.invoke(args=arguments, input=password).exit_code == 0
        again = runner.invoke(args=arguments, input=password)
        assert again.exit_code == 1
        assert "Email is already registered." in again.output
    for email, role in (("hr@lumen.example", "company"), ("a@EXAMPLE.com", "candidate")):
        token = runner.invoke(args=["tokens", "issue", email]).output.strip()
        user = client.get("/auth/me", headers={"Authorization": f"Bearer {token}"}).get_json()["data"]["user"]
        assert user["role"] == role
    unknown = runner.invoke(args=["tokens", "issue", "nobody@example.com"])
    assert (unknown.exit_code, unknown.output) == (1, "Error: no user has the address nobody@example.com\n")
    hidden = runner.invoke(args=["tokens", "issue", "a@example.com\u200b"])
    assert (hidden.exit_code, "hidden character (U+200B)" in hidden.output) == (2, True)
    bad_zone = runner.invoke(args=[*company[:5], "Mars/Base", *company[6:], "--password", "x"])
    assert (bad_zone.exit_code, "companies[0].timeZone" in bad_zone.output) == (1, True)


def test_arguments_that_are_not_utf_8_are_refused(runner: FlaskCliRunner, database: Database) -> None:
    names = ["users", "create-candidate", "--first-name", "\udcff", "--last-name", "B", "--password", "x"]
    for arguments in ([*names, "--email", "a@example.com"], ["tokens", "issue", "\udcff@example.com"]):
        result = runner.invoke(args=arguments)
        assert (result.exit_code, result.output) == (1, "Error: the arguments are not UTF-8\n")
    assert everything_but_imports(database)["users"] == []


def test_address_on_the_command_line_may_be_in_any_spelling(runner: FlaskCliRunner, world: World) -> None:
    world.candidate(email=SPELLINGS[1])
    world.load()
    for spelling in SPELLINGS:
        assert runner.invoke(args=["tokens", "issue", spelling]).exit_code == 0
        listed = runner.invoke(args=["audit", "list", "--user", spelling])
        assert (listed.exit_code, SPELLINGS[1] in listed.output) == (0, True)
    names = ["--first-name", "A", "--last-name", "B", "--password", "a-good-password"]
    for spelling in SPELLINGS:
        taken = runner.invoke(args=["users", "create-candidate", *names, "--email", spelling])
        assert (taken.exit_code, "Email is already registered." in taken.output) == (1, True)
    for address in WITH_HIDDEN:
        refused = runner.invoke(args=["users", "create-candidate", *names, "--email", address])
        assert (refused.exit_code, "hidden character (U+" in refused.output) == (1, True), ascii(address)
        for command in (["tokens", "issue", address], ["audit", "list", "--user", address]):
            refused = runner.invoke(args=command)
            assert (refused.exit_code, "hidden character (U+" in refused.output) == (2, True), ascii(address)
