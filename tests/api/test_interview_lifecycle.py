"""One interview's whole life over HTTP alone, as its people live it; every state is read from both sides."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from interviews_api.config import Settings
from interviews_api.services import service
from tests.support.api import Caller, in_days, local
from tests.support.factories import PASSWORD


def test_a_whole_life(app: Flask, client: FlaskClient, runner: FlaskCliRunner) -> None:
    anonymous = Caller(client, {})

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
    assert anonymous.ok("GET", "/jobs")["jobs"] == [job]
    application = candidate.ok("POST", f"/jobs/{job['id']}/applications")

    def read() -> dict[str, Any]:
        """What both sides see of it, checked against each other."""
        (mine,) = candidate.ok("GET", "/application-status/candidate")["applications"]
        (theirs,) = company.ok("GET", f"/interviews/company/{hr['company']['id']}/candidates")["applications"]
        assert theirs["candidate"] == {
            "id": ines["id"], "fullName": "Inès Moreau", "email": "ines@example.com", "phone": "+33 6"
        }  # fmt: skip
        dates = [name for name in mine if name.startswith("date")]
        assert [mine[name] for name in ["status", "cancellationReason", *dates]] == [
            theirs[name] for name in ["status", "cancellationReason", *dates]
        ]
        listed = candidate.ok("GET", "/candidate/interviews?limit=100")
        ours = company.ok("GET", f"/interviews/application/{application['applicationId']}")
        assert listed["total"] == ours["total"] == company.ok("GET", "/interviews/by-status")["total"]
        seen = {one["interviewId"]: one for one in listed["interviews"]}
        for one in ours["interviews"]:
            details = candidate.ok("GET", f"/candidate/interviews/{one['interviewId']}")
            assert company.ok("GET", f"/interviews/{one['interviewId']}") == one
            for name in seen[one["interviewId"]].keys() - {"company", "job", "appliedAt"}:
                assert seen[one["interviewId"]][name] == details[name] == one[name], name
        status = {one["interviewId"]: one["status"] for one in ours["interviews"]}
        counts = [listed[name] for name in ("pendingCount", "upcomingCount", "completedCount")]
        assert counts == [list(status.values()).count(one) for one in ("en_attente", "confirmed", "completed")]
        for route, of in (
            ("pending", {"en_attente"}),
            ("upcoming", {"confirmed"}),
            ("history", {"completed", "annule"}),
        ):
            found = {one["interviewId"] for one in candidate.ok("GET", f"/candidate/interviews/{route}")["interviews"]}
            assert found == {one for one, its in status.items() if its in of}, route
        return {
            "application": mine["status"],
            "interviews": list(status.values()),
            "dates": {n for n in dates if mine[n]},
        }

    assert read() == {"application": "en_attente", "interviews": [], "dates": set()}
    company.ok("PUT", f"/application-status/{application['applicationId']}/mark-seen")
    assert read() == {"application": "vu", "interviews": [], "dates": {"dateSeen"}}

    invitation = {"applicationId": application["applicationId"], "type": "InPerson", "location": "18 Rue de la Paix"}
    first = company.ok("POST", "/interviews/schedule", invitation | {"date": "2031-05-15", "time": "14:30"})
    one, mine = f"/interviews/{first['interviewId']}", f"/candidate/interviews/{first['interviewId']}"
    assert (first["scheduledDate"], first["timeZone"]) == ("2031-05-15T12:30:00.000Z", "Europe/Paris")
    scheduled = {"dateSeen", "dateInterviewScheduled"}
    assert read() == {"application": "entretien_programmer", "interviews": ["en_attente"], "dates": scheduled}

    assert candidate.ok("PUT", f"{mine}/confirm")["status"] == "confirmed"
    confirmed = scheduled | {"dateConfirmed"}
    assert read() == {"application": "confirme", "interviews": ["confirmed"], "dates": confirmed}

    wish = {"reason": "A dentist", "proposedTimes": ["2031-05-16T08:00:00.000Z"]}
    assert candidate.ok("PUT", f"{mine}/request-reschedule", wish)["status"] == "confirmed"
    asked = company.ok("GET", one)["rescheduleRequest"]
    assert asked == wish | {"requestedAt": asked["requestedAt"]}
    assert read() == {"application": "confirme", "interviews": ["confirmed"], "dates": confirmed}

    moved = company.ok("PUT", f"{one}/reschedule", {"date": "2031-05-16", "time": "10:00"})
    assert (moved["scheduledDate"], moved["rescheduleRequest"]) == ("2031-05-16T08:00:00.000Z", None)
    assert read() == {"application": "entretien_programmer", "interviews": ["en_attente"], "dates": scheduled}

    link = runner.invoke(args=["interviews", "link", first["interviewId"]]).output.strip()
    path = link.removeprefix(service(Settings, app).public_url)
    assert "10:00" in client.get(path).text
    assert "You have confirmed this interview." in client.post(path).text
    assert read() == {"application": "confirme", "interviews": ["confirmed"], "dates": confirmed}

    company.ok("PUT", f"{one}/complete", {"feedback": {"overallRating": 8}, "shareFeedback": True})
    assert candidate.ok("GET", mine)["feedback"] == {"overallRating": 8}
    assert read() == {"application": "confirme", "interviews": ["completed"], "dates": confirmed}

    second = company.ok("POST", "/interviews/schedule", invitation | local(in_days(9)))
    assert read() == {
        "application": "entretien_programmer", "interviews": ["en_attente", "completed"], "dates": scheduled
    }  # fmt: skip
    candidate.ok("PUT", f"/candidate/interviews/{second['interviewId']}/decline", {"reason": "That day I travel"})
    assert read() == {
        "application": "annule", "interviews": ["annule", "completed"], "dates": scheduled | {"dateCancelled"}
    }  # fmt: skip
    third = company.ok("POST", "/interviews/schedule", invitation | local(in_days(10)))
    assert read() == {
        "application": "entretien_programmer", "interviews": ["annule", "en_attente", "completed"], "dates": scheduled
    }  # fmt: skip
    company.ok("PUT", f"/interviews/{third['interviewId']}/cancel", {"cancellationReason": "The panel is ill"})
    assert read() == {
        "application": "annule", "interviews": ["annule", "annule", "completed"], "dates": scheduled | {"dateCancelled"}
    }  # fmt: skip
    assert candidate.ok("GET", "/application-status/candidate")["applications"][0]["cancellationReason"] == (
        "The panel is ill"
    )
    fourth = company.ok("POST", "/interviews/schedule", invitation | local(in_days(11)))
    assert read() == {
        "application": "entretien_programmer", "interviews": ["annule", "annule", "en_attente", "completed"],
        "dates": scheduled,
    }  # fmt: skip
    company.ok("PUT", f"/interviews/{fourth['interviewId']}/confirm")
    assert read() == {
        "application": "confirme", "interviews": ["annule", "annule", "confirmed", "completed"], "dates": confirmed
    }  # fmt: skip
    company.ok("PUT", f"/interviews/{fourth['interviewId']}/complete", {"isHired": True})
    assert read() == {
        "application": "présélectionné", "interviews": ["annule", "annule", "completed", "completed"],
        "dates": confirmed,
    }  # fmt: skip

    timeline = candidate.ok("GET", f"{mine}/timeline")
    assert [(event["type"], event["by"]) for event in timeline["events"]] == [
        ("interview.scheduled", "company"), ("interview.confirmed", "candidate"),
        ("interview.reschedule_requested", "candidate"), ("interview.rescheduled", "company"),
        ("interview.confirmed", "candidate"), ("interview.completed", "company"),
    ]  # fmt: skip
    assert timeline["total"] == 6
    assert [event["id"] for event in timeline["events"]] == sorted({event["id"] for event in timeline["events"]})
    assert all(event.keys() == {"id", "type", "at", "by"} for event in timeline["events"])
    assert timeline["events"][0]["at"] == first["scheduledAt"]

    for someone in (candidate, company):
        someone.ok("POST", "/auth/logout")
        assert someone.refused("GET", "/auth/me") == (401, "Unauthorized")
