"""A company's interviews: schedule, reschedule, overlaps and lists."""

from typing import Any

import pytest

from tests.support.api import in_days, invitation, local
from tests.support.people import People

VIEW = {
    "interviewId", "applicationId", "candidate", "job", "status", "type", "scheduledDate", "scheduledTime", "timeZone",
    "durationMinutes", "location", "meetingLink", "notes", "internalNotes", "confirmedAt", "completedAt", "cancelledAt",
    "cancelledBy", "cancellationReason", "isHired", "hiringDecisionReason", "feedback", "shareFeedback",
    "rescheduleRequest", "scheduledAt",
}  # fmt: skip


def test_company_schedules_an_interview(people: People) -> None:
    us, candidate = people.us, people.candidate
    start = in_days(3)
    body = invitation(people.us_application_id, notes="Bring a pen", internalNotes="Ask about gaps")
    interview = us.ok("POST", "/interviews/schedule", body)
    moment = f"{start:%Y-%m-%dT%H:%M}:00.000Z"
    assert interview.keys() == VIEW
    assert interview == interview | {
        "applicationId": people.us_application_id,
        "candidate": {
            "id": people.candidate_id, "fullName": "Ada Okafor", "email": "candidate0@example.com", "phone": "+33 6"
        },
        "status": "en_attente", "type": "Phone", "scheduledDate": moment, "scheduledTime": f"{start:%H:%M}",
        "timeZone": "UTC", "durationMinutes": 60, "notes": "Bring a pen", "internalNotes": "Ask about gaps",
        "shareFeedback": True,
    }  # fmt: skip
    empty = VIEW - {"interviewId", "applicationId", "candidate", "job", "status", "type", "scheduledDate",
                    "scheduledTime", "timeZone", "durationMinutes", "notes", "internalNotes", "shareFeedback",
                    "scheduledAt"}  # fmt: skip
    assert {interview[name] for name in empty} == {None}
    seen = candidate.ok("GET", f"/candidate/interviews/{interview['interviewId']}")
    assert (seen["scheduledDate"], seen["notes"]) == (moment, "Bring a pen")
    assert us.ok("GET", f"/interviews/{interview['interviewId']}") == interview


def test_time_zone_defaults_to_the_companys(people: People) -> None:
    start = {"date": "2030-07-01", "time": "10:00"}
    wanted = invitation(people.us_application_id) | start
    del wanted["timeZone"]
    interview = people.us.ok("POST", "/interviews/schedule", wanted)
    assert (interview["timeZone"], interview["scheduledTime"], interview["scheduledDate"]) == (
        "Europe/Paris", "10:00", "2030-07-01T08:00:00.000Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"date": "2020-01-01"}, "date: Must lie in the future."),
        ({"date": "15-05-2030"}, "date: Must be a date like 2025-05-15."),
        ({"date": "2030-5-15"}, "date: Must be a date like 2025-05-15."),
        ({"date": "2030-02-30"}, "date: Must be a date like 2025-05-15."),
        ({"date": "20300515"}, "date: Must be a date like 2025-05-15."),
        ({"date": "9999-12-31"}, "date: Must be a date like 2025-05-15."),
        ({"date": "\uff12030-05-15"}, "date: Must be a date like 2025-05-15."),
        ({"date": 20300515}, "date: Must be a date like 2025-05-15."),
        ({"time": "24:00"}, "time: Must be a time like 14:30."),
        ({"time": "9:00"}, "time: Must be a time like 14:30."),
        ({"time": "09:00:00"}, "time: Must be a time like 14:30."),
        ({"time": "09:00Z"}, "time: Must be a time like 14:30."),
        ({"time": "09:00\n"}, "time: Must be a time like 14:30."),
        ({"time": None}, "time: Field may not be null."),
        ({"timeZone": "Paris"}, "timeZone: Must be an IANA time zone like Asia/Kolkata."),
        ({"durationMinutes": 4}, "durationMinutes: Must be greater than or equal to 5 and less than or equal to 1440."),
        ({"durationMinutes": "60"}, "durationMinutes: Not a valid integer."),
        ({"type": "Fax"}, "type: Must be one of: Video, InPerson, Phone."),
        ({"type": "Video"}, "meetingLink: Required for an interview of type Video."),
        ({"type": "Video", "meetingLink": "javascript:alert(1)"}, "meetingLink: Must be an http or https link."),
        ({"type": "InPerson"}, "location: Required for an interview of type InPerson."),
        ({"type": "InPerson", "location": "  "}, "location: Must not be blank."),
        ({"applicationId": "nope"}, "applicationId: Must be 24 lower-case hex digits."),
        ({"internalnotes": "x"}, "internalnotes: Unknown field."),
    ],
)
def test_invalid_invitation_names_its_field(values: dict[str, Any], message: str, people: People) -> None:
    body = invitation(people.us_application_id) | values
    assert people.us.refused("POST", "/interviews/schedule", body) == (400, message)
    assert people.us.ok("GET", "/interviews/by-status")["total"] == 0


