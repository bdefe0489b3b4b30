"""Webhooks: create, list, delete, and bad input."""

import base64
from typing import Any

import pytest

from interviews_api.db.connections import Database
from interviews_api.events.models import PUBLISHED_TYPES
from tests.support.people import People
from tests.support.webhooks import hook


def test_webhook_is_created_listed_and_deleted(people: People) -> None:
    us, them = people.us, people.them
    url = "https://nobody.invalid/hook?x=1"
    webhook = us.ok("POST", "/webhooks", {"url": url, "events": ["interview.confirmed"]})
    assert webhook.keys() == {"id", "url", "events", "secret"}
    assert (webhook["url"], webhook["events"]) == (url, ["interview.confirmed"])
    assert len(base64.b64decode(webhook["secret"].removeprefix("whsec_"))) == 24
    every = us.ok("POST", "/webhooks", {"url": f"{url}&y=2"})
    assert every["events"] == sorted(PUBLISHED_TYPES)
    listed = us.ok("GET", "/webhooks?limit=1")
    assert listed == {"webhooks": [{"id": webhook["id"], "url": url, "events": webhook["events"], "disabledAt": None}],
                      "total": 2}  # fmt: skip
    assert them.ok("GET", "/webhooks") == {"webhooks": [], "total": 0}
    assert us.ok("DELETE", f"/webhooks/{webhook['id']}") == {}
    assert us.refused("DELETE", f"/webhooks/{webhook['id']}") == (404, "Webhook not found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 7}, "url"),
        ({"url": "https://nobody.invalid", "events": []}, "events"),
        ({"url": "https://nobody.invalid", "events": ["interview.reminder"]}, "events.0"),
        ({"url": "https://nobody.invalid", "events": ["interview.confirmed"] * 2}, "events"),
        ({"url": "https://nobody.invalid", "other": 1}, "other"),
    ],
)
def test_invalid_webhook_is_refused(body: Any, field: str, people: People) -> None:
    response = people.us.call("POST", "/webhooks", body)
    assert (response.status_code, list(response.get_json()["details"])) == (400, [field])


def test_signed_out_user_cannot_list_or_delete_webhooks(people: People, database: Database) -> None:
    us, webhook_id = people.us, hook(database, people.us_company_id, "/ok")
    us.ok("POST", "/auth/logout")
    for method, path in (("GET", "/webhooks"), ("DELETE", f"/webhooks/{webhook_id}")):
        assert us.refused(method, path) == (401, "Unauthorized")
