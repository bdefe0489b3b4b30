"""A company's interviews: scheduling, moving, ending, reading; whose they are, and what follows."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from interviews_api.accounts.models import Role
from tests.api import Caller, in_days, local
from tests.conftest import Headers
from tests.factories import World

VIEW = {
    "interviewId", "applicationId", "candidate", "job", "status", "type", "scheduledDate", "scheduledTime", "timeZone",
    "durationMinutes", "location", "meetingLink", "notes", "internalNotes", "confirmedAt", "completedAt", "cancelledAt",
    "cancelledBy", "cancellationReason", "isHired", "hiringDecisionReason", "feedback", "shareFeedback",
    "rescheduleRequest", "scheduledAt",
}  # fmt: skip


@pytest.fixture
def people(client: FlaskClient, world: World, headers: Callable[..., Headers]) -> dict[str, Any]:
    """Two companies with a user each, a candidate, and an application with each company."""
    made: dict[str, Any] = {}
    candidate = world.candidate(phone="+33 6")
    for name, zone in (("us", "Europe/Paris"), ("them", "UTC")):
        company = world.company(name=name, timeZone=zone)
        made[name] = world.company_user(company)
        made[f"{name} application"] = world.application(candidate, world.job(company))["id"]
        made[f"{name} company"] = company["id"]
    world.load()
    return {
        **made,
        "us": Caller(client, headers(made["us"]["id"], Role.COMPANY)),
        "them": Caller(client, headers(made["them"]["id"], Role.COMPANY)),
        "candidate": Caller(client, headers(candidate["id"])),
        "candidate id": candidate["id"],
    }


def invitation(application_id: str, days: float = 3, **values: Any) -> dict[str, Any]:
    start = local(in_days(days))
    return {"applicationId": application_id, **start, "timeZone": "UTC", "type": "Phone"} | values


def test_smoke(people: dict[str, Any]) -> None:
    us, candidate = people["us"], people["candidate"]
    made = us.ok("POST", "/interviews/schedule", invitation(people["us application"]), Idempotency_Key="a")
    assert made.keys() == VIEW
    again = us.ok("POST", "/interviews/schedule", invitation(people["us application"]), Idempotency_Key="a")
    assert made == again
    one = f"/interviews/{made['interviewId']}"
    mine = f"/candidate{one}"
    assert us.ok("GET", one) == made
    candidate.ok("PUT", f"{mine}/confirm")
    assert candidate.refused("PUT", f"{mine}/confirm") == (400, "Interview is no longer pending confirmation")
    candidate.ok("PUT", f"{mine}/request-reschedule", {"reason": "ill", "proposedTimes": ["2999-01-01T00:00:00Z"]})
    print(us.ok("GET", one))
    us.ok("PUT", f"{one}/reschedule", local(in_days(4)))
    us.ok("PUT", f"{one}/complete", {"isHired": True, "feedback": {"overallRating": 9}})
    print(candidate.ok("GET", f"{mine}/timeline"))
    print(candidate.ok("GET", "/application-status/candidate"))
    print(us.ok("GET", "/interviews/by-status"))
    print(us.ok("GET", f"/interviews/application/{people['us application']}"))
    print(us.ok("GET", f"/interviews/company/{people['us company']}/candidates"))
    print(us.ok("GET", "/jobs"))
    print(us.ok("POST", "/jobs", {"title": "x"}))
    print(us.ok("PUT", f"/application-status/{people['us application']}/mark-seen"))
