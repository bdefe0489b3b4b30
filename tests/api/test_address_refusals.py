"""Webhook and push addresses that lead into a private network are refused when saved."""

import pytest

from tests.support.access_rules import SUBSCRIPTION
from tests.support.hostile_addresses import LITERALS, LOCAL_NAMES, ODD
from tests.support.people import People


@pytest.mark.parametrize("url", [*(f"https://{host}/" for host in LITERALS), *ODD, *LOCAL_NAMES])
def test_private_address_is_refused_when_saved(url: str, people: People) -> None:
    webhook_id = people.us.ok("POST", "/webhooks", {"url": "https://nobody.invalid/"})["id"]
    for caller, method, path, field, body in (
        ("us", "POST", "/webhooks", "url", {"url": url}),
        ("us", "PATCH", f"/webhooks/{webhook_id}", "url", {"url": url}),
        (
            "candidate",
            "POST",
            "/candidate/push-subscriptions",
            "endpoint",
            {"endpoint": url, "keys": SUBSCRIPTION["keys"]},
        ),
    ):
        response = people.caller(caller).call(method, path, body)
        assert (response.status_code, list(response.get_json()["details"])) == (400, [field]), response.text
