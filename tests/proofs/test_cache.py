"""Proof: after every kind of write, a caching worker reads what an uncached worker reads."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from interviews_api import create_app
from interviews_api.accounts.models import Role
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.cache import CachedResponse
from interviews_api.clock import format_instant
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.interviews.link_tokens import make_token
from interviews_api.seed.load import load_world
from interviews_api.services import service
from tests.support.api import Caller, local
from tests.support.proof_table import figure, proof
from tests.support.settings import SETTINGS
from tests.support.tokens import begin_session

NOW = datetime(2030, 3, 1, 9, tzinfo=UTC)

PATHS = (
    "", "?limit=2", "?limit=2&skip=1", "?status=confirmed", "?status=annule", "/pending", "/pending?limit=1",
    "/upcoming", "/upcoming?limit=1", "/upcoming?ongoing=true", "/history", "/{one}", "/{another}",
    "/{another}/briefing", "feed",
)  # fmt: skip
WHICH = st.integers(0, 5)
SLOTS = st.integers(-1, 8).map(lambda number: NOW + timedelta(minutes=10 * number))
READS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(PATHS), WHICH, st.booleans()), min_size=1, max_size=12)


class CacheMachine(RuleBasedStateMachine):
    """Two candidates and a company. Only the rule `wait` moves the clock."""

    workers: list[Flask]
    uncached: Flask
    reads: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.time = self.clock.start()
        self.company, self.user, self.job = new_id(), new_id(), new_id()
        self.candidates = [new_id(), new_id()]
        self.interviews: list[tuple[str, str]] = []
        self.applications = {candidate: new_id() for candidate in self.candidates}
        with self.uncached.app_context():
            load_world(self._companies("A", "J") | self._people())
            self.callers = {candidate: self._headers(candidate, Role.CANDIDATE) for candidate in self.candidates}
            self.us = Caller(self.workers[0].test_client(), self._headers(self.user, Role.COMPANY))
        self.tags: dict[tuple[str, str], str] = {}
        self.feeds = {
            candidate: Caller(self.uncached.test_client(), headers).ok("POST", "/candidate/calendar-feed")["url"]
            for candidate, headers in self.callers.items()
        }

    def teardown(self) -> None:
        self.clock.stop()

    def _companies(self, name: str, title: str) -> dict[str, Any]:
        job = {"id": self.job, "companyId": self.company, "title": title}
        return {"companies": [{"id": self.company, "name": name, "timeZone": "UTC"}], "jobs": [job]}

    def _people(self) -> dict[str, Any]:
        names = {"firstName": "A", "lastName": "B"}
        return {
            "companyUsers": [{"id": self.user, "companyId": self.company, "email": f"{self.user}@c.example"}],
            "candidates": [
                {"id": candidate, "email": f"{candidate}@x.example"} | names for candidate in self.candidates
            ],
            "applications": [
                {
                    "id": application,
                    "candidateId": candidate,
                    "jobId": self.job,
                    "appliedAt": "2030-01-01T00:00:00.000Z",
                }
                for candidate, application in self.applications.items()
            ],
        }

    def _headers(self, user_id: str, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {issue_access_token(begin_session(user_id, role))}"}

    def _record(self, interview_id: str, candidate: str, start: datetime, **values: Any) -> dict[str, Any]:
        return {
            "id": interview_id, "applicationId": self.applications[candidate], "status": "en_attente", "type": "Phone",
            "scheduledDate": format_instant(start), "timeZone": "UTC", "scheduledAt": "2030-02-01T00:00:00.000Z",
        } | values  # fmt: skip

    def _load(self, content: dict[str, Any]) -> None:
        with self.uncached.app_context():
            load_world(content)

    def _pick(self, which: int) -> tuple[str, str]:
        return self.interviews[which % len(self.interviews)]

    @initialize(starts=st.lists(SLOTS, min_size=4, max_size=4))
    def begin(self, starts: list[datetime]) -> None:
        """Load two interviews of each candidate by a seed file."""
        self.interviews = [(new_id(), self.candidates[number % 2]) for number in range(4)]
        statuses = ("confirmed", "confirmed", "en_attente", "completed")
        self._load({"interviews": [
            self._record(interview_id, candidate, start, status=status)
            for (interview_id, candidate), start, status in zip(self.interviews, starts, statuses, strict=True)
        ]})  # fmt: skip

    @rule(which=WHICH, by=st.sampled_from(["candidate", "company", "link"]))
    def confirm(self, which: int, by: str) -> None:
        """Confirm as the company, as the candidate or by the link."""
        interview_id, candidate = self._pick(which)
        if by == "company":
            self.us.call("PUT", f"/interviews/{interview_id}/confirm")
        elif by == "candidate":
            self._own(candidate, which).call("PUT", f"/candidate/interviews/{interview_id}/confirm")
        else:
            token = make_token(SETTINGS["SECRET_KEY"], interview_id, which % 2)
            self.us.client.post(f"/interviews/confirm/{token}")

    @rule(which=WHICH, move=st.sampled_from(["decline", "request-reschedule"]))
    def answer(self, which: int, move: str) -> None:
        """Decline the interview or request another time, as the candidate."""
        interview_id, candidate = self._pick(which)
        self._own(candidate, which).call("PUT", f"/candidate/interviews/{interview_id}/{move}", {"reason": "ill"})

    @rule(which=WHICH, start=SLOTS)
    def reschedule(self, which: int, start: datetime) -> None:
        """Move the interview to another time, as the company."""
        self.us.call("PUT", f"/interviews/{self._pick(which)[0]}/reschedule", local(start))

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        """Cancel the interview, as the company."""
        self.us.call("PUT", f"/interviews/{self._pick(which)[0]}/cancel", {"cancellationReason": "no"})

    @rule(which=WHICH, is_shared=st.booleans())
    def complete(self, which: int, is_shared: bool) -> None:
        """Complete the interview with feedback, as the company."""
        body = {"isHired": True, "feedback": {"comments": "good"}, "shareFeedback": is_shared}
        self.us.call("PUT", f"/interviews/{self._pick(which)[0]}/complete", body)

    @rule(which=WHICH, start=SLOTS)
    def schedule(self, which: int, start: datetime) -> None:
        """Schedule another interview, as the company."""
        candidate = self.candidates[which % 2]
        body = {"applicationId": self.applications[candidate], "type": "Phone", "durationMinutes": 5, **local(start)}
        response = self.us.call("POST", "/interviews/schedule", body)
        if response.status_code == 201:
            self.interviews.append((response.get_json()["data"]["interviewId"], candidate))

    @rule(name=st.sampled_from("ABC"), title=st.sampled_from("JKL"))
    def rename(self, name: str, title: str) -> None:
        """Rename the company and the job by a seed file."""
        self._load(self._companies(name, title))

    @rule(which=WHICH, start=SLOTS, status=st.sampled_from(["en_attente", "confirmed", "completed", "annule"]))
    def load(self, which: int, start: datetime, status: str) -> None:
        """Replace an interview by a seed file."""
        interview_id, candidate = self._pick(which)
        self._load({"interviews": [self._record(interview_id, candidate, start, status=status, notes=str(which))]})

    @rule(minutes=st.sampled_from([0, 1, 10, 25]), milliseconds=st.sampled_from([0, 0, 1, -1]))
    def wait(self, minutes: int, milliseconds: int) -> None:
        """Move the clock forwards, also to the millisecond around a start, or back by a millisecond."""
        self.time.shift(timedelta(minutes=minutes, milliseconds=milliseconds))

    @rule(reads=READS)
    def read(self, reads: list[tuple[int, str, int, bool]]) -> None:
        """Compare status, ETag and body of a worker's responses with those of an application without caches."""
        for worker, template, which, has_tag in reads:
            another, candidate = self._pick(which)
            path = f"/candidate/interviews{template.format(one=self._pick(which + 1)[0], another=another)}"
            if template == "feed":
                path = self.feeds[candidate].removeprefix("http://127.0.0.1:8000")
            tag = self.tags.get((candidate, path)) if has_tag else None
            condition = {"If_None_Match": tag} if tag else {}
            response = Caller(self.workers[worker].test_client(), self.callers[candidate]).call(
                "GET", path, **condition
            )
            truth = Caller(self.uncached.test_client(), self.callers[candidate]).call("GET", path, **condition)
            assert (response.status_code, response.headers.get("ETag"), response.data) == (
                truth.status_code, truth.headers.get("ETag"), truth.data,
            ), path  # fmt: skip
            self.tags[candidate, path] = response.headers.get("ETag", "")
            self.reads["all"] += 1
            self.reads[str(response.status_code)] += 1

    def _own(self, candidate: str, which: int) -> Caller:
        return Caller(self.workers[which % 2].test_client(), self.callers[candidate])


