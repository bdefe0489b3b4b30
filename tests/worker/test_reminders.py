"""Reminders and nudges hour by hour under a frozen clock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.notifications.worker.worker import work_once
from tests.support.api import Caller, local
from tests.support.factories import World

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def happened(database: Database, interview_id: str) -> list[tuple[str, str, int]]:
    """Return type, occasion and hours since START of each reminder and nudge."""
    with database.reads.connection() as connection:
        rows = connection.execute(
            select(Event).where(Event.interview_id == interview_id, Event.occasion.is_not(None)).order_by(Event.id)
        )
        return [(row.type.removeprefix("interview."), row.occasion, round((row.at - START) / HOUR)) for row in rows]


@pytest.fixture
def interview(app: Flask, world: World, headers: Any) -> Any:
    """Return a function that makes an interview, from its status and the hours from START to each of its moments."""
    company = world.company()
    user = world.company_user(company)
    person = world.candidate(email="ada@example.com")
    application = world.application(person, world.job(company))
    with time_machine.travel(START, tick=False):
        world.load()

    def us() -> Caller:
        """Return a caller signed in now; a token lasts 15 minutes."""
        return Caller(app.test_client(), headers(user["id"], "company"))

    def candidate() -> Caller:
        return Caller(app.test_client(), headers(person["id"]))

    def make(starts: float, **values: Any) -> tuple[str, Any, Any]:
        body = {"applicationId": application["id"], **local(START + starts * HOUR), "timeZone": "UTC", "type": "Phone"}
        with time_machine.travel(START, tick=False):
            return us().ok("POST", "/interviews/schedule", body | values)["interviewId"], us, candidate

    return make


def test_reminders_over_a_fortnight(app: Flask, interview: Any, database: Database) -> None:
    """Unanswered for 30 hours, then confirmed, moved after 100, confirmed at 120; it begins at 14 days."""
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        interview_id, us, candidate = interview(14 * 24)
        for hour in range(15 * 24):
            clock.move_to(START + hour * HOUR)
            if hour in (30, 120):
                candidate().ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
            if hour == 100:
                us().ok("PUT", f"/interviews/{interview_id}/reschedule", local(START + 13 * 24 * HOUR))
            while work_once(now()):
                pass
    assert happened(database, interview_id) == [
        ("nudge", "unanswered", 24), ("reminder", "24h", 12 * 24), ("reminder", "1h", 13 * 24 - 1),
    ]  # fmt: skip


def test_nobody_is_nudged_while_a_request_for_another_time_stands(
    app: Flask, interview: Any, database: Database
) -> None:
    """Requested after 10 and 20 hours, moved after 50: the new time has nudges of its own."""
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        interview_id, us, candidate = interview(14 * 24)
        notices = f"/interviews/{interview_id}/notices"
        for hour in range(15 * 24):
            clock.move_to(START + hour * HOUR)
            if hour in (10, 20):
                assert planned(us(), notices) == (["interview.nudge"] * 2 if hour == 10 else [])
                candidate().ok("PUT", f"/candidate/interviews/{interview_id}/request-reschedule")
                assert planned(us(), notices) == []
            if hour == 40:  # an update answers nothing
                us().ok("PUT", f"/interviews/{interview_id}/reschedule", local(START + 14 * 24 * HOUR) | {"notes": "x"})
            if hour == 50:
                us().ok("PUT", f"/interviews/{interview_id}/reschedule", local(START + 13 * 24 * HOUR))
                assert planned(us(), notices) == ["interview.nudge"] * 2
            while work_once(now()):
                pass
    assert happened(database, interview_id) == [("nudge", "unanswered", 74), ("nudge", "24h", 12 * 24)]


def test_confirmation_after_a_request_has_its_reminders(app: Flask, interview: Any, database: Database) -> None:
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        interview_id, _, candidate = interview(14 * 24)
        candidate().ok("PUT", f"/candidate/interviews/{interview_id}/request-reschedule")
        for hour in range(15 * 24):
            clock.move_to(START + hour * HOUR)
            if hour == 200:
                candidate().ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
            while work_once(now()):
                pass
    assert happened(database, interview_id) == [("reminder", "24h", 13 * 24), ("reminder", "1h", 14 * 24 - 1)]


def planned(us: Caller, notices: str) -> list[str]:
    return [notice["event"] for notice in us.ok("GET", notices)["notices"] if notice["status"] == "planned"]


def test_unanswered_invitation_is_nudged_twice(app: Flask, interview: Any, database: Database) -> None:
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        interview_id, _, _ = interview(14 * 24)
        for hour in range(15 * 24):
            clock.move_to(START + hour * HOUR)
            while work_once(now()):
                pass
    assert happened(database, interview_id) == [("nudge", "unanswered", 24), ("nudge", "24h", 13 * 24)]


@pytest.mark.parametrize(
    ("starts", "down", "expected"),
    [
        (48, (20, 44), [("reminder", "24h", 44), ("reminder", "1h", 47)]),  # late for the first
        (48, (20, 47), [("reminder", "1h", 47)]),  # for both: only the latest
        (48, (20, 49), []),  # it has begun
        (20, (0, 0), [("reminder", "1h", 19)]),  # 24 h before was past when it was confirmed
        (0.5, (0, 0), []),
    ],
)
def test_late_worker_sends_only_the_latest_reminder(
    starts: float, down: tuple[int, int], expected: list[Any], app: Flask, interview: Any, database: Database
) -> None:
    with time_machine.travel(START, tick=False) as clock, app.app_context():
        interview_id, _, candidate = interview(starts)
        candidate().ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
        for hour in range(60):
            if not down[0] <= hour < down[1]:
                clock.move_to(START + hour * HOUR)
                while work_once(now()):
                    pass
    assert happened(database, interview_id) == expected


def test_loaded_interview_gets_only_later_reminders(app: Flask, world: World, database: Database) -> None:
    """A load sends nothing by itself, also no nudge about an old invitation."""
    record = {
        "timeZone": "UTC", "scheduledAt": "2030-04-01T00:00:00.000Z",
        "scheduledDate": (START + 30 * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    application = world.application(world.candidate())
    pending = world.interview(application, **record)["id"]
    confirmed = world.interview(application, **record, status="confirmed")["id"]
    over = world.interview(application, **record, status="completed")["id"]
    with time_machine.travel(START, tick=False) as clock:
        world.load()
        with app.app_context():
            for hour in range(40):
                clock.move_to(START + hour * HOUR)
                if hour == 3:
                    world.load()  # again: nothing has changed
                while work_once(now()):
                    pass
    assert happened(database, pending) == [("nudge", "24h", 6)]
    assert happened(database, confirmed) == [("reminder", "24h", 6), ("reminder", "1h", 29)]
    assert happened(database, over) == []


def test_two_workers_send_one_reminder(app: Flask, interview: Any, database: Database) -> None:
    with time_machine.travel(START, tick=False):
        ids = [interview(48 + 3 * number)[0] for number in range(20)]

    def work(moment: datetime) -> None:
        with app.app_context():
            while work_once(moment):
                pass

    with ThreadPoolExecutor(2) as pool:
        for moment in (START + 24 * HOUR, START + 25 * HOUR):
            list(pool.map(work, [moment, moment]))
    assert [happened(database, interview_id) for interview_id in ids] == [[("nudge", "unanswered", 24)]] * 20
