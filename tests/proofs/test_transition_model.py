"""Random sequences of transitions by each actor, compared with a model from both sides."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from interviews_api.accounts.models import Role
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.interviews.link_tokens import make_token
from interviews_api.seed.load import load_world
from tests.support import model
from tests.support.api import Caller, local
from tests.support.proof_table import IS_FULL, figure, proof
from tests.support.settings import SECRETS
from tests.support.tokens import begin_session

FIRST_DAY = datetime(2035, 1, 10, 8, tzinfo=UTC)
SLOTS = st.integers(0, 11).map(lambda number: FIRST_DAY + timedelta(minutes=30 * number))
MINUTES = st.sampled_from([30, 60, 90])
REASONED = ("decline", "request-reschedule")
NOTES = st.sampled_from([None, "a", "b"])
REASONS = st.sampled_from([None, "ill", "ünïcode ✓", ""])
WHICH = st.integers(0, 30)
FEEDBACK = st.sampled_from([None, {"overallRating": 7}, {"comments": "good", "strengths": ["a", "b"]}])
DATES = ("dateSeen", "dateInterviewScheduled", "dateConfirmed", "dateCancelled")


class Life(RuleBasedStateMachine):
    """One candidate with two applications at one company and one at another."""

    app: Flask

    def __init__(self) -> None:
        super().__init__()
        candidate, ids = new_id(), [new_id() for _ in range(8)]
        people = [
            {"id": ids[index], "companyId": ids[2 + index], "email": f"{ids[index]}@c.example"} for index in (0, 1)
        ]
        self.jobs = {new_id(): ids[2 + company] for company in (0, 0, 1)}
        self.applications = {new_id(): model.Application() for _ in self.jobs}
        with self.app.app_context():
            load_world({
                "companies": [{"id": ids[2 + index], "name": "A"} for index in (0, 1)],
                "companyUsers": people,
                "candidates": [{"id": candidate, "email": f"{candidate}@x.example", "firstName": "A", "lastName": "B"}],
                "jobs": [{"id": job, "companyId": company, "title": "J"} for job, company in self.jobs.items()],
                "applications": [
                    {"id": application, "candidateId": candidate, "jobId": job, "appliedAt": "2025-01-01T00:00:00.000Z"}
                    for application, job in zip(self.applications, self.jobs, strict=True)
                ],
            })  # fmt: skip
        self.company_of = dict(zip(self.applications, (0, 0, 1), strict=True))
        self.companies = [self._caller(ids[index], Role.COMPANY) for index in (0, 1)]
        self.candidate = self._caller(candidate, Role.CANDIDATE)
        self.company_ids = ids[2:4]
        self.interviews: dict[str, tuple[str, model.Interview]] = {}
        self.touched = ""

    def _caller(self, user_id: str, role: Role) -> Caller:
        with self.app.app_context():
            token = issue_access_token(begin_session(user_id, role))
        return Caller(self.app.test_client(), {"Authorization": f"Bearer {token}"})

    def _pick(self, which: int) -> tuple[str, model.Interview, Caller]:
        interview_id = sorted(self.interviews)[which % len(self.interviews)]
        application, interview = self.interviews[interview_id]
        self.touched = interview_id
        return interview_id, interview, self.companies[self.company_of[application]]

    def _clashes(self, company: int, start: datetime, minutes: int, but: str = "") -> bool:
        return any(
            other.overlaps(start, minutes)
            for interview_id, (application, other) in self.interviews.items()
            if interview_id != but and self.company_of[application] == company
        )

    @rule(which=WHICH, start=SLOTS, minutes=MINUTES)
    def schedule(self, which: int, start: datetime, minutes: int) -> None:
        application = list(self.applications)[which % 3]
        company = self.company_of[application]
        body = {"applicationId": application, "type": "Phone", "durationMinutes": minutes, **local(start)}
        response = self.companies[company].call("POST", "/interviews/schedule", body)
        if self._clashes(company, start, minutes):
            assert response.status_code == 409, response.text
            return
        assert response.status_code == 201, response.text
        interview = model.Interview(self.applications[application], start, minutes)
        interview.begin()
        self.touched = response.get_json()["data"]["interviewId"]
        self.interviews[self.touched] = application, interview

    def _make(self, move: str, by: str, which: int, body: dict[str, Any], **details: Any) -> None:
        interview_id, interview, company = self._pick(which)
        mover, prefix = (company, "") if by == "company" else (self.candidate, "/candidate")
        response = mover.call("PUT", f"{prefix}/interviews/{interview_id}/{move}", body)
        is_made = interview.move(move, by, **details)
        message = response.get_json()["message"]
        assert (response.status_code, message) == ((200, message) if is_made else (400, model.REFUSALS[move]))

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH, by=st.sampled_from(["candidate", "company"]))
    def confirm(self, which: int, by: str) -> None:
        self._make("confirm", by, which, {})

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH, move=st.sampled_from(["confirm", *REASONED]), back=st.integers(0, 2), reason=REASONS)
    def answer_by_link(self, which: int, move: str, back: int, reason: str | None) -> None:
        interview_id, interview, _ = self._pick(which)
        path = f"/interviews/confirm/{make_token(SECRETS['SECRET_KEY'], interview_id, interview.revision - back)}"
        details = {"reason": reason} if move in REASONED else {}
        path += f"/{move}" if details else ""
        response = self.candidate.client.post(path, json=details, headers={"Accept": "application/json"})
        message = response.get_json()["message"]
        if back:
            assert (response.status_code, message) == (400, "Invalid confirmation token")
        elif interview.move(move, "candidate", **details):
            assert response.status_code == 200
        else:
            assert (response.status_code, message) == (400, model.REFUSALS[move])

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH, reason=REASONS)
    def decline(self, which: int, reason: str | None) -> None:
        self._make("decline", "candidate", which, {"reason": reason}, reason=reason)

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH, reason=REASONS)
    def request_reschedule(self, which: int, reason: str | None) -> None:
        self._make("request-reschedule", "candidate", which, {"reason": reason}, reason=reason)

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        self._make("cancel", "company", which, {"cancellationReason": "filled"}, reason="filled")

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH, is_hired=st.sampled_from([None, True, False]), feedback=FEEDBACK, is_shared=st.booleans())
    def complete(self, which: int, is_hired: bool | None, feedback: dict[str, Any] | None, is_shared: bool) -> None:
        body = {"isHired": is_hired, "feedback": feedback, "shareFeedback": is_shared}
        self._make("complete", "company", which, body, is_hired=is_hired, feedback=feedback, is_shared=is_shared)

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH, start=st.none() | SLOTS, minutes=st.none() | MINUTES, notes=NOTES, internal_notes=NOTES)
    def reschedule(
        self, which: int, start: datetime | None, minutes: int | None, notes: str | None, internal_notes: str | None
    ) -> None:
        """Change some of the facts; without a start the present one is sent."""
        interview_id, interview, company = self._pick(which)
        start, length = start or interview.start, minutes or interview.minutes
        texts = {"notes": ("notes", notes), "internalNotes": ("internal_notes", internal_notes)}
        body = local(start) | ({"durationMinutes": minutes} if minutes else {})
        body |= {key: text for key, (_, text) in texts.items() if text}
        index = self.companies.index(company)
        if interview.is_legal("reschedule") and self._clashes(index, start, length, interview_id):
            assert company.refused("PUT", f"/interviews/{interview_id}/reschedule", body)[0] == 409
            return
        details = {name: text for name, text in texts.values() if text}
        self._make("reschedule", "company", which, body, start=start, minutes=length, **details)

    @rule(which=st.integers(0, 2))
    def mark_seen(self, which: int) -> None:
        application = list(self.applications)[which]
        self.companies[self.company_of[application]].ok("PUT", f"/application-status/{application}/mark-seen")
        self.applications[application].mark_seen()

    @precondition(lambda self: self.interviews)
    @rule(which=WHICH, move=st.sampled_from(["confirm", "cancel", "complete"]))
    def meddle(self, which: int, move: str) -> None:
        interview_id, _, company = self._pick(which)
        other = self.companies[1 - self.companies.index(company)]
        body = {"cancellationReason": "x"} if move == "cancel" else {}
        assert other.refused("PUT", f"/interviews/{interview_id}/{move}", body)[0] == 403

    @invariant()
    def both_sides_see_the_model(self) -> None:
        listed = self.candidate.ok("GET", "/candidate/interviews?limit=100")
        assert {interview["interviewId"] for interview in listed["interviews"]} == self.interviews.keys()
        statuses = [interview.status for _, interview in self.interviews.values()]
        assert (listed["pendingCount"], listed["upcomingCount"], listed["completedCount"]) == tuple(
            statuses.count(status) for status in ("en_attente", "confirmed", "completed")
        )
        ours = {interview["interviewId"]: interview for side in self.companies
                for interview in side.ok("GET", "/interviews/by-status?limit=100")["interviews"]}  # fmt: skip
        for interview in listed["interviews"]:
            check_views([interview, ours[interview["interviewId"]]], self.interviews[interview["interviewId"]][1])
        if self.touched:
            check_details(self.candidate, self.touched, ours[self.touched], self.interviews[self.touched][1])
        own = {
            application["id"]: application
            for application in self.candidate.ok("GET", "/application-status/candidate")["applications"]
        }
        for index, company_id in enumerate(self.company_ids):
            path = f"/interviews/company/{company_id}/candidates"
            for theirs in self.companies[index].ok("GET", path)["applications"]:
                check_application(own[theirs["applicationId"]], self.applications[theirs["applicationId"]])
                check_application(theirs, self.applications[theirs["applicationId"]])


def check_views(views: list[dict[str, Any]], expected: model.Interview) -> None:
    """Compare each view of an interview with the model."""
    for view in views:
        assert view["status"] == expected.status
        assert view["scheduledDate"] == f"{expected.start:%Y-%m-%dT%H:%M:00.000Z}"
        assert (view["confirmedAt"] is not None) == expected.is_confirmed
        assert (view["cancelledAt"] is not None) == (expected.status == "annule")
        assert (view["completedAt"] is not None) == (expected.status == "completed")
        assert (view["isHired"], view["cancellationReason"]) == (expected.is_hired, expected.reason)


def check_details(candidate: Caller, interview_id: str, ours: dict[str, Any], expected: model.Interview) -> None:
    """Compare details and timeline of the interview of the last transition with the model."""
    details = candidate.ok("GET", f"/candidate/interviews/{interview_id}")
    check_views([details], expected)
    assert details["feedback"] == (expected.feedback if expected.is_shared else None)
    assert (ours["feedback"], ours["cancelledBy"]) == (expected.feedback, expected.cancelled_by)
    assert ours["durationMinutes"] == expected.minutes
    assert (ours["notes"], ours["internalNotes"]) == (expected.notes, expected.internal_notes)
    assert details["notes"] == expected.notes
    request = ours["rescheduleRequest"]
    assert (request and request["reason"]) == (expected.request and expected.request["reason"])
    assert (request is None) == (expected.request is None)
    timeline = candidate.ok("GET", f"/candidate/interviews/{interview_id}/timeline")["events"]
    assert [(event["type"], event["by"]) for event in timeline] == expected.events


def check_application(seen: dict[str, Any], expected: model.Application) -> None:
    """Compare an application's status, set dates and reason with the model."""
    assert seen["status"] == expected.status
    assert {name for name in DATES if seen[name]} == expected.dates
    assert seen["cancellationReason"] == expected.reason


@pytest.mark.proof
@pytest.mark.parametrize("part", range(figure(sample=1, full=4)))
def test_each_sequence_of_transitions_follows_the_model(app: Flask, database: Database, part: int) -> None:
    """A proof runs 500 sequences in four parts, so that several processes share them."""
    sequences = figure(sample=8, full=125)
    # The parts of a proof must differ, so they are random, also where Hypothesis's profile for CI derandomizes.
    is_derandomized = settings.default.derandomize and not IS_FULL
    limits = settings(
        max_examples=sequences, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck),
        print_blob=True, derandomize=is_derandomized,
    )  # fmt: skip
    with proof("sequences of up to 30 moves against a model", database.engine.dialect.name, sequences) as proof_row:
        run_state_machine_as_test(type("LifeHere", (Life,), {"app": app}), settings=limits)
        proof_row.result = "no divergence"
