"""Webhook and push addresses that lead into a private network are refused when saved."""

import pytest

from tests.support.access_rules import SUBSCRIPTION
from tests.support.hostile_addresses import LITERALS, LOCAL_NAMES, ODD
from tests.support.people import People


@pytest.mark.parametrize("url", [*(f"https://{host}/" for host in LITERALS), *ODD, *LOCAL_NAMES])
def test_private_address_is_refused_when_saved(url: str, people: People) -> None:
    for caller, path, field, body in (
        ("us", "/webhooks", "url", {"url": url}),
        (
            "candidate",
            "/candidate/push-subscriptions",
            "endpoint",
            {"endpoint": url, "keys": SUBSCRIPTION["keys"]},
        ),
    ):
        response = people.caller(caller).call("POST", path, body)
        assert (response.status_code, list(response.get_json()["details"])) == (400, [field]), response.text