@pytest.fixture
def workers(app: Flask, database_url: str) -> Iterator[list[Flask]]:
    """Yield two applications that cache and one that does not."""
    caches = {"CACHE_BYTES": "40000"}, {"CACHE_BYTES": "1000000"}, {"CACHE_BYTES": "0", "VERIFIED_TOKENS": "0"}
    shared = SETTINGS | {"DATABASE_URL": database_url, "ACCESS_TOKEN_MINUTES": "1440"}
    apps = [create_app(shared | own) for own in caches]
    yield apps
    for worker in apps:
        service(Database, worker).dispose()


@pytest.mark.proof
def test_cached_read_equals_an_uncached_read(
    workers: list[Flask], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = figure(sample=100, full=10_000)
    counts: Counter[str] = Counter()
    machine = type("Machine", (CacheMachine,), {"workers": workers[:2], "uncached": workers[2], "reads": counts})
    limits = settings(
        max_examples=10,
        stateful_step_count=40,
        deadline=None,
        phases=[Phase.generate],  # a failure is long as it is found; making it shorter takes minutes
        suppress_health_check=list(HealthCheck),
    )
    is_fresh = CachedResponse.is_fresh

    def count(cached: CachedResponse, *now: Any) -> bool:
        counts[f"cached, fresh: {is_fresh(cached, *now)}"] += 1
        return is_fresh(cached, *now)

    monkeypatch.setattr(CachedResponse, "is_fresh", count)
    with proof("each read equals an uncached read", database.engine.dialect.name, reads) as proof_row:
        while counts["all"] < reads:
            run_state_machine_as_test(machine, settings=limits)
        proof_row.result = ", ".join(f"{name}: {number}" for name, number in sorted(counts.items()))
    rarest = min(counts["cached, fresh: True"], counts["cached, fresh: False"], counts["304"])
    assert rarest > counts["all"] / 50, counts
