"""Invitations that send no mail: they take no room of the invited address."""

from collections import Counter

from sqlalchemy import select

from interviews_api.accounts.models import AccountMail
from interviews_api.db.connections import Database
from tests.support.api import Caller
from tests.support.factories import World
from tests.support.fixtures import MakeLimited
from tests.support.people import People

USERS, INVITED = "/auth/company/users", {"email": "new@x.example"}


def senders(database: Database) -> Counter[str]:
    """Return how many invitations each company has sent, by the company's id."""
    with database.reads.connection() as connection:
        mails = select(AccountMail.originator_id).where(AccountMail.kind == "invitation")
        return Counter(connection.execute(mails).scalars())


def test_refused_invitations_take_no_room(
    people: People, world: World, make_limited: MakeLimited, database: Database
) -> None:
    """A company that is full invites an address again and again; then another company invites it."""
    for _ in range(199):
        world.company_user({"id": people.us_company_id}, role="member")
    world.load()
    limited = make_limited()
    full, other = (Caller(limited, caller.headers) for caller in (people.us, people.them))
    for _ in range(3):
        assert full.refused("POST", USERS, INVITED) == (409, "A company may have at most 200 users")
    for _ in range(4):
        other.ok("POST", USERS, INVITED)
    assert senders(database) == {people.them_company_id: 3}
