"""Invitations that send no mail: they take no room of the invited address."""

import time
from collections import Counter

import pytest
import time_machine
from sqlalchemy import select, update

from interviews_api.accounts.models import AccountMail, Approval, Company, User
from interviews_api.db.connections import Database
from tests.support.accounts import LUMEN, bearer
from tests.support.api import Caller
from tests.support.database_rows import everything
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


def test_wrong_clock_holds_up_invitations_for_no_longer_than_the_window(
    people: People, make_limited: MakeLimited, database: Database
) -> None:
    us = Caller(make_limited(LIMITS="invited_address=3/300"), people.us.headers)
    start = time.time()
    with time_machine.travel(start, tick=False) as clock:
        clock.move_to(start + 200)
        for _ in range(3):
            us.ok("POST", USERS, INVITED)
        clock.move_to(start)
        us.ok("POST", USERS, INVITED)
        assert sum(senders(database).values()) == 3
        clock.move_to(start + 301)
        us.ok("POST", USERS, INVITED)
        assert sum(senders(database).values()) == 4


@pytest.mark.parametrize("reason", ["unverified", "suspended"])
def test_invitations_that_are_not_mailed_take_no_room(
    reason: str, people: People, make_limited: MakeLimited, database: Database
) -> None:
    """A stranger invites an address again and again; then a real company invites it."""
    client = make_limited(EMAIL_VERIFICATION="required")
    account = Caller(client, {}).ok("POST", "/auth/register/company", LUMEN)
    stranger = bearer(client, account)
    if reason == "suspended":
        with database.engine.begin() as connection:
            connection.execute(update(User).values(email_verified_at=User.created_at))
            id_ = account["user"]["company"]["id"]
            connection.execute(update(Company).where(Company.id == id_).values(approval=Approval.SUSPENDED))
    for _ in range(5):
        assert stranger.ok("POST", USERS, INVITED) == {}
    stored = everything(database)
    assert not stored["invitations"], "they would go out uncounted after a verification"
    assert "colleague.invited" not in {event.type for event in stored["security_events"]}
    us = Caller(client, people.us.headers)
    for _ in range(4):
        us.ok("POST", USERS, INVITED)
    assert senders(database) == {people.us_company_id: 3}
