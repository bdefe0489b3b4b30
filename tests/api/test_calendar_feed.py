"""The bounds of a calendar feed, and its cached responses."""

import random
import string
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from interviews_api import create_app
from interviews_api.cache import ResponseCache
from interviews_api.clock import format_instant
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.api import Caller, in_days, invitation
from tests.support.factories import World
from tests.support.icalendar import properties
from tests.support.people import People
from tests.support.settings import SETTINGS
from tests.support.statements import hooked
from tests.support.tokens import Headers

WINDOW = timedelta(days=90)
MILLISECOND = timedelta(milliseconds=1)


def new_feed(app: Flask, authorization: Headers) -> str:
    url: str = Caller(app.test_client(), authorization).ok("POST", "/candidate/calendar-feed")["url"]
    return url.removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def default_worker(app: Flask, database_url: str) -> Iterator[Flask]:
    """Yield an application with the default CACHE_BYTES, whatever it is in this run."""
    worker = create_app(SETTINGS | {"DATABASE_URL": database_url, "CACHE_BYTES": str(14 * 1024 * 1024)})
    yield worker
    service(Database, worker).dispose()


def test_large_feed_is_bounded_in_size_and_time(
    default_worker: Flask, world: World, headers: Callable[..., Headers]
) -> None:
    """600 interviews with the longest texts; the CPU time is that of this process."""
    client = default_worker.test_client()
    letters = random.Random(1)

    def long_text() -> str:
        return "".join(letters.choices(string.ascii_letters + "é", k=20_000))

    starts = [in_days(3) + timedelta(hours=number) for number in range(600)]
    interviews = [
        {"scheduledDate": format_instant(start), "type": "InPerson", "location": long_text(), "notes": long_text()}
        for start in starts
    ]
    me = world.candidate_with(*interviews)
    world.load()
    feed = new_feed(default_worker, headers(me["id"]))

    def cpu_seconds(status: int, **conditions: str) -> float:
        began = time.process_time()
        assert Caller(client, {}).call("GET", feed, **conditions).status_code == status
        return time.process_time() - began

    assert cpu_seconds(200) < 5
    assert cpu_seconds(200) < 0.2
    first = client.get(feed)
    assert cpu_seconds(304, If_None_Match=first.headers["ETag"]) < 0.05
    lines = properties(first.data)
    assert lines["DTSTART"] == [f"{start:%Y%m%dT%H%M%SZ}" for start in reversed(starts[100:])]
    assert lines["LOCATION"] == [interview["location"][:2000] for interview in reversed(interviews[100:])]
    texts = [paragraphs[1] for text in lines["DESCRIPTION"] if len(paragraphs := text.split("\\n\\n")) > 1]
    assert texts == [interview["notes"][:2000] for interview in reversed(interviews[100:])]


def test_cached_feed_is_not_exported_again(default_worker: Flask, people: People, calendar_feed: str) -> None:
    """A change builds the feed once; after that each request is one statement, which finds the feed and its version."""
    anonymous, sent = Caller(default_worker.test_client(), {}), list[str]()
    with hooked(service(Database, default_worker).engine, lambda statement, _: sent.append(statement)):
        etags = []
        for days in (3, 5):
            people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days))
            etags.append(anonymous.call("GET", calendar_feed).headers["ETag"])
            sent.clear()
            for tag, status in (("", 200), (etags[-1], 304)):
                assert anonymous.call("GET", calendar_feed, If_None_Match=tag).status_code == status
            assert len(sent) == 2
            assert not [statement for statement in sent if "interviews" in statement]
    assert anonymous.call("GET", calendar_feed, If_None_Match=etags[0]).status_code == 200


def test_cached_feed_changes_with_time_alone(
    cached_workers: list[Flask], world: World, headers: Callable[..., Headers]
) -> None:
    """Each ended interview leaves the feed 90 days after its start, and is back when the clock is set back."""
    present = in_days(0) + timedelta(minutes=2)  # once the token is issued
    starts = [present - WINDOW + timedelta(minutes=minutes) for minutes in (3, 6)]
    me = world.candidate_with(
        {"status": "annule", "scheduledDate": format_instant(starts[0])},
        {"status": "completed", "scheduledDate": format_instant(starts[1])},
        {"status": "en_attente", "scheduledDate": format_instant(starts[0])},
    )
    world.load()
    feed, counts = new_feed(cached_workers[0], headers(me["id"])), []
    ends = [start + WINDOW for start in starts]
    moments = [present, *(end + step for end in ends for step in (timedelta(0), MILLISECOND)), present, ends[0]]
    with time_machine.travel(present, tick=False) as clock:
        for moment in moments:
            clock.move_to(moment)
            caching, _, uncached = (worker.test_client() for worker in cached_workers)
            answers = [caller.get(feed) for caller in (caching, caching, uncached)]
            assert len({(answer.data, answer.headers["ETag"]) for answer in answers}) == 1, moment
            counts.append(len(properties(answers[0].data)["UID"]))
    assert counts == [3, 3, 2, 2, 1, 3, 3]


def test_cached_feed_ends_with_its_secret(
    cached_workers: list[Flask], people: People, calendar_feed: str, app: Flask
) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    clients = [worker.test_client() for worker in cached_workers]
    assert {each.get(calendar_feed).status_code for each in clients} == {200}
    second = new_feed(app, people.candidate.headers)
    assert {each.get(calendar_feed).status_code for each in clients} == {404}
    assert {each.get(second).status_code for each in clients} == {200}
    people.candidate.ok("DELETE", "/candidate/calendar-feed")
    assert {each.get(second).status_code for each in clients} == {404}


def test_cache_holds_no_secret(cached_workers: list[Flask], calendar_feed: str) -> None:
    cached_workers[0].test_client().get(calendar_feed)
    (values,) = [value for name, value in vars(service(ResponseCache, cached_workers[0])).items() if name == "_values"]
    secret = calendar_feed.removeprefix("/calendar/").removesuffix(".ics")
    assert len(values) == 1
    assert secret not in str(list(values))
