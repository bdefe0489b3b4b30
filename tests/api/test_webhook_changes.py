"""Changes of webhooks: URL, events, disabled and enabled; and the list of what was sent to them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from interviews_api.accounts.audit_models import SecurityEvent
from interviews_api.clock import format_instant, now
from interviews_api.db.connections import Database
from interviews_api.events.models import PUBLISHED_TYPES
from interviews_api.notifications.channels.request_resolver import RequestResolver
from interviews_api.notifications.models import Channel, Delivery, Webhook
from interviews_api.notifications.worker.fan_out import delivery_values
from interviews_api.services import register_services
from tests.support.api import Caller, invitation
from tests.support.fixtures import MakeLimited
from tests.support.people import People
from tests.support.webhooks import hook

URL = "https://nobody.invalid/hook"


@pytest.fixture
def path(people: People) -> str:
    return f"/webhooks/{people.us.ok('POST', '/webhooks', {'url': URL})['id']}"


def stored(database: Database) -> Any:
    with database.reads.connection() as connection:
        return connection.execute(select(Webhook)).one()


def security_events(database: Database) -> int:
    with database.reads.connection() as connection:
        return int(connection.execute(select(func.count()).select_from(SecurityEvent)).scalar_one())


def test_webhook_is_changed(path: str, people: People) -> None:
    us = people.us
    response = us.call("PATCH", path, {"url": f"{URL}/2", "events": ["interview.confirmed"]})
    assert (response.status_code, response.get_json()["message"]) == (200, "Webhook updated successfully")
    changed = {"id": path.rpartition("/")[2], "url": f"{URL}/2", "events": ["interview.confirmed"], "disabledAt": None}
    assert response.get_json()["data"] == changed
    assert us.ok("GET", "/webhooks")["webhooks"] == [changed]
    assert len(us.ok("PATCH", path, {"events": None})["events"]) == len(PUBLISHED_TYPES)
    assert us.ok("PATCH", path, {"url": URL})["url"] == URL
    assert us.ok("PATCH", path, {}) == us.ok("PATCH", path) == us.ok("GET", "/webhooks")["webhooks"][0]


def test_webhook_is_disabled_and_enabled(path: str, people: People, database: Database) -> None:
    disabled = people.us.ok("PATCH", path, {"enabled": False})
    assert disabled["disabledAt"] is not None
    assert people.us.ok("PATCH", path, {"enabled": False}) == disabled, "the first time stands"
    assert people.us.ok("PATCH", path, {"url": f"{URL}/2"})["disabledAt"] == disabled["disabledAt"]
    with database.engine.begin() as connection:
        connection.execute(update(Webhook).values(failing_since=now() - timedelta(days=2)))
    assert people.us.ok("PATCH", path, {"enabled": True})["disabledAt"] is None
    assert stored(database).failing_since is None


@pytest.mark.parametrize(
    ("body", "is_kept"), [({"url": f"{URL}/2"}, False), ({"events": ["interview.confirmed"]}, True),
                          ({"enabled": True}, True), ({"url": URL}, True), ({"enabled": False}, True)],
)  # fmt: skip
def test_failures_belong_to_the_address(
    body: Any, is_kept: bool, path: str, people: People, database: Database
) -> None:
    """Another address has not failed; enabling a webhook that is enabled changes nothing."""
    with database.engine.begin() as connection:
        connection.execute(update(Webhook).values(failing_since=now()))
    people.us.ok("PATCH", path, body)
    assert (stored(database).failing_since is not None) == is_kept


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": None}, "url"),
        ({"url": "http://nobody.invalid"}, "url"),
        ({"url": "https://nobody.invalid:8443"}, "url"),
        ({"url": "https://user@nobody.invalid"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": ""}, "url"),
        ({"events": []}, "events"),
        ({"events": ["webhook.test"]}, "events.0"),
        ({"events": ["interview.confirmed"] * 2}, "events"),
        ({"enabled": None}, "enabled"),
        ({"enabled": "yes"}, "enabled"),
        ({"enabled": 1}, "enabled"),
        ({"secret": "whsec_x"}, "secret"),
        ({"disabledAt": None}, "disabledAt"),
    ],
)
def test_invalid_change_is_refused(body: Any, field: str, path: str, people: People, database: Database) -> None:
    before, events = stored(database), security_events(database)
    response = people.us.call("PATCH", path, {"events": ["interview.cancelled"]} | body)
    assert (response.status_code, list(response.get_json()["details"])) == (400, [field])
    assert (stored(database), security_events(database)) == (before, events)


def test_change_that_changes_nothing_is_not_recorded(path: str, people: People, database: Database) -> None:
    people.us.ok("PATCH", path, {"events": ["interview.confirmed"]})
    events = security_events(database)
    for body in ({}, {"url": URL}, {"events": ["interview.confirmed"]}, {"enabled": True}):
        people.us.ok("PATCH", path, body)
    assert security_events(database) == events


def test_url_stays_the_only_one_of_its_company(path: str, people: People) -> None:
    us, refusal = people.us, (409, "The company already has a webhook with this URL")
    us.ok("POST", "/webhooks", {"url": f"{URL}/2"})
    assert us.refused("PATCH", path, {"url": f"{URL}/2", "enabled": False}) == refusal
    (first, _) = us.ok("GET", "/webhooks")["webhooks"]
    assert (first["url"], first["disabledAt"]) == (URL, None), "nothing of it was changed"
    theirs = people.them.ok("POST", "/webhooks", {"url": f"{URL}/3"})["id"]
    people.them.ok("PATCH", f"/webhooks/{theirs}", {"url": URL})


def test_one_of_simultaneous_changes_gets_the_url(people: People, database: Database) -> None:
    ids = [hook(database, people.us_company_id, f"/{number}") for number in range(8)]

    def move(webhook_id: str) -> int:
        return people.us.call("PATCH", f"/webhooks/{webhook_id}", {"url": URL}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(move, ids)) == [200] + [409] * 7


def test_changes_and_new_webhooks_share_a_limit(people: People, make_limited: MakeLimited) -> None:
    us = Caller(make_limited(LIMITS="webhooks=3/3600"), people.us.headers)
    path = f"/webhooks/{us.ok('POST', '/webhooks', {'url': URL})['id']}"
    us.ok("PATCH", path, {"enabled": False})
    us.ok("PATCH", path, {"url": f"{URL}/2"})
    too_many = (429, "Too many attempts, try again later")
    assert us.refused("PATCH", path, {"enabled": True}) == too_many
    assert us.refused("PATCH", path, {"url": "https://internal.invalid"}) == too_many, "before its name is looked up"
    assert us.refused("POST", "/webhooks", {"url": f"{URL}/3"}) == too_many
    us.ok("PATCH", path, {"enabled": False})
    assert us.refused("PATCH", path, {"enabled": 1})[0] == 400


def test_names_of_refused_changes_are_looked_up_within_the_limit(
    path: str, people: People, make_limited: MakeLimited
) -> None:
    """A refusal tells that an internal name exists. What changes nothing is not looked up."""
    names: list[str] = []

    def resolve(host: str) -> list[str]:
        names.append(host)
        return ["10.0.0.1"]

    client = make_limited(LIMITS="webhooks=2/3600")
    register_services(client.application, RequestResolver(resolve))
    us = Caller(client, people.us.headers)
    us.ok("PATCH", path, {"url": URL})
    answers = [us.call("PATCH", path, {"url": f"{URL}/{number}"}).status_code for number in range(4)]
    assert (answers, len(names)) == ([400, 400, 429, 429], 2)


@pytest.mark.parametrize(
    ("action", "limits"),
    [("rotate-secret", "webhook_rotations=2/86400"), ("test", "webhook_tests=2/3600")],
)
def test_rotations_and_tests_have_limits(
    action: str, limits: str, path: str, people: People, make_limited: MakeLimited
) -> None:
    us = Caller(make_limited(LIMITS=limits), people.us.headers)
    for _ in range(2):
        us.ok("POST", f"{path}/{action}")
    assert us.refused("POST", f"{path}/{action}")[0] == 429
    assert us.refused("POST", f"{path}/{action}", {"x": 1})[0] == 400
    other = f"/webhooks/{us.ok('POST', '/webhooks', {'url': f'{URL}/2'})['id']}"
    assert us.call("POST", f"{other}/{action}").status_code == (200 if action == "rotate-secret" else 429)


@pytest.mark.parametrize(("action", "status"), [("rotate-secret", 200), ("test", 202)])
def test_repeated_request_with_a_key_acts_once(
    action: str, status: int, path: str, people: People, database: Database
) -> None:
    first, second = (people.us.call("POST", f"{path}/{action}", Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, second.status_code, first.data) == (status, status, second.data)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(stored(database).previous_secrets or []) == (1 if action == "rotate-secret" else 0)
    assert people.us.ok("GET", f"{path}/deliveries")["total"] == (1 if action == "test" else 0)
    assert people.us.call("POST", f"{path}/{action}", Idempotency_Key="other").data != first.data


def test_rotation_answers_the_new_secret(path: str, people: People, database: Database) -> None:
    before = stored(database)
    response = people.us.call("POST", f"{path}/rotate-secret")
    assert response.get_json()["message"] == "Webhook secret rotated successfully"
    webhook = response.get_json()["data"]
    assert webhook.keys() == {"id", "url", "events", "secret"}
    after = stored(database)
    assert webhook["secret"] == after.secret != before.secret
    ((secret, ends_at),) = after.previous_secrets
    assert secret == before.secret
    assert abs(ends_at - (now() + timedelta(hours=24)).timestamp()) < 60


def test_replaced_secrets_are_forgotten_after_their_day(path: str, people: People, database: Database) -> None:
    for _ in range(3):
        people.us.ok("POST", f"{path}/rotate-secret")
    first, *_ = pairs = stored(database).previous_secrets
    assert len(pairs) == 3
    ended = [first, *([secret, int(now().timestamp())] for secret, _ in pairs[1:])]
    with database.engine.begin() as connection:
        connection.execute(update(Webhook).values(previous_secrets=ended))
    replaced = stored(database).secret
    people.us.ok("POST", f"{path}/rotate-secret")
    assert [secret for secret, _ in stored(database).previous_secrets] == [replaced, first[0]]


def test_simultaneous_rotations_lose_no_secret(path: str, people: People, database: Database) -> None:
    first = stored(database).secret
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: people.us.ok("POST", f"{path}/rotate-secret")["secret"], range(4)))
    after = stored(database)
    secrets = {after.secret, *(secret for secret, _ in after.previous_secrets)}
    assert secrets == {first, *answers}


def test_test_of_a_disabled_webhook_is_refused(path: str, people: People) -> None:
    people.us.ok("PATCH", path, {"enabled": False})
    assert people.us.refused("POST", f"{path}/test") == (400, "Webhook is disabled")
    assert people.us.ok("GET", f"{path}/deliveries") == {"deliveries": [], "total": 0}
    people.us.ok("PATCH", path, {"enabled": True})
    people.us.ok("POST", f"{path}/test")


def test_queued_test_is_listed(path: str, people: People) -> None:
    response = people.us.call("POST", f"{path}/test")
    assert (response.status_code, response.get_json()["message"]) == (202, "Webhook test queued successfully")
    delivery = response.get_json()["data"]
    assert delivery == {
        "id": delivery["id"], "event": "webhook.test", "status": "pending", "attempts": 0, "lastStatusCode": None,
        "at": delivery["at"],
    }  # fmt: skip
    response = people.us.call("GET", f"{path}/deliveries")
    assert response.get_json() == {
        "message": "Webhook deliveries retrieved successfully", "data": {"deliveries": [delivery], "total": 1},
    }  # fmt: skip


def test_deliveries_are_paged_newest_first(people: People, database: Database) -> None:
    ours, other = (hook(database, people.us_company_id, f"/{number}") for number in range(2))
    at = now()
    with database.engine.begin() as connection:
        for webhook_id, count in ((ours, 12), (other, 3)):
            for number in range(count):
                values = delivery_values(
                    Channel.WEBHOOK, webhook_id, URL, people.us_company_id, key=f"test-{number:024x}",
                    now=at + timedelta(seconds=number),
                )  # fmt: skip
                connection.execute(insert(Delivery).values(values | {"status": "sent", "last_status_code": 204}))
        mail = delivery_values(Channel.EMAIL, ours, "a@b.co", people.us_company_id, key="mail", now=at)
        connection.execute(insert(Delivery).values(mail))
    path = f"/webhooks/{ours}/deliveries"
    first = people.us.ok("GET", path)
    assert (len(first["deliveries"]), first["total"]) == (10, 12)
    assert first["deliveries"][0] == {
        "id": f"test-{11:024x}", "event": "webhook.test", "status": "sent", "attempts": 0, "lastStatusCode": 204,
        "at": format_instant(at + timedelta(seconds=11)),
    }  # fmt: skip
    rest = people.us.ok("GET", f"{path}?skip=10")
    assert [each["id"] for each in rest["deliveries"]] == [f"test-{number:024x}" for number in (1, 0)]
    assert people.us.ok("GET", f"{path}?skip=12") == {"deliveries": [], "total": 12}
    assert people.us.refused("GET", f"{path}?limit=101")[0] == 400
    assert people.them.refused("GET", f"{path}?limit=101") == (403, "This webhook does not belong to you")


def test_events_of_interviews_are_listed(people: People, database: Database) -> None:
    webhook_id = hook(database, people.us_company_id, "/ok")
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    people.us.ok("GET", f"/interviews/{interview['interviewId']}/notices")  # fans the event out
    (event,) = people.candidate.ok("GET", f"/candidate/interviews/{interview['interviewId']}/timeline")["events"]
    (delivery,) = people.us.ok("GET", f"/webhooks/{webhook_id}/deliveries")["deliveries"]
    assert (delivery["id"], delivery["event"]) == (str(event["id"]), "interview.scheduled")
    with database.engine.begin() as connection:  # as a worker before migration 0007 wrote them
        connection.execute(update(Delivery).values(created_at=None))
    (delivery,) = people.us.ok("GET", f"/webhooks/{webhook_id}/deliveries")["deliveries"]
    assert delivery["at"] == event["at"]
