"""Proof: of transitions that arrive together at two workers, only legal ones succeed, with one event each."""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from interviews_api.clock import format_instant, parse_instant
from interviews_api.db.connections import Database
from tests.support import model
from tests.support.api import Caller, in_days, invitation, local
from tests.support.gunicorn_server import GunicornServer
from tests.support.linked_interview import JSON, path
from tests.support.people import People
from tests.support.proof_table import figure, proof
from tests.support.simultaneous import Call, at_once

BODIES: dict[str, Any] = {
    "cancel": {"cancellationReason": "filled"}, "complete": {"isHired": True}, "decline": {"reason": "ill"},
    "request-reschedule": {"reason": "ill"}, "confirm": {},
}  # fmt: skip
MOVERS = {
    "candidate": ["confirm", "decline", "request-reschedule"],
    "company": ["confirm", "reschedule", "cancel", "complete"],
}
SAID = {
    "cancel": {"reason": "filled"}, "complete": {"is_hired": True}, "decline": {"reason": "ill"},
    "request-reschedule": {"reason": "ill"},
}  # fmt: skip


def change(dice: random.Random, start: datetime, number: int) -> Any:
    """Return the body of a reschedule: to another time, or with this start and other notes, which may be an update."""
    return local(in_days(30 + number)) if dice.random() < 0.5 else local(start) | {"notes": str(number)}


def details_of(body: Any) -> dict[str, Any]:
    """Return what the body of a reschedule changes, as the model takes it."""
    start = datetime.fromisoformat(f"{body['date']}T{body['time']}Z")
    return {"start": start} | ({"notes": body["notes"]} if "notes" in body else {})


def link_call(interview_id: str, move: str, body: Any) -> Call:
    """Return the candidate's call by the link in the invitation."""
    return "POST", path(interview_id) + ("" if move == "confirm" else f"/{move}"), JSON, body


def replay(
    start: model.Interview, order: list[tuple[str, str]], changes: Iterable[dict[str, Any]]
) -> Iterator[model.Interview]:
    """Yield the interview before and after each of these moves; the reschedules change these details."""
    life, changes = start.copy(), iter(changes)
    yield life.copy()
    for move, by in order:
        details = next(changes) if move == "reschedule" else SAID.get(move, {})
        assert life.move(move, by, **details), order
        yield life.copy()


def run_race(
    dice: random.Random, gunicorn_server: GunicornServer, us: Caller, candidate: Caller, application: str
) -> None:
    """Send two to four transitions of one interview at one moment."""
    interview = us.ok("POST", "/interviews/schedule", invitation(application))
    interview_id = interview["interviewId"]
    start = model.Interview(model.Application(), parse_instant(interview["scheduledDate"]))
    start.begin()
    if dice.random() < 0.4:
        candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
        start.move("confirm", "candidate")
    racers = [(dice.choice(MOVERS[by]), by) for by in dice.choices(list(MOVERS), k=dice.randint(2, 4))]
    bodies = [BODIES[move] if move in BODIES else change(dice, start.start, number)
              for number, (move, _) in enumerate(racers)]  # fmt: skip
    prefix = {"candidate": f"/candidate/interviews/{interview_id}", "company": f"/interviews/{interview_id}"}
    sides = {"candidate": candidate.headers, "company": us.headers}
    calls: list[Call] = [
        link_call(interview_id, move, body) if by == "candidate" and dice.random() < 0.5
        else ("PUT", f"{prefix[by]}/{move}", sides[by], body)
        for (move, by), body in zip(racers, bodies, strict=True)
    ]  # fmt: skip
    answers = at_once(gunicorn_server, calls)

    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 400}, (racers, answers)
    winners = [racer for racer, status in zip(racers, statuses, strict=True) if status == 200]
    timeline = candidate.ok("GET", f"/candidate/interviews/{interview_id}/timeline")["events"]
    events = [(event["type"], event["by"]) for event in timeline]
    assert events[: len(start.events)] == start.events
    moves = {(f"interview.{event}", by): (move, by) for move, event in model.EVENTS.items() for by in MOVERS}
    moves["interview.updated", "company"] = ("reschedule", "company")
    order = [moves[event] for event in events[len(start.events) :]]
    assert sorted(order) == sorted(winners), (racers, statuses, order)  # one event for each move that won
    ours = us.ok("GET", f"/interviews/{interview_id}")
    changes = [details_of(call[3]) for call, status in zip(calls, statuses, strict=True)
               if status == 200 and call[1].endswith("/reschedule")]  # fmt: skip
    # The winners in the order of their events are a legal life. Which reschedule was which is not in the events.
    lives = [list(replay(start, order, tried)) for tried in permutations(changes)]
    lives = [life for life in lives if life[-1].events == events and is_as(ours, life[-1])]
    assert lives, (racers, bodies, events, ours)
    expected = lives[0][-1]
    judged = set()  # by the status, so not by a link that another transition has superseded
    for (move, _), call, (code, body) in zip(racers, calls, answers, strict=True):
        if code == 400 and call[0] == "POST" and b"Invalid confirmation token" in body:
            assert expected.revision > 0, (racers, order)
            continue
        judged.add(move)
        if code == 400:  # at some moment of that life it was indeed too late
            assert model.REFUSALS[move].encode() in body
            assert any(not step.is_legal(move) for step in lives[0]), (racers, order)
    if {"decline", "cancel", "complete"} & judged:
        assert sum(move in ("decline", "cancel", "complete") for move, _ in winners) == 1
    (application_row,) = us.ok(
        "GET", f"/interviews/company/{us.ok('GET', '/auth/me')['user']['company']['id']}/candidates"
    )["applications"]
    assert application_row["status"] == expected.application.status
    if expected.status in model.OPEN:
        us.ok("PUT", f"/interviews/{interview_id}/complete", {})


