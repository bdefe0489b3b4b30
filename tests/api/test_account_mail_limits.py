"""Limits on the mails about an account that its users cause: what goes on beyond them is done, and told no more."""

from collections import Counter
from collections.abc import Callable

from sqlalchemy import select

from interviews_api.accounts.models import AccountMail, Role
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.accounts import ADA, LUMEN, bearer
from tests.support.api import PASSWORD, Caller
from tests.support.factories import Record, World
from tests.support.fixtures import MakeLimited
from tests.support.statements import hooked
from tests.support.tokens import Headers

USERS = "/auth/company/users"
OTHER_PASSWORD = "another-good-password"


def mails(database: Database, kind: str) -> Counter[str]:
    with database.reads.connection() as connection:
        return Counter(connection.execute(select(AccountMail.email).where(AccountMail.kind == kind)).scalars())


def test_changes_of_a_password_send_three_mails_a_day(make_limited: MakeLimited, database: Database) -> None:
    """Anybody can register a stranger's address, and change the password to and fro."""
    client = make_limited(EMAIL_VERIFICATION="required")
    account = bearer(client, Caller(client, {}).ok("POST", "/auth/register/candidate", ADA))
    passwords = [PASSWORD, OTHER_PASSWORD]
    for number in range(10):
        body = {"currentPassword": passwords[number % 2], "newPassword": passwords[1 - number % 2]}
        assert account.ok("PUT", "/auth/password", body) == {}
    address = ADA["email"].strip()
    assert mails(database, "password_changed") == {address: 3}
    # The next account with the address has no further mails, and the first one's were not sent yet.
    company = bearer(client, Caller(client, {}).ok("POST", "/auth/register/company", LUMEN | {"email": address}))
    company.ok("PUT", "/auth/password", {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD})
    assert mails(database, "password_changed") == {}
    other = bearer(client, Caller(client, {}).ok("POST", "/auth/register/company", LUMEN))
    other.ok("PUT", "/auth/password", {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD})
    assert mails(database, "password_changed") == {LUMEN["email"]: 1}


def test_changes_of_colleagues_send_an_owner_a_bounded_number_of_mails(
    make_limited: MakeLimited, database: Database
) -> None:
    """Each owner has twenty changes an hour, and may make further owners."""
    client = make_limited(LIMITS="colleague_mails=3/86400")
    owner = bearer(client, Caller(client, {}).ok("POST", "/auth/register/company", LUMEN))
    victim = owner.ok("POST", USERS, {"email": "victim@x.example", "password": PASSWORD})["user"]
    for role in ("owner", "member", "owner", "member", "owner"):
        assert owner.ok("PATCH", f"{USERS}/{victim['id']}", {"role": role})["user"]["companyRole"] == role
    assert mails(database, "colleague_changed") == {LUMEN["email"]: 3, "victim@x.example": 3}


def test_change_of_colleagues_takes_as_many_statements_for_many_owners(
    make_limited: MakeLimited, world: World, headers: Callable[..., Headers], database: Database
) -> None:
    """The change holds the lock of the company meanwhile."""
    company = world.company()
    owner, *members = (world.company_user(company, role=role) for role in ("owner", "member", "member"))
    world.load()
    client = make_limited()
    caller = Caller(client, headers(owner["id"], Role.COMPANY))
    caller.ok("GET", USERS)

    def count_statements(member: Record) -> int:
        statements: list[str] = []
        engine = service(Database, client.application).engine
        with hooked(engine, lambda statement, _parameters: statements.append(statement)):
            caller.ok("PATCH", f"{USERS}/{member['id']}", {"role": "owner"})
        return len(statements)

    few = count_statements(members[0])
    for _ in range(30):
        world.company_user(company)
    world.load()  # which makes the first member one again
    assert count_statements(members[1]) == few
    assert mails(database, "colleague_changed").total() == 2 + 32
