"""Limits on the mails about an account that its users cause: what goes on beyond them is done, and told no more."""

from collections import Counter

from sqlalchemy import select

from interviews_api.accounts.models import AccountMail
from interviews_api.db.connections import Database
from tests.support.accounts import ADA, LUMEN, bearer
from tests.support.api import PASSWORD, Caller
from tests.support.fixtures import MakeLimited

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
