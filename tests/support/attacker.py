"""An account that an attacker held for a minute, and what the attacker kept of it."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from interviews_api.accounts.mailed_links import RESET_LINK
from interviews_api.accounts.models import PasswordReset
from interviews_api.db.connections import Database
from interviews_api.notifications.models import Channel, Delivery
from tests.support.accounts import bearer
from tests.support.api import PASSWORD, Caller
from tests.support.browser import Browser
from tests.support.database_rows import subscriptions
from tests.support.settings import SECRETS

VICTIM = {"email": "victim@example.com", "password": PASSWORD, "firstName": "V", "lastName": "X"}
VICTIM_LOGIN = {"email": VICTIM["email"], "password": PASSWORD}
NEW_PASSWORD = "the-owner's-own-password"  # for the tests
ENDPOINT = "https://nobody.invalid/attacker"
FEED, SUBSCRIPTIONS = "/candidate/calendar-feed", "/candidate/push-subscriptions"
UNAUTHORIZED = (401, "Unauthorized")


class Attacker:
    """The sessions, feed, subscription and reset link of the victim's account that the attacker kept."""

    def __init__(self, client: FlaskClient, account: dict[str, Any]) -> None:
        self.tokens = account
        self.caller = bearer(client, account)
        self.feed = self.caller.ok("POST", FEED)["url"].removeprefix("http://127.0.0.1:8000")
        self.caller.ok("POST", SUBSCRIPTIONS, Browser().subscription(ENDPOINT))
        self.anonymous = Caller(client, {})
        self.anonymous.ok("POST", "/auth/password/forgot", {"email": account["user"]["email"]})

    def assert_has_nothing(self, database: Database) -> None:
        refresh = Caller(self.anonymous.client, {"Authorization": f"Bearer {self.tokens['refreshToken']}"})
        assert self.caller.refused("GET", "/candidate/interviews") == UNAUTHORIZED
        assert refresh.refused("POST", "/auth/refresh") == UNAUTHORIZED
        assert self.caller.refused("POST", SUBSCRIPTIONS, Browser().subscription(ENDPOINT)) == UNAUTHORIZED
        assert self.anonymous.refused("GET", self.feed) == (404, "Calendar not found")
        assert subscriptions(database) == []


def reset_tokens(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        ids = connection.execute(select(PasswordReset.id).order_by(PasswordReset.id)).scalars()
        return [RESET_LINK.token(SECRETS["SECRET_KEY"], reset_id) for reset_id in ids]


def push_statuses(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery.status).where(Delivery.channel == Channel.PUSH)).scalars())
