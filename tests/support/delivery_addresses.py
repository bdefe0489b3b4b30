"""Webhooks and push subscriptions, and how many of each are stored."""

from typing import Any

from sqlalchemy import func, insert, select

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.notifications.models import PushSubscription, Webhook
from tests.support.browser import Browser
from tests.support.people import People

WEBHOOKS, SUBSCRIPTIONS = "/webhooks", "/candidate/push-subscriptions"
SIDES = {WEBHOOKS: "us", SUBSCRIPTIONS: "candidate"}
REFUSED = {
    WEBHOOKS: (409, "A company may have at most 20 webhooks"),
    SUBSCRIPTIONS: (409, "A candidate may have at most 20 push subscriptions"),
}


def body(route: str, number: int) -> dict[str, Any]:
    address = f"https://nobody.invalid/{number}"
    return {"url": address} if route == WEBHOOKS else Browser().subscription(address)


def give(route: str, count: int, people: People, database: Database) -> None:
    """Store so many addresses of the route's owner."""
    with database.engine.begin() as connection:
        for number in range(count):
            common = {"id": new_id(), "created_at": now()}
            if route == WEBHOOKS:
                values = {"url": "https://nobody.invalid/", "secret": "x", "company_id": people.us_company_id}
                connection.execute(insert(Webhook).values(common | values))
            else:
                values = {"endpoint": f"https://nobody.invalid/{number}", "p256dh": "x", "auth": "x"}
                connection.execute(
                    insert(PushSubscription).values(common | values | {"candidate_id": people.candidate_id})
                )


def count(route: str, database: Database) -> int:
    with database.reads.connection() as connection:
        model = Webhook if route == WEBHOOKS else PushSubscription
        return int(connection.execute(select(func.count()).select_from(model)).scalar_one())
