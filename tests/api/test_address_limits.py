"""How many addresses may be given: of all requests that arrive together, no more than fit."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.notifications.models import PushSubscription, Webhook
from tests.proofs.test_races import at_once
from tests.support.live import LiveServer
from tests.worker.test_web_push import Browser

WEBHOOKS, SUBSCRIPTIONS = "/webhooks", "/candidate/push-subscriptions"
SIDES = {WEBHOOKS: "us", SUBSCRIPTIONS: "candidate"}
REFUSED = {
    WEBHOOKS: (409, "A company may have at most 20 webhooks"),
    SUBSCRIPTIONS: (409, "A candidate may have at most 20 push subscriptions"),
}


def body(route: str, number: int) -> dict[str, Any]:
    address = f"https://nobody.invalid/{number}"
    return {"url": address} if route == WEBHOOKS else Browser().subscription(address)


def give(route: str, count: int, people: dict[str, Any], database: Database) -> None:
    """What was registered before."""
    with database.engine.begin() as connection:
        for number in range(count):
            common = {"id": new_id(), "created_at": now()}
            if route == WEBHOOKS:
                values = {"url": "https://nobody.invalid/", "secret": "x", "company_id": people["us company"]}
                connection.execute(insert(Webhook).values(common | values))
            else:
                values = {"endpoint": f"https://nobody.invalid/{number}", "p256dh": "x", "auth": "x"}
                connection.execute(
                    insert(PushSubscription).values(common | values | {"candidate_id": people["candidate id"]})
                )


def count(route: str, database: Database) -> int:
    with database.reader.connect() as connection:
        model = Webhook if route == WEBHOOKS else PushSubscription
        return int(connection.execute(select(func.count()).select_from(model)).scalar_one())


@pytest.mark.parametrize("route", SIDES)
def test_twenty_and_no_more(route: str, people: dict[str, Any], database: Database) -> None:
    caller = people[SIDES[route]]
    give(route, 19, people, database)
    made = caller.ok("POST", route, body(route, 19))
    assert caller.refused("POST", route, body(route, 20)) == REFUSED[route]
    assert count(route, database) == 20
    if route == WEBHOOKS:
        people["them"].ok("POST", route, body(route, 20))  # each company has its own twenty
        caller.ok("DELETE", f"{WEBHOOKS}/{made['id']}")
    else:
        caller.ok("POST", route, body(route, 5))  # which is no new one
        caller.ok("DELETE", route, {"endpoint": made["endpoint"]})
    caller.ok("POST", route, body(route, 20))


@pytest.mark.parametrize("route", SIDES)
def test_of_many_at_once_only_what_fits(
    route: str, people: dict[str, Any], live: LiveServer, database: Database
) -> None:
    give(route, 17, people, database)
    headers = people[SIDES[route]].headers
    answers = at_once(live, [("POST", route, headers, body(route, number)) for number in range(100, 108)])
    assert sorted(status for status, _ in answers) == [201] * 3 + [409] * 5
    assert count(route, database) == 20
