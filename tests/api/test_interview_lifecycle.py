"""One interview's life over HTTP alone, step by step; each state is read from both sides."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from interviews_api.config import Settings
from interviews_api.services import service
from tests.support.api import PASSWORD, Caller, in_days, local

SCHEDULED = {"dateSeen", "dateInterviewScheduled"}
CONFIRMED = SCHEDULED | {"dateConfirmed"}
CANCELLED = SCHEDULED | {"dateCancelled"}
WISH = {"reason": "A dentist", "proposedTimes": ["2031-05-16T08:00:00.000Z"]}


@dataclass
class Life:
    """A company, a candidate, their application, and the interviews they schedule."""

    company: Caller
    candidate: Caller
    company_user: dict[str, Any]
    candidate_user: dict[str, Any]
    job: dict[str, Any]
    application_id: str
    first: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the first interview for the company; the candidate's has a prefix."""
        return f"/interviews/{self.first['interviewId']}"

    def schedule(self, when: dict[str, str]) -> dict[str, Any]:
        """Invite the candidate and return the interview."""
        body = {"applicationId": self.application_id, "type": "InPerson", "location": "18 Rue de la Paix"} | when
        interview: dict[str, Any] = self.company.ok("POST", "/interviews/schedule", body)
        return interview

    def read(self) -> dict[str, Any]:
        """Return the application's status and dates and the interviews' statuses, checked from both sides."""
        own, theirs = self._read_application()
        dates = [name for name in own if name.startswith("date")]
        shared = ["status", "cancellationReason", *dates]
        assert [own[name] for name in shared] == [theirs[name] for name in shared]
        listed = self.candidate.ok("GET", "/candidate/interviews?limit=100")
        ours = self.company.ok("GET", f"/interviews/application/{self.application_id}")
        assert listed["total"] == ours["total"] == self.company.ok("GET", "/interviews/by-status")["total"]
        self._check_details(listed, ours)
        status = {interview["interviewId"]: interview["status"] for interview in ours["interviews"]}
        counts = [listed[name] for name in ("pendingCount", "upcomingCount", "completedCount")]
        assert counts == [list(status.values()).count(name) for name in ("en_attente", "confirmed", "completed")]
        self._check_views(status)
        set_dates = {name for name in dates if own[name]}
        return {"application": own["status"], "interviews": list(status.values()), "dates": set_dates}

    def _read_application(self) -> tuple[dict[str, Any], dict[str, Any]]:
        (own,) = self.candidate.ok("GET", "/application-status/candidate")["applications"]
        path = f"/interviews/company/{self.company_user['company']['id']}/candidates"
        (theirs,) = self.company.ok("GET", path)["applications"]
        assert theirs["candidate"] == {
            "id": self.candidate_user["id"], "fullName": "Inès Moreau", "email": "ines@example.com", "phone": "+33 6"
        }  # fmt: skip
        return own, theirs

    def _check_details(self, listed: dict[str, Any], ours: dict[str, Any]) -> None:
        seen = {interview["interviewId"]: interview for interview in listed["interviews"]}
        for interview in ours["interviews"]:
            interview_id = interview["interviewId"]
            details = self.candidate.ok("GET", f"/candidate/interviews/{interview_id}")
            assert self.company.ok("GET", f"/interviews/{interview_id}") == interview
            for name in seen[interview_id].keys() - {"company", "job", "appliedAt"}:
                assert seen[interview_id][name] == details[name] == interview[name], name

    def _check_views(self, status: dict[str, str]) -> None:
        views = (("pending", {"en_attente"}), ("upcoming", {"confirmed"}), ("history", {"completed", "annule"}))
        for view, statuses in views:
            interviews = self.candidate.ok("GET", f"/candidate/interviews/{view}")["interviews"]
            ids = {interview["interviewId"] for interview in interviews}
            assert ids == {interview_id for interview_id, name in status.items() if name in statuses}, view