def is_as(ours: dict[str, Any], expected: model.Interview) -> bool:
    """Return whether the company's view is as the model says."""
    return (ours["status"], ours["cancelledBy"], ours["notes"], ours["scheduledDate"]) == (
        expected.status, expected.cancelled_by, expected.notes, format_instant(expected.start),
    )  # fmt: skip


@pytest.mark.proof
def test_races_have_the_models_winners(people: People, gunicorn_server: GunicornServer, database: Database) -> None:
    races = figure(sample=30, full=200)
    dice = random.Random(4)
    with proof("random 2-to-4-way races over 2 workers", database.engine.dialect.name, races) as proof_row:
        for _ in range(races):
            run_race(dice, gunicorn_server, people.us, people.candidate, people.us_application_id)
        proof_row.result = "the winners of the model"


@pytest.mark.proof
def test_simultaneous_overlaps_are_refused(people: People, gunicorn_server: GunicornServer, database: Database) -> None:
    """Two schedules, and a schedule against a reschedule, for one company and candidate at overlapping times."""
    us, races = people.us, figure(sample=10, full=100)
    bodies = [invitation(people.us_application_id, 40), invitation(people.us_application_id, 40 + 1 / 48)]
    with proof("overlapping schedules and reschedules at once", database.engine.dialect.name, races) as proof_row:
        for number in range(races):
            calls: list[Call] = [("POST", "/interviews/schedule", us.headers, body) for body in bodies]
            if number % 2:
                other = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 50))
                path = f"/interviews/{other['interviewId']}/reschedule"
                calls[1] = ("PUT", path, us.headers, local(in_days(40 + 1 / 48)))
            statuses = sorted(status for status, _ in at_once(gunicorn_server, calls))
            assert statuses in ([200, 409], [201, 409]), statuses
            for interview in us.ok("GET", "/interviews/by-status?limit=100&status=en_attente")["interviews"]:
                us.ok("PUT", f"/interviews/{interview['interviewId']}/cancel", {"cancellationReason": "next"})
        proof_row.result = "one of two, every time"


@pytest.mark.proof
def test_one_of_two_writes_with_the_same_if_match_succeeds(
    people: People, gunicorn_server: GunicornServer, database: Database
) -> None:
    us, candidate, races = people.us, people.candidate, figure(sample=10, full=100)
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{interview['interviewId']}"
    with proof("two writes with one If-Match", database.engine.dialect.name, races) as proof_row:
        for number in range(races):
            seen = us.headers | {"If-Match": us.call("GET", path).headers["ETag"]}
            calls: list[Call] = [
                ("PUT", f"{path}/reschedule", seen, local(in_days(number % 20 + day))) for day in (60, 90)
            ]
            assert sorted(status for status, _ in at_once(gunicorn_server, calls)) == [200, 412]
        seen = candidate.headers | {"If-Match": candidate.call("GET", f"/candidate{path}").headers["ETag"]}
        both: list[Call] = [("PUT", f"/candidate{path}/{move}", seen, {}) for move in ("confirm", "decline")]
        assert sorted(status for status, _ in at_once(gunicorn_server, both)) == [200, 412]
        proof_row.result = "one 200, one 412"
