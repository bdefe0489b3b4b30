"""Cached responses end with the clock, with transitions and with loaded files."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from interviews_api.accounts.models import Company
from interviews_api.accounts.tokens import VerifiedTokens
from interviews_api.clock import format_instant
from interviews_api.db.connections import Database
from interviews_api.seed.load import load_world
from interviews_api.services import register_services
from tests.support.api import Caller, in_days, invitation
from tests.support.factories import World
from tests.support.people import People
from tests.support.tokens import Headers

VIEWS = ["", "?status=confirmed", "?limit=1", "/upcoming", "/upcoming?limit=1"]
MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize("view", VIEWS)
def test_cached_response_ends_when_the_next_interview_begins(
    view: str, cached_workers: list[Flask], world: World, headers: Any
) -> None:
    present = in_days(0) + timedelta(minutes=2)  # once the token is issued
    starts = [present + timedelta(minutes=minutes) for minutes in (3, 6)]
    me = world.candidate_with(*({"status": "confirmed", "scheduledDate": format_instant(start)} for start in starts))
    world.load()
    authorization = headers(me["id"])
    caching, _, uncached = (Caller(worker.test_client(), authorization) for worker in cached_workers)
    path, counts = f"/candidate/interviews{view}", []
    moments = [present, *(start + step for start in starts for step in (timedelta(0), MILLISECOND)), present, starts[0]]
    with time_machine.travel(present, tick=False) as clock:
        for moment in moments:
            clock.move_to(moment)
            data = [caller.ok("GET", path) for caller in (caching, caching, uncached)]
            assert data[0] == data[1] == data[2], moment
            counts.append(data[0].get("upcomingCount", data[0]["total"]))
    assert counts == [2, 2, 1, 1, 0, 2, 2]


def test_cached_list_of_ongoing_interviews_ends_when_one_ends(
    cached_workers: list[Flask], world: World, headers: Any
) -> None:
    """The second one begins before the first one ends; a beginning changes nothing."""
    present = in_days(0) + timedelta(minutes=2)  # once the token is issued
    starts = [present + timedelta(minutes=minutes, milliseconds=1) for minutes in (-58, 1)]
    lengths = [60, 5]
    me = world.candidate_with(
        *(
            {"status": "confirmed", "scheduledDate": format_instant(start), "durationMinutes": length}
            for start, length in zip(starts, lengths, strict=True)
        )
    )
    world.load()
    authorization = headers(me["id"])
    caching, _, uncached = (Caller(worker.test_client(), authorization) for worker in cached_workers)
    ends = [start + timedelta(minutes=length) for start, length in zip(starts, lengths, strict=True)]
    totals, tags = [], []
    moments = [present, *(end - step for end in ends for step in (MILLISECOND, timedelta(0))), present]
    with time_machine.travel(present, tick=False) as clock:
        for moment in moments:
            clock.move_to(moment)
            read = [caller.call("GET", "/candidate/interviews/upcoming?ongoing=true")
                    for caller in (caching, caching, uncached)]  # fmt: skip
            assert read[0].data == read[1].data == read[2].data, moment
            totals.append(read[0].get_json()["data"]["total"])
            tags.append(read[0].headers["ETag"])
    assert totals == [2, 2, 1, 1, 0, 2]
    assert tags[0] == tags[1] == tags[-1]
    assert len(set(tags)) == 3


def test_cache_of_verified_tokens_is_bounded(
    app: Flask, world: World, headers: Callable[..., Headers], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that ends is refused although its token is cached."""
    me = world.candidate()
    world.load()
    cache = VerifiedTokens(2)
    register_services(app, cache)
    callers = [Caller(app.test_client(), headers(me["id"])) for _ in range(3)]
    for caller in [*callers, *callers]:
        caller.ok("GET", "/candidate/interviews")
    (kept_keys,) = [value for name, value in vars(cache).items() if name == "_values"]
    assert len(kept_keys) == 2
    assert not [key for key in kept_keys if not isinstance(key, bytes) or len(key) != 32]
    callers[2].ok("POST", "/auth/logout")
    assert callers[2].refused("GET", "/candidate/interviews") == (401, "Unauthorized")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        assert callers[1].refused("GET", "/candidate/interviews") == (401, "Unauthorized")
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        callers[1].ok("GET", "/candidate/interviews")  # issued by a node whose clock is ahead
    callers[1].ok("GET", "/candidate/interviews")


def test_loading_an_empty_file_invalidates_cached_responses(app: Flask, people: People, database: Database) -> None:
    us, candidate = people.us, people.candidate
    us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))

    def name() -> Any:
        return candidate.ok("GET", "/candidate/interviews")["interviews"][0]["company"]["name"]

    before = name()
    with database.engine.begin() as connection:
        connection.execute(update(Company).values(name="Renamed by hand"))
    with app.app_context():
        load_world({})
    assert before != name() == "Renamed by hand"