@pytest.fixture
def applied(client: FlaskClient, anonymous: Caller) -> Life:
    """Sign up a company and a candidate, publish a job and apply for it."""

    def sign_up(route: str, body: dict[str, Any]) -> tuple[Caller, dict[str, Any]]:
        data = anonymous.ok("POST", f"/auth/register/{route}", body | {"password": PASSWORD})
        return Caller(client, {"Authorization": f"Bearer {data['accessToken']}"}), data["user"]

    company, hr = sign_up(
        "company", {"email": "hr@lumen.example", "company": {"name": "Lumen Works", "timeZone": "Europe/Paris"}}
    )
    job = company.ok("POST", "/jobs", {"title": "Data Analyst", "description": "Turn readings into decisions."})
    candidate, ines = sign_up(
        "candidate", {"email": "ines@example.com", "firstName": "Inès", "lastName": "Moreau", "phone": "+33 6"}
    )
    application = candidate.ok("POST", f"/jobs/{job['id']}/applications")
    return Life(company, candidate, hr, ines, job, application["applicationId"])


@pytest.fixture
def seen(applied: Life) -> Life:
    """Mark the application as seen."""
    applied.company.ok("PUT", f"/application-status/{applied.application_id}/mark-seen")
    return applied


@pytest.fixture
def scheduled(seen: Life) -> Life:
    """Schedule the first interview."""
    seen.first = seen.schedule({"date": "2031-05-15", "time": "14:30"})
    return seen


@pytest.fixture
def confirmed(scheduled: Life) -> Life:
    """Confirm it as the candidate."""
    assert scheduled.candidate.ok("PUT", f"/candidate{scheduled.path}/confirm")["status"] == "confirmed"
    return scheduled


@pytest.fixture
def requested(confirmed: Life) -> Life:
    """Ask for another time as the candidate."""
    path = f"/candidate{confirmed.path}/request-reschedule"
    assert confirmed.candidate.ok("PUT", path, WISH)["status"] == "confirmed"
    return confirmed


@pytest.fixture
def rescheduled(requested: Life) -> Life:
    """Move it to the time that the candidate proposed."""
    moved = requested.company.ok("PUT", f"{requested.path}/reschedule", {"date": "2031-05-16", "time": "10:00"})
    assert (moved["scheduledDate"], moved["rescheduleRequest"]) == ("2031-05-16T08:00:00.000Z", None)
    return requested


@pytest.fixture
def confirmed_by_link(rescheduled: Life, app: Flask, client: FlaskClient, runner: FlaskCliRunner) -> Life:
    """Confirm the new time by the link in the mail."""
    link = runner.invoke(args=["interviews", "link", rescheduled.first["interviewId"]]).output.strip()
    path = link.removeprefix(service(Settings, app).public_url)
    assert "10:00" in client.get(path).text
    assert "You have confirmed this interview." in client.post(path).text
    return rescheduled


@pytest.fixture
def completed(confirmed_by_link: Life) -> Life:
    """Complete it with feedback that the candidate may read."""
    body = {"feedback": {"overallRating": 8}, "shareFeedback": True}
    confirmed_by_link.company.ok("PUT", f"{confirmed_by_link.path}/complete", body)
    return confirmed_by_link


@pytest.fixture
def declined(completed: Life) -> Life:
    """Schedule a second interview, which the candidate declines."""
    second = completed.schedule(local(in_days(9)))
    path = f"/candidate/interviews/{second['interviewId']}/decline"
    completed.candidate.ok("PUT", path, {"reason": "That day I travel"})
    return completed


@pytest.fixture
def cancelled(declined: Life) -> Life:
    """Schedule a third interview, which the company cancels."""
    third = declined.schedule(local(in_days(10)))
    body = {"cancellationReason": "The panel is ill"}
    declined.company.ok("PUT", f"/interviews/{third['interviewId']}/cancel", body)
    return declined


def test_published_job_is_listed(applied: Life, anonymous: Caller) -> None:
    assert anonymous.ok("GET", "/jobs")["jobs"] == [applied.job]


def test_new_application_is_pending(applied: Life) -> None:
    assert applied.read() == {"application": "en_attente", "interviews": [], "dates": set()}


def test_application_is_marked_as_seen(seen: Life) -> None:
    assert seen.read() == {"application": "vu", "interviews": [], "dates": {"dateSeen"}}


def test_scheduling_moves_the_application(scheduled: Life) -> None:
    assert (scheduled.first["scheduledDate"], scheduled.first["timeZone"]) == (
        "2031-05-15T12:30:00.000Z", "Europe/Paris",
    )  # fmt: skip
    assert scheduled.read() == {
        "application": "entretien_programmer", "interviews": ["en_attente"], "dates": SCHEDULED,
    }  # fmt: skip


