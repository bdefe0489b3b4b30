"""`flask users` and `flask tokens` on the command line."""

from flask.testing import FlaskClient, FlaskCliRunner

from interviews_api.db.connections import Database
from tests.support.database_rows import everything_but_imports


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
    bad_zone = runner.invoke(args=[*company[:5], "Mars/Base", *company[6:], "--password", "x"])
    assert (bad_zone.exit_code, "companies[0].timeZone" in bad_zone.output) == (1, True)


def test_arguments_that_are_not_utf_8_are_refused(runner: FlaskCliRunner, database: Database) -> None:
    names = ["users", "create-candidate", "--first-name", "\udcff", "--last-name", "B", "--password", "x"]
    for arguments in ([*names, "--email", "a@example.com"], ["tokens", "issue", "\udcff@example.com"]):
        result = runner.invoke(args=arguments)
        assert (result.exit_code, result.output) == (1, "Error: the arguments are not UTF-8\n")
    assert everything_but_imports(database)["users"] == []
