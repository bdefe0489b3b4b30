"""Clients that keep what was acknowledged to them, to compare it with what is stored."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import count

from sqlalchemy import select

from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.hiring.models import Application
from interviews_api.interviews.models import Interview
from tests.support.api import in_days, invitation, local
from tests.support.crowd import Crowd
from tests.support.http_server import HttpServer

UNAVAILABLE = 503


class KeepingClient:
    """A client that schedules, confirms and reads in turn; all answers are successes, or a 503 with Retry-After."""

    def __init__(self, server: HttpServer, crowd: Crowd) -> None:
        self._server, self._crowd = server, crowd
        self._turns = count()
        self.scheduled: set[str] = set()
        self.confirmed: set[str] = set()
        self.writes: Counter[int] = Counter()
        self.reads: Counter[int] = Counter()

    def work(self, turns: int) -> None:
        """Schedule an interview, confirm it and read the candidate's list, so many times."""
        for turn in (next(self._turns) for _ in range(turns)):
            number = turn % len(self._crowd.candidates)
            candidate = self._crowd.candidates[number]
            body = invitation(self._crowd.application_ids[number], **local(in_days(30 + turn)), notes="é" * 5000)
            status, raw = self._ask("POST", "/interviews/schedule", self._crowd.company, body)
            self.writes[status] += 1
            if status < 300:
                interview_id = json.loads(raw)["data"]["interviewId"]
                self.scheduled.add(interview_id)
                path = f"/candidate/interviews/{interview_id}/confirm"
                status, _ = self._ask("PUT", path, candidate)
                self.writes[status] += 1
                if status < 300:
                    self.confirmed.add(interview_id)
            self.reads[self._ask("GET", "/candidate/interviews", candidate)[0]] += 1
            self.reads[self._ask("GET", "/health/live", {})[0]] += 1

    def forget_answers(self) -> None:
        """Count answers from now on."""
        self.writes.clear()
        self.reads.clear()

    def _ask(self, method: str, path: str, headers: dict[str, str], body: object = None) -> tuple[int, bytes]:
        status, answered, raw = self._server.request(method, path, headers, body)
        assert status < 300 or (status == UNAVAILABLE and answered["Retry-After"]), (status, raw)
        return status, raw


def check_everything(
    database: Database, confirmed: Iterable[str], scheduled: set[str], loaded: Iterable[str] = ()
) -> int:
    """Check acknowledged requests, and each interview against its events; return the number of interviews."""
    with database.reads.connection() as connection:
        interviews = {row.id: row for row in connection.execute(select(Interview))}
        applications = {row.id: row.status for row in connection.execute(select(Application))}
        events: dict[str, list[str]] = {}
        for row in connection.execute(select(Event).order_by(Event.id)):
            events.setdefault(row.interview_id, []).append(row.type)
    assert scheduled <= interviews.keys()
    assert {interviews[interview_id].status for interview_id in confirmed} <= {"confirmed"}
    last: dict[str, tuple[int, str]] = {}
    for interview_id, interview in interviews.items():
        expected = [] if interview_id in loaded else ["interview.scheduled"]
        expected += ["interview.confirmed"] * (interview.status == "confirmed")
        assert events.get(interview_id, []) == expected, interview_id
        assert (interview.confirmed_at is not None) == (interview.status == "confirmed")
    with database.reads.connection() as connection:
        for row in connection.execute(select(Event.id, Event.type, Interview.application_id).join(Interview)):
            last[row.application_id] = max(last.get(row.application_id, (0, "")), (row.id, row.type))
    follow = {"interview.scheduled": "entretien_programmer", "interview.confirmed": "confirme"}
    for application_id, (_, event) in last.items():
        assert applications[application_id] == follow[event]
    return len(interviews)