def test_candidate_confirms(confirmed: Life) -> None:
    assert confirmed.read() == {"application": "confirme", "interviews": ["confirmed"], "dates": CONFIRMED}


def test_reschedule_request_changes_no_status(requested: Life) -> None:
    request = requested.company.ok("GET", requested.path)["rescheduleRequest"]
    assert request == WISH | {"requestedAt": request["requestedAt"]}
    assert requested.read() == {"application": "confirme", "interviews": ["confirmed"], "dates": CONFIRMED}


def test_reschedule_asks_for_a_new_confirmation(rescheduled: Life) -> None:
    assert rescheduled.read() == {
        "application": "entretien_programmer", "interviews": ["en_attente"], "dates": SCHEDULED,
    }  # fmt: skip


def test_link_confirms_the_new_time(confirmed_by_link: Life) -> None:
    assert confirmed_by_link.read() == {"application": "confirme", "interviews": ["confirmed"], "dates": CONFIRMED}


def test_completion_shows_shared_feedback(completed: Life) -> None:
    assert completed.candidate.ok("GET", f"/candidate{completed.path}")["feedback"] == {"overallRating": 8}
    assert completed.read() == {"application": "confirme", "interviews": ["completed"], "dates": CONFIRMED}


def test_second_interview_reopens_the_application(completed: Life) -> None:
    completed.schedule(local(in_days(9)))
    assert completed.read() == {
        "application": "entretien_programmer", "interviews": ["en_attente", "completed"], "dates": SCHEDULED
    }  # fmt: skip


def test_decline_cancels_the_application(declined: Life) -> None:
    assert declined.read() == {"application": "annule", "interviews": ["annule", "completed"], "dates": CANCELLED}


def test_interview_after_a_decline_reopens_the_application(declined: Life) -> None:
    declined.schedule(local(in_days(10)))
    assert declined.read() == {
        "application": "entretien_programmer", "interviews": ["annule", "en_attente", "completed"], "dates": SCHEDULED
    }  # fmt: skip


def test_cancel_gives_its_reason_to_the_candidate(cancelled: Life) -> None:
    assert cancelled.read() == {
        "application": "annule", "interviews": ["annule", "annule", "completed"], "dates": CANCELLED
    }  # fmt: skip
    (application,) = cancelled.candidate.ok("GET", "/application-status/candidate")["applications"]
    assert application["cancellationReason"] == "The panel is ill"


def test_candidate_is_hired_after_the_fourth_interview(cancelled: Life) -> None:
    fourth = cancelled.schedule(local(in_days(11)))
    assert cancelled.read() == {
        "application": "entretien_programmer", "interviews": ["annule", "annule", "en_attente", "completed"],
        "dates": SCHEDULED,
    }  # fmt: skip
    cancelled.company.ok("PUT", f"/interviews/{fourth['interviewId']}/confirm")
    assert cancelled.read() == {
        "application": "confirme", "interviews": ["annule", "annule", "confirmed", "completed"], "dates": CONFIRMED
    }  # fmt: skip
    cancelled.company.ok("PUT", f"/interviews/{fourth['interviewId']}/complete", {"isHired": True})
    assert cancelled.read() == {
        "application": "présélectionné", "interviews": ["annule", "annule", "completed", "completed"],
        "dates": CONFIRMED,
    }  # fmt: skip


def test_timeline_lists_each_transition(completed: Life) -> None:
    timeline = completed.candidate.ok("GET", f"/candidate{completed.path}/timeline")
    assert [(event["type"], event["by"]) for event in timeline["events"]] == [
        ("interview.scheduled", "company"), ("interview.confirmed", "candidate"),
        ("interview.reschedule_requested", "candidate"), ("interview.rescheduled", "company"),
        ("interview.confirmed", "candidate"), ("interview.completed", "company"),
    ]  # fmt: skip
    assert timeline["total"] == 6
    assert [event["id"] for event in timeline["events"]] == sorted({event["id"] for event in timeline["events"]})
    assert all(event.keys() == {"id", "type", "at", "by"} for event in timeline["events"])
    assert timeline["events"][0]["at"] == completed.first["scheduledAt"]


def test_logout_ends_both_sessions(completed: Life) -> None:
    for caller in (completed.candidate, completed.company):
        caller.ok("POST", "/auth/logout")
        assert caller.refused("GET", "/auth/me") == (401, "Unauthorized")
