"""Limits on what signed-in users make: transitions, resends, new rows, and rows that stand at the same time."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from interviews_api.accounts.models import RateLimit
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.notifications.models import Delivery
from tests.support.api import Caller, in_days, invitation, local
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.fixtures import MakeLimited
from tests.support.linked_interview import JSON
from tests.support.linked_interview import path as link_path
from tests.support.people import People

TOO_MANY = (429, "Too many attempts, try again later")
TOO_MANY_OPEN = (409, "The candidate already has too many open interviews")


def limit(people: People, client: FlaskClient) -> People:
    """Return the people as callers of an application with rate limits."""
    callers = {name: Caller(client, people.caller(name).headers) for name in ("us", "them", "candidate")}
    return replace(people, **callers)


@pytest.fixture
def limited(make_limited: MakeLimited, people: People) -> Callable[..., People]:
    """Return a function that makes the people callers of an application with these limits."""
    return lambda limits="", **settings: limit(people, make_limited(LIMITS=limits, **settings))


@pytest.fixture
def interview_id(people: People) -> str:
    interview: dict[str, str] = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 20))
    return interview["interviewId"]


def age_events(database: Database, age: timedelta) -> None:
    """Make all events older: a token would not live that long."""
    with database.engine.begin() as connection:
        for event_id, at in connection.execute(select(Event.id, Event.at)).all():
            connection.execute(update(Event).where(Event.id == event_id).values(at=at - age))


def test_requests_for_another_time_are_limited_to_five_an_hour(
    limited: Callable[..., People], interview_id: str, database: Database
) -> None:
    candidate = limited().candidate
    path = f"/candidate/interviews/{interview_id}/request-reschedule"
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for _ in range(5):
            candidate.ok("PUT", path)
            clock.shift(60)
        response = candidate.call("PUT", path)
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "3300"
        assert candidate.call("PUT", path, If_Match='"stale"').status_code == 429  # comes before 412
        assert candidate.call("PUT", path, {"reason": 1}).status_code == 400
        candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")  # a move of another kind
    age_events(database, timedelta(seconds=3601))  # the first one is too old
    candidate.ok("PUT", path)
    assert candidate.refused("PUT", path) == TOO_MANY


def test_moves_are_limited_by_interview_and_side(
    limited: Callable[..., People], interview_id: str, database: Database
) -> None:
    people = limited("transitions=3/3600")
    us, candidate = people.us, people.candidate
    ours, theirs = f"/interviews/{interview_id}", f"/candidate/interviews/{interview_id}"
    for days in range(30, 33):
        us.ok("PUT", f"{ours}/reschedule", local(in_days(days)))
    for move, body in (
        ("reschedule", local(in_days(40))), ("cancel", {"cancellationReason": "x"}),
        ("complete", None), ("confirm", None),
    ):  # fmt: skip
        assert us.refused("PUT", f"{ours}/{move}", body) == TOO_MANY
        assert us.refused("PUT", f"{ours}/{move}", body, If_Match='"stale"') == TOO_MANY
    candidate.ok("PUT", f"{theirs}/confirm")
    assert candidate.refused("PUT", f"{theirs}/confirm") == (400, "Interview is no longer pending confirmation")
    for _ in range(2):
        candidate.ok("PUT", f"{theirs}/request-reschedule")
    for move in ("confirm", "decline", "request-reschedule"):
        assert candidate.refused("PUT", f"{theirs}/{move}") == TOO_MANY  # comes before the 400 of the state
    assert people.them.refused("PUT", f"{ours}/confirm")[0] == 403
    other = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 50))["interviewId"]
    us.ok("PUT", f"/interviews/{other}/cancel", {"cancellationReason": "x"})
    age_events(database, timedelta(hours=1))
    us.ok("PUT", f"{ours}/cancel", {"cancellationReason": "x"})


def test_page_of_the_mailed_link_says_when_to_try_again(limited: Callable[..., People], interview_id: str) -> None:
    candidate = limited("transitions=1/3600").candidate
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        candidate.ok("PUT", f"/candidate/interviews/{interview_id}/request-reschedule")
        clock.shift(600)
        for headers in ({}, JSON):
            response = candidate.client.post(link_path(interview_id), headers=headers)
            assert (response.status_code, response.is_json) == (429, bool(headers))
            assert response.headers["Retry-After"] == "3000"


def test_moves_of_the_last_hour_count_after_many_old_ones(
    limited: Callable[..., People], interview_id: str, database: Database
) -> None:
    people = limited("transitions=2/3600,reschedule_requests=1000/3600")
    path = f"/candidate/interviews/{interview_id}/request-reschedule"
    for _ in range(2):
        people.candidate.ok("PUT", path)
    age_events(database, timedelta(hours=2))
    for _ in range(2):
        people.candidate.ok("PUT", path)
    assert people.candidate.refused("PUT", path) == TOO_MANY


def test_simultaneous_moves_are_as_many_as_the_limit_says(
    limited: Callable[..., People], interview_id: str, database: Database
) -> None:
    candidate = limited(WEB_THREADS="8").candidate
    path = f"/candidate/interviews/{interview_id}/request-reschedule"

    def ask(_: int) -> int:
        return Caller(candidate.client.application.test_client(), candidate.headers).call("PUT", path).status_code

    with ThreadPoolExecutor(4) as pool:
        assert Counter(pool.map(ask, range(16))) == {200: 5, 429: 11}
    with database.reads.connection() as connection:
        assert connection.execute(select(func.count()).where(Event.actor == "candidate")).scalar_one() == 5


def test_notice_is_resent_three_times_a_day(
    limited: Callable[..., People], interview_id: str, database: Database
) -> None:
    us = limited().us
    path = f"/interviews/{interview_id}/notices"
    first = us.ok("GET", path)["notices"][0]["id"]

    def resend(notice_id: object) -> tuple[int, Any]:
        with database.engine.begin() as connection:
            connection.execute(update(Delivery).values(status="sent"))
        response = us.call("POST", f"{path}/{notice_id}/resend")
        return response.status_code, response.get_json().get("data", {}).get("id")

    status, resent = resend(first)
    assert status == 202
    assert [resend(notice)[0] for notice in (resent, first, first, resent)] == [202, 202, 429, 429]
    assert us.refused("POST", f"{path}/{resent}/resend") == TOO_MANY
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(give_up_at=datetime.now(UTC)))  # moves with a hold or a retry
    assert resend(first)[0] == 429
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(created_at=datetime.now(UTC) - timedelta(days=1)))
    assert resend(first)[0] == 202


@pytest.mark.parametrize(
    ("name", "count", "make"),
    [
        ("jobs", 2, lambda people, _: people.us.call("POST", "/jobs", {"title": "Baker"})),
        ("feeds", 2, lambda people, _: people.candidate.call("POST", "/candidate/calendar-feed")),
        (
            "webhooks", 2,
            lambda people, number: people.us.call("POST", "/webhooks", {"url": f"https://nobody.invalid/{number}"}),
        ),
        (
            "colleagues", 2,
            lambda people, number: people.us.call(
                "POST", "/auth/company/users", {"email": f"c{number}@us.example", "password": "a-good-password"}
            ),
        ),
        (
            "interviews", 2,
            lambda people, number: people.us.call(
                "POST", "/interviews/schedule", invitation(people.us_application_id, 30 + number)
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_creating_is_limited(
    name: str, count: int, make: Callable[[People, int], Any], limited: Callable[..., People]
) -> None:
    people = limited(f"{name}={count}/86400")
    responses = [make(people, number) for number in range(count + 1)]
    assert [response.status_code for response in responses] == [201] * count + [429]
    assert 0 < int(responses[-1].headers["Retry-After"]) <= 86_400
    assert make(limited(f"{name}={count}/86400", RATELIMIT_ENABLED="false"), 9).status_code == 201
    other = replace(people, us=people.them, us_application_id=people.them_application_id)
    if name != "feeds":
        assert make(other, 10).status_code == 201  # counted by company or account


def test_invitations_and_changes_of_roles_count_with_new_colleagues(
    limited: Callable[..., People], people: People, world: World, database: Database
) -> None:
    colleague = world.company_user({"id": people.us_company_id}, role="member")
    world.load()
    us, users = limited("colleagues=3/3600").us, "/auth/company/users"
    path = f"{users}/{colleague['id']}"
    for role in ("member", "owner", "owner"):
        us.ok("PATCH", path, {"role": role})  # only the second one changes anything
    us.ok("POST", users, {"email": "new@us.example"})
    us.ok("POST", users, {"email": "c@us.example", "password": "a-good-password"})
    before = everything(database)
    assert us.refused("POST", users, {"email": "other@us.example"}) == TOO_MANY
    assert us.refused("PATCH", path, {"role": "member"}) == TOO_MANY
    assert everything(database) == before
    assert us.refused("POST", users, {"email": "nobody"})[0] == 400
    assert us.refused("POST", users, {"email": "c@d.example", "password": "c@d.example"})[0] == 400
    us.ok("PATCH", path, {"role": "owner"})
    us.ok("DELETE", path)


def test_applications_of_a_candidate_are_limited(limited: Callable[..., People], world: World, people: People) -> None:
    jobs = [people.us.ok("POST", "/jobs", {"title": "Baker"})["id"] for _ in range(3)]
    candidate = limited("applications=2/86400").candidate
    assert candidate.refused("POST", f"/jobs/{'f' * 24}/applications") == (404, "Job not found")  # not counted
    replies = [candidate.call("POST", f"/jobs/{jobs[0]}/applications", Idempotency_Key="k") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [201] * 3  # a kept reply is not counted
    candidate.ok("POST", f"/jobs/{jobs[1]}/applications")
    assert candidate.refused("POST", f"/jobs/{jobs[2]}/applications") == TOO_MANY
    assert candidate.refused("POST", f"/jobs/{jobs[1]}/applications") == TOO_MANY  # comes before the 409
    assert candidate.refused("POST", f"/jobs/{jobs[2]}/applications", Idempotency_Key="l") == TOO_MANY
    assert candidate.call("POST", f"/jobs/{jobs[0]}/applications", Idempotency_Key="k").status_code == 201


def test_feed_is_read_sixty_times_a_minute(
    limited: Callable[..., People], calendar_feed: str, database: Database
) -> None:
    client = limited().us.client
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        assert {client.get(calendar_feed).status_code for _ in range(60)} == {200}
        response = client.get(calendar_feed)
        assert (response.status_code, response.headers["Retry-After"]) == (429, "60")
        assert client.get("/calendar/unknown.ics").status_code == 404
        clock.shift(61)
        assert client.get(calendar_feed).status_code == 200
    with database.reads.connection() as connection:
        assert connection.execute(select(func.count()).select_from(RateLimit)).scalar_one() == 1


def test_push_subscription_that_changes_nothing_is_not_counted(limited: Callable[..., People]) -> None:
    candidate = limited("push_subscriptions=2/3600").candidate
    keys = {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    }

    def subscribe(number: int) -> int:
        body = {"endpoint": f"https://nobody.invalid/{number}", "keys": keys}
        return candidate.call("POST", "/candidate/push-subscriptions", body).status_code

    assert [subscribe(1) for _ in range(4)] == [201] * 4
    assert [subscribe(number) for number in (2, 3, 1, 2)] == [201, 429, 201, 201]


def test_application_has_at_most_twenty_open_interviews(people: People) -> None:
    """Rate limits are off: this bound always holds."""
    us, application = people.us, people.us_application_id
    ids = [us.ok("POST", "/interviews/schedule", invitation(application, 10 + day))["interviewId"] for day in range(20)]
    assert us.refused("POST", "/interviews/schedule", invitation(application, 50)) == TOO_MANY_OPEN
    people.them.ok("POST", "/interviews/schedule", invitation(people.them_application_id, 50))
    us.ok("PUT", f"/interviews/{ids[0]}/reschedule", local(in_days(60)))
    us.ok("PUT", f"/interviews/{ids[0]}/cancel", {"cancellationReason": "x"})
    us.ok("POST", "/interviews/schedule", invitation(application, 50))
    assert us.refused("POST", "/interviews/schedule", invitation(application, 51)) == TOO_MANY_OPEN


def test_candidate_has_at_most_two_hundred_open_interviews_with_a_company(
    world: World, client: FlaskClient, headers: Callable[..., dict[str, str]]
) -> None:
    company = world.company()
    user, candidate = world.company_user(company), world.candidate()
    applications = [world.application(candidate, world.job(company)) for _ in range(12)]
    for number in range(200):  # of a seed file, which has no bound
        start = in_days(10 + number).strftime("%Y-%m-%dT%H:%M:00.000Z")
        world.interview(applications[number % 11], scheduledDate=start)
    world.load()
    us = Caller(client, headers(user["id"], "company"))
    assert us.refused("POST", "/interviews/schedule", invitation(applications[11]["id"], 5)) == TOO_MANY_OPEN


def test_company_has_one_webhook_for_a_url(people: People) -> None:
    created = people.us.ok("POST", "/webhooks", {"url": "https://nobody.invalid/"})
    refusal = (409, "The company already has a webhook with this URL")
    assert people.us.refused("POST", "/webhooks", {"url": "https://nobody.invalid/"}) == refusal
    people.them.ok("POST", "/webhooks", {"url": "https://nobody.invalid/"})
    people.us.ok("DELETE", f"/webhooks/{created['id']}")
    people.us.ok("POST", "/webhooks", {"url": "https://nobody.invalid/"})
