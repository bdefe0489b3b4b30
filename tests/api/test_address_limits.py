"""The limit of 20 webhooks a company and 20 push subscriptions a candidate."""

import pytest

from interviews_api.db.connections import Database
from tests.support.delivery_addresses import REFUSED, SIDES, WEBHOOKS, body, count, give
from tests.support.people import People


@pytest.mark.parametrize("route", SIDES)
def test_owner_may_have_twenty_addresses(route: str, people: People, database: Database) -> None:
    caller = people.caller(SIDES[route])
    give(route, 19, people, database)
    last = caller.ok("POST", route, body(route, 19))
    assert caller.refused("POST", route, body(route, 20)) == REFUSED[route]
    assert count(route, database) == 20
    if route == WEBHOOKS:
        people.them.ok("POST", route, body(route, 20))  # each company has its own twenty
        caller.ok("DELETE", f"{WEBHOOKS}/{last['id']}")
    else:
        caller.ok("POST", route, body(route, 5))  # which is no new one
        caller.ok("DELETE", route, {"endpoint": last["endpoint"]})
    caller.ok("POST", route, body(route, 20))