def test_schedule_needs_an_application_of_the_company(people: People) -> None:
    us = people.us
    absent, foreign = invitation("f" * 24), invitation(people.them_application_id)
    assert us.refused("POST", "/interviews/schedule", absent) == (404, "Application not found")
    assert us.refused("POST", "/interviews/schedule", foreign) == (403, "This application does not belong to you")
    past_and_foreign = foreign | {"date": "2020-01-01"}
    assert us.refused("POST", "/interviews/schedule", past_and_foreign)[0] == 403
    for wrong in ({"time": "25:00"}, {"type": "Video"}, {"nothing": 1}, {"type": None}, {"notes": 5}):
        assert us.refused("POST", "/interviews/schedule", foreign | wrong) == (
            403, "This application does not belong to you",
        ), wrong  # fmt: skip
        assert us.refused("POST", "/interviews/schedule", invitation("f" * 24) | wrong) == (
            404, "Application not found",
        ), wrong  # fmt: skip
        assert us.refused("POST", "/interviews/schedule", invitation(people.us_application_id) | wrong)[0] == 400


def test_reschedule_keeps_omitted_fields(people: People) -> None:
    us, candidate = people.us, people.candidate
    body = invitation(people.us_application_id, type="Video", meetingLink="https://meet.example/1", durationMinutes=90,
                       notes="n", internalNotes="i", timeZone="Asia/Kolkata")  # fmt: skip
    interview = us.ok("POST", "/interviews/schedule", body)
    path = f"/interviews/{interview['interviewId']}"
    candidate.ok("PUT", f"/candidate{path}/confirm")
    candidate.ok("PUT", f"/candidate{path}/request-reschedule", {"reason": "ill"})
    moved = us.ok("PUT", f"{path}/reschedule", {"date": "2031-01-02", "time": "09:05"})
    assert moved == interview | {"scheduledDate": "2031-01-02T03:35:00.000Z", "scheduledTime": "09:05"}
    moved = us.ok(
        "PUT", f"{path}/reschedule", local(in_days(9)) | {"type": "InPerson", "location": "Paris", "meetingLink": None}
    )
    assert (moved["type"], moved["location"], moved["meetingLink"], moved["notes"]) == ("InPerson", "Paris", None, "n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "InPerson"}, "location: Required for an interview of type InPerson."),
        ({"meetingLink": None}, "meetingLink: Required for an interview of type Video."),
        ({"date": "2020-01-01"}, "date: Must lie in the future."),
        ({"timeZone": None}, "timeZone: Field may not be null."),
        ({"date": "2031-03-30", "time": "02:30", "timeZone": "Europe/Paris"},
         "time: The clocks in Europe/Paris skip this time on that day."),
    ],
)  # fmt: skip
def test_rescheduled_interview_must_be_valid(change: dict[str, Any], message: str, people: People) -> None:
    us = people.us
    body = invitation(people.us_application_id, type="Video", meetingLink="https://meet.example/1")
    interview = us.ok("POST", "/interviews/schedule", body)
    path = f"/interviews/{interview['interviewId']}/reschedule"
    assert us.refused("PUT", path, local(in_days(4)) | change) == (400, message)
    us.ok("PUT", f"/interviews/{interview['interviewId']}/complete", {})
    assert us.refused("PUT", path, local(in_days(4)) | change) == (400, message)  # said before the state
    assert us.refused("PUT", path, local(in_days(4)), If_Match='"old"')[0] == 412
    assert us.refused("PUT", path, local(in_days(4)) | change, If_Match='"old"') == (400, message)


