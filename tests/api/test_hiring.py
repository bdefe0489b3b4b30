"""Jobs and applications from both sides, and how transitions change an application."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.api import Caller, in_days, invitation, local
from tests.support.people import People

CLEAR = {
    "dateSeen": None, "dateInterviewScheduled": None, "dateConfirmed": None, "dateCancelled": None,
    "cancellationReason": None,
}  # fmt: skip


def test_company_publishes_jobs_that_anybody_may_read(people: People, client: FlaskClient) -> None:
    us, anonymous = people.us, Caller(client, {})
    jobs = [us.ok("POST", "/jobs", {"title": f"Job {number}"}) for number in range(3)]
    described = us.ok("POST", "/jobs", {"title": "Baker", "description": "Bread"})
    assert described == {
        "id": described["id"], "title": "Baker", "description": "Bread",
        "company": {"id": people.us_company_id, "name": "us", "logo": "https://example.com/logo.png"},
    }  # fmt: skip
    listed = anonymous.ok("GET", "/jobs?limit=4")
    assert listed == {"jobs": [described, *reversed(jobs)], "total": 6}
    assert anonymous.ok("GET", "/jobs?limit=1&skip=1")["jobs"] == [jobs[2]]
    assert anonymous.ok("GET", "/jobs?skip=6") == {"jobs": [], "total": 6}
    assert anonymous.refused("GET", "/jobs?limit=0")[0] == 400
    assert anonymous.refused("POST", "/jobs", {"title": "x"}) == (401, "Unauthorized")
    assert people.candidate.refused("POST", "/jobs", {"x": 1}) == (403, "Company credentials required")
    for bad, message in (
        ({}, "title: Missing data for required field."),
        ({"title": " "}, "title: Must not be blank."),
    ):
        assert us.refused("POST", "/jobs", bad) == (400, message)


def test_candidate_applies_once(people: People) -> None:
    us, candidate = people.us, people.candidate
    job = us.ok("POST", "/jobs", {"title": "Baker"})
    path = f"/jobs/{job['id']}/applications"
    application = candidate.ok("POST", path)
    assert application == {
        "applicationId": application["applicationId"], "jobId": job["id"], "status": "en_attente",
        "appliedAt": application["appliedAt"],
    }  # fmt: skip
    assert candidate.refused("POST", path) == (409, "You have already applied to this job")
    assert candidate.refused("POST", path, {"x": 1}) == (400, "x: Unknown field.")
    assert candidate.refused("POST", "/jobs/nope/applications", {"x": 1}) == (404, "Job not found")
    assert us.refused("POST", path, {"x": 1}) == (403, "Candidate credentials required")
    own = candidate.ok("GET", "/application-status/candidate")
    assert own["total"] == 3
    assert own["applications"][0] == CLEAR | {
        "id": application["applicationId"], "company": {"id": people.us_company_id, "name": "us"},
        "job": {"id": job["id"], "title": "Baker"}, "appliedAt": application["appliedAt"], "status": "en_attente",
        "isRejected": False,
    }  # fmt: skip
    theirs = us.ok("GET", f"/interviews/company/{people.us_company_id}/candidates?limit=1")
    assert theirs["total"] == 2
    assert theirs["applications"][0] == CLEAR | {
        "applicationId": application["applicationId"], "job": {"id": job["id"], "title": "Baker"},
        "status": "en_attente", "appliedAt": application["appliedAt"], "candidate": {
            "id": people.candidate_id, "fullName": "Ada Okafor", "email": "candidate0@example.com", "phone": "+33 6"
        },
    }  # fmt: skip


def test_mark_seen_keeps_the_first_date(people: People) -> None:
    us, them, candidate = people.us, people.them, people.candidate
    path = f"/application-status/{people.us_application_id}/mark-seen"
    seen = us.ok("PUT", path)
    assert (seen["status"], seen["dateSeen"] is None) == ("vu", False)
    assert us.ok("PUT", path) == seen
    assert candidate.ok("GET", "/application-status/candidate")["applications"][0]["dateSeen"] == seen["dateSeen"]
    us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    assert us.ok("PUT", path)["status"] == "entretien_programmer"
    assert them.refused("PUT", path, {"x": 1}) == (403, "This application does not belong to you")
    assert candidate.refused("PUT", path) == (403, "Company credentials required")
    assert us.refused("PUT", "/application-status/nope/mark-seen", {"x": 1}) == (404, "Application not found")
    assert us.refused("PUT", path, {"x": 1}) == (400, "x: Unknown field.")


def test_mark_seen_keeps_the_status_of_a_scheduled_application(people: People) -> None:
    us = people.us
    us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    seen = us.ok("PUT", f"/application-status/{people.us_application_id}/mark-seen")
    assert (seen["status"], seen["dateSeen"] is None) == ("entretien_programmer", False)


def test_company_lists_only_its_own_candidates(people: People) -> None:
    us, candidate = people.us, people.candidate
    foreign = f"/interviews/company/{people.them_company_id}/candidates"
    assert us.refused("GET", f"{foreign}?limit=x") == (403, "This company is not yours")
    for absent in ("nope", "f" * 24):
        path = f"/interviews/company/{absent}/candidates?limit=x"
        assert us.refused("GET", path) == (404, "Company not found")
    assert us.refused("GET", f"/interviews/company/{people.us_company_id}/candidates?limit=x")[0] == 400
    assert candidate.refused("GET", foreign) == (403, "Company credentials required")


@pytest.mark.parametrize(
    ("decision", "status"), [({"isHired": True}, "présélectionné"), ({"isHired": False}, "rejeté"), ({}, "confirme")]
)
def test_application_follows_its_interviews(decision: dict[str, Any], status: str, people: People) -> None:
    us, candidate = people.us, people.candidate

    def application() -> dict[str, Any]:
        (theirs,) = us.ok("GET", f"/interviews/company/{people.us_company_id}/candidates")["applications"]
        own = candidate.ok("GET", "/application-status/candidate")["applications"]
        (same,) = [row for row in own if row["id"] == theirs["applicationId"]]
        assert {name: same[name] for name in CLEAR} == {name: theirs[name] for name in CLEAR}
        assert same["isRejected"] == (theirs["status"] == "rejeté")
        return {"status": theirs["status"], **{name: theirs[name] for name in CLEAR if theirs[name]}}

    first = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{first['interviewId']}"
    assert application() == {"status": "entretien_programmer", "dateInterviewScheduled": first["scheduledAt"]}
    yes = candidate.ok("PUT", f"/candidate{path}/confirm")["confirmedAt"]
    assert application() == {
        "status": "confirme", "dateInterviewScheduled": first["scheduledAt"], "dateConfirmed": yes,
    }  # fmt: skip
    us.ok("PUT", f"{path}/reschedule", local(in_days(5)))
    moved = application()
    assert moved.keys() == {"status", "dateInterviewScheduled"}
    assert moved["status"] == "entretien_programmer"
    assert moved["dateInterviewScheduled"] > yes
    no = candidate.ok("PUT", f"/candidate{path}/decline", {"reason": "Moving away"})
    assert application() == moved | {
        "status": "annule", "dateCancelled": no["cancelledAt"], "cancellationReason": "Moving away",
    }  # fmt: skip
    second = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))  # another round
    assert application() == {"status": "entretien_programmer", "dateInterviewScheduled": second["scheduledAt"]}
    us.ok("PUT", f"/interviews/{second['interviewId']}/confirm")
    confirmed = application()
    us.ok("PUT", f"/interviews/{second['interviewId']}/complete", decision)
    assert application() == confirmed | {"status": status}
    third = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    us.ok("PUT", f"/interviews/{third['interviewId']}/cancel", {"cancellationReason": "Filled"})
    assert application()["status"] == "annule"
    assert application()["cancellationReason"] == "Filled"