def test_overlap_is_refused_and_back_to_back_is_accepted(people: People) -> None:
    us, them = people.us, people.them
    ours = people.us_application_id
    first = us.ok("POST", "/interviews/schedule", invitation(ours, 3, durationMinutes=60))
    clash = (409, "The candidate already has an interview with you at this time")
    hour = 1 / 24
    for days, minutes in ((3, 60), (3 - hour, 61), (3 + hour * 59 / 60, 5), (3 + hour / 2, 5), (3 - hour, 1440)):
        body = invitation(ours, days, durationMinutes=minutes)
        assert us.refused("POST", "/interviews/schedule", body) == clash, (days, minutes)
    before = us.ok("POST", "/interviews/schedule", invitation(ours, 3 - hour, durationMinutes=60))
    us.ok("POST", "/interviews/schedule", invitation(ours, 3 + hour, durationMinutes=60))
    them.ok("POST", "/interviews/schedule", invitation(people.them_application_id, 3))  # no business of ours
    move = f"/interviews/{before['interviewId']}/reschedule"
    assert us.refused("PUT", move, local(in_days(3 - hour / 2))) == clash
    us.ok("PUT", move, local(in_days(3 - hour * 1.5)))  # itself is not in its way
    us.ok("PUT", f"/interviews/{first['interviewId']}/cancel", {"cancellationReason": "x"})
    us.ok("POST", "/interviews/schedule", invitation(ours, 3, durationMinutes=60))


def test_lists_show_only_the_companys_interviews(people: People) -> None:
    us, them = people.us, people.them
    ours = [us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, day)) for day in (5, 3, 4)]
    theirs = them.ok("POST", "/interviews/schedule", invitation(people.them_application_id))
    us.ok("PUT", f"/interviews/{ours[2]['interviewId']}/cancel", {"cancellationReason": "x"})

    def ids(data: dict[str, Any]) -> list[str]:
        assert data["total"] >= len(data["interviews"])
        return [interview["interviewId"] for interview in data["interviews"]]

    five, three, four = (interview["interviewId"] for interview in ours)
    listing = "/interviews/by-status"
    assert ids(us.ok("GET", listing)) == [three, four, five]
    assert ids(us.ok("GET", f"{listing}?status=annule&companyId={people.us_company_id}")) == [four]
    assert ids(us.ok("GET", f"{listing}?limit=1&skip=1")) == [four]
    assert us.ok("GET", f"{listing}?limit=1&skip=1")["total"] == 3
    assert us.ok("GET", f"{listing}?skip=9") == {"interviews": [], "total": 3}
    assert ids(us.ok("GET", f"/interviews/application/{people.us_application_id}?limit=2")) == [three, four]
    assert ids(them.ok("GET", listing)) == [theirs["interviewId"]]
    not_ours = (403, "This company is not yours")
    for other in (people.them_company_id, "f" * 24, "nope"):
        assert us.refused("GET", f"{listing}?companyId={other}") == not_ours
        assert us.refused("GET", f"{listing}?companyId={other}&limit=x") == not_ours
    assert us.refused("GET", f"{listing}?status=x")[1].startswith("status: ")
    assert us.refused("GET", f"{listing}?companyId=a&companyId=b") == not_ours
    company = people.us_company_id
    assert us.refused("GET", f"{listing}?companyId={company}&companyId={company}") == (
        400, "companyId: Must not be given more than once.",
    )  # fmt: skip
    foreign = f"/interviews/application/{people.them_application_id}"
    assert us.refused("GET", f"{foreign}?limit=x") == (403, "This application does not belong to you")
    assert us.refused("GET", "/interviews/application/nope?limit=x") == (404, "Application not found")
    assert us.refused("GET", f"/interviews/application/{people.us_application_id}?limit=x")[0] == 400


def test_schedule_is_not_taken_for_an_id(people: People) -> None:
    response = people.us.call("GET", "/interviews/schedule")
    assert (response.status_code, set(response.headers["Allow"].split(", "))) == (405, {"POST", "OPTIONS"})
