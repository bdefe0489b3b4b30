"""The link page says more than yes: decline and another time, by form without JavaScript and by JSON."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from interviews_api.clock import format_instant
from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from interviews_api.web.text_rules import MAX_REASON
from tests.support.api import Caller, in_days, invitation, local
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.fixtures import MakeLimited
from tests.support.linked_interview import INTERVIEW, JSON, path
from tests.support.people import People

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
FORM = "application/x-www-form-urlencoded"
INVALID = (400, "Invalid confirmation token")
DECLINED = "You have declined this interview. It will not take place."
REQUESTED = "You have asked for another time."


@pytest.fixture
def interview(people: People) -> str:
    """Schedule an interview in ten days on the wall clock of Asia/Kolkata, and return its id."""
    body = invitation(people.us_application_id, 10, timeZone="Asia/Kolkata")
    return str(people.us.ok("POST", "/interviews/schedule", body)["interviewId"])


def submit(client: FlaskClient, address: str, **fields: Any) -> TestResponse:
    """Post a form as a browser does."""
    return client.post(address, data=fields, headers=SAME_ORIGIN)


def follow(client: FlaskClient, address: str, response: TestResponse) -> str:
    """Return the page that a 303 leads to, which is the link's."""
    assert (response.status_code, response.data) == (303, b"")
    link = address.rpartition("/")[0]
    assert response.headers["Location"] == f"../{link.rpartition('/')[2]}"
    assert response.headers["Cache-Control"] == "no-store"
    page = client.get(link)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    return page.text


def buttons(page: str) -> list[str]:
    return re.findall("<button[^>]*>([^<]+)</button>", page)


PENDING_BUTTONS = ["Confirm interview", "Ask for another time", "Decline interview"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("en_attente", PENDING_BUTTONS), ("confirmed", PENDING_BUTTONS[1:]), ("completed", []), ("annule", [])],
)
def test_page_offers_what_the_status_allows(
    status: str, expected: list[str], client: FlaskClient, world: World
) -> None:
    world.candidate_with({"id": INTERVIEW, "status": status, "scheduledDate": "2999-05-15T09:00:00.000Z"})
    world.load()
    page = client.get(path()).text
    assert buttons(page) == expected
    actions = [f"{path()}{end}" for end in ("", "/request-reschedule", "/decline")]
    prefix = "/interviews/confirm/"
    assert [prefix + action for action in re.findall('action="([^"]+)"', page)] == actions[3 - len(expected) :]


def test_declined_link_shows_the_declined_interview(
    people: People, interview: str, client: FlaskClient, database: Database
) -> None:
    address = f"{path(interview)}/decline"
    page = follow(client, address, submit(client, address, reason="  I am ill.\r\nSorry <b>"))
    assert DECLINED in page
    assert buttons(page) == []
    seen = people.us.ok("GET", f"/interviews/{interview}")
    assert (seen["status"], seen["cancelledBy"], seen["cancellationReason"]) == (
        "annule", "candidate", "  I am ill.\nSorry <b>",
    )  # fmt: skip
    assert client.get(path(interview), headers=JSON).get_json()["data"]["status"] == "annule"
    event = everything(database)["events"][-1]
    assert (event.type, event.actor, event.revision) == ("interview.declined", "candidate", 1)
    before = everything(database)
    anonymous = Caller(client, JSON)
    for end in ("", "/decline", "/request-reschedule"):
        assert anonymous.refused("POST", f"{path(interview)}{end}") == INVALID
        again = submit(client, f"{path(interview)}{end}")
        assert (again.status_code, again.mimetype) == (400, "text/html")
    assert DECLINED in again.text, "a second click shows what the first has done"
    assert everything(database) == before
    with time_machine.travel(in_days(10) + timedelta(minutes=60), tick=False):
        assert anonymous.refused("GET", path(interview)) == INVALID


def test_decline_as_json_answers_like_a_confirm(people: People, interview: str, client: FlaskClient) -> None:
    confirmed = client.post(path(interview), headers=JSON).get_json()["data"]
    response = client.post(f"{path(interview)}/decline", json={"reason": "ill"})
    assert (response.status_code, response.get_json()) == (
        200, {"message": "Interview declined successfully", "data": confirmed | {"status": "annule"}},
    )  # fmt: skip
    assert people.us.ok("GET", f"/interviews/{interview}")["cancellationReason"] == "ill"


@pytest.mark.parametrize("sent", [JSON, {"Content-Type": "application/json"}, JSON | SAME_ORIGIN])
def test_decline_needs_no_body(sent: dict[str, str], people: People, interview: str, client: FlaskClient) -> None:
    response = client.post(f"{path(interview)}/decline", headers=sent)
    assert (response.status_code, response.get_json()["data"]["status"]) == (200, "annule")
    assert people.us.ok("GET", f"/interviews/{interview}")["cancellationReason"] is None


def test_confirmed_interview_is_declined_by_the_same_link(interview: str, client: FlaskClient) -> None:
    page = submit(client, path(interview)).text
    assert "You have confirmed this interview." in page
    assert buttons(page) == PENDING_BUTTONS[1:]
    address = f"{path(interview)}/decline"
    assert DECLINED in follow(client, address, submit(client, address, reason=""))


def test_link_that_a_decline_in_the_dashboard_superseded_shows_nothing(
    people: People, interview: str, client: FlaskClient
) -> None:
    people.candidate.ok("PUT", f"/candidate/interviews/{interview}/decline")
    assert Caller(client, JSON).refused("GET", path(interview)) == INVALID
    assert DECLINED in client.get(path(interview, 1)).text


def test_request_by_form_has_times_of_the_interviews_wall_clock(
    people: People, interview: str, client: FlaskClient
) -> None:
    address = f"{path(interview)}/request-reschedule"
    times = ["", "2031-05-15T14:30", "", "2031-05-16T00:05", ""]
    page = follow(client, address, submit(client, address, reason="A train\r\nis late", proposedTimes=times))
    assert REQUESTED in page
    assert re.findall("<li>(.*)</li>", page) == ["Thursday, 15 May 2031, 14:30", "Friday, 16 May 2031, 00:05"]
    assert buttons(page) == PENDING_BUTTONS
    seen = people.us.ok("GET", f"/interviews/{interview}")
    request = {"reason": "A train\nis late", "proposedTimes": ["2031-05-15T09:00:00.000Z", "2031-05-15T18:35:00.000Z"]}
    assert seen["status"] == "en_attente"
    assert seen["rescheduleRequest"] == request | {"requestedAt": seen["rescheduleRequest"]["requestedAt"]}
    follow(client, address, submit(client, address))  # no times and no reason, as in the dashboard
    request = people.us.ok("GET", f"/interviews/{interview}")["rescheduleRequest"]
    assert (request["reason"], request["proposedTimes"]) == (None, [])


def test_request_as_json_answers_like_the_dashboards(people: People, interview: str, client: FlaskClient) -> None:
    wish = {"reason": "ill", "proposedTimes": [format_instant(in_days(20))]}
    response = client.post(f"{path(interview)}/request-reschedule", json=wish)
    details = people.candidate.ok("GET", f"/candidate/interviews/{interview}")
    assert (response.status_code, response.get_json()) == (
        200, {"message": "Reschedule requested successfully", "data": details},
    )  # fmt: skip
    request = people.us.ok("GET", f"/interviews/{interview}")["rescheduleRequest"]
    assert {name: request[name] for name in wish} == wish


BAD_TIME = "Must be a time like 2025-05-15T14:30."
NOT_PAST = "Must lie in the future."
TOO_LONG = "Length must be between 0 and 2000."
FUTURE = "2031-05-15T14:30"


@pytest.mark.parametrize(
    ("action", "fields", "field", "problem"),
    [
        ("request-reschedule", {"proposedTimes": ["", "2020-05-15T14:30"]}, "proposedTimes.1", NOT_PAST),
        ("request-reschedule", {"proposedTimes": [FUTURE, "tomorrow"]}, "proposedTimes.1", BAD_TIME),
        ("request-reschedule", {"proposedTimes": ["2031-02-30T14:30"]}, "proposedTimes.0", BAD_TIME),
        ("request-reschedule", {"proposedTimes": [f"{FUTURE}Z"]}, "proposedTimes.0", BAD_TIME),
        ("request-reschedule", {"proposedTimes": [f"{FUTURE}:00"]}, "proposedTimes.0", BAD_TIME),
        ("request-reschedule", {"proposedTimes": ["9999-12-31T14:30"]}, "proposedTimes.0", BAD_TIME),
        ("request-reschedule", {"proposedTimes": ["0001-01-01T00:00"]}, "proposedTimes.0", BAD_TIME),
        ("request-reschedule", {"proposedTimes": ["\uff12031-05-15T14:30"]}, "proposedTimes.0", BAD_TIME),
        ("request-reschedule", {"proposedTimes": [FUTURE] * 6}, "proposedTimes", "Longer than maximum length 5."),
        ("request-reschedule", {"reason": "x" * 2001, "proposedTimes": [FUTURE]}, "reason", TOO_LONG),
        ("decline", {"reason": "x" * 2001}, "reason", TOO_LONG),
        ("decline", {"reason": "x", "y": "z"}, "y", "Unknown field."),
    ],
)  # fmt: skip
def test_refused_form_is_shown_with_what_was_typed(
    action: str, fields: dict[str, Any], field: str, problem: str, interview: str, client: FlaskClient,
    database: Database,
) -> None:  # fmt: skip
    before = everything(database)
    address = f"{path(interview)}/{action}"
    page = submit(client, address, **fields)
    assert (page.status_code, page.mimetype) == (400, "text/html")
    assert problem in page.text
    assert page.text.count("<details open>") == 1
    assert 'role="alert"' in page.text
    typed = [*fields.get("proposedTimes", [])[:5], fields.get("reason", "")]
    for text in filter(None, typed):
        assert text in unescape(page.text)
    token = path(interview).rpartition("/")[2]
    assert re.findall('action="([^"]+)"', page.text) == [
        f"../{token}", f"../{token}/request-reschedule", f"../{token}/decline",
    ]  # fmt: skip
    answer = client.post(address, data=fields, headers=JSON | SAME_ORIGIN).get_json()
    assert answer["details"] == {field: [problem]}
    assert everything(database) == before


def test_time_that_the_clocks_skip_is_refused(people: People, client: FlaskClient, database: Database) -> None:
    body = invitation(people.us_application_id, timeZone="Europe/Paris")
    address = f"{path(people.us.ok('POST', '/interviews/schedule', body)['interviewId'])}/request-reschedule"
    skipped = "The clocks in Europe/Paris skip this time on that day."
    page = submit(client, address, proposedTimes=["2031-10-26T02:30", "2031-03-30T02:30"])
    assert (page.status_code, page.text.count(skipped)) == (400, 1)
    follow(client, address, submit(client, address, proposedTimes=["2031-10-26T02:30"]))
    (row,) = everything(database)["interviews"]
    assert row.reschedule_request["proposed_times"] == ["2031-10-26T00:30:00.000Z"], "the first of two"


def test_reason_of_the_longest_length_with_line_breaks_is_accepted(
    people: People, interview: str, client: FlaskClient
) -> None:
    """A browser counts a line break as one character and sends two."""
    reason = "a\r\n" * (MAX_REASON // 2)
    address = f"{path(interview)}/decline"
    follow(client, address, submit(client, address, reason=reason))
    seen = people.us.ok("GET", f"/interviews/{interview}")["cancellationReason"]
    assert seen == reason.replace("\r\n", "\n")


@pytest.mark.parametrize("action", ["decline", "request-reschedule"])
@pytest.mark.parametrize("status", ["completed", "annule"])
def test_action_that_comes_too_late_is_refused_with_the_present_state(
    status: str, action: str, client: FlaskClient, world: World, database: Database
) -> None:
    world.candidate_with({"id": INTERVIEW, "status": status, "scheduledDate": "2999-05-15T09:00:00.000Z"})
    world.load()
    before = everything(database)
    message = f"Interview can no longer be {'declined' if action == 'decline' else 'rescheduled'}"
    assert Caller(client, JSON).refused("POST", f"{path()}/{action}") == (400, message)
    page = submit(client, f"{path()}/{action}", reason="x")
    assert (page.status_code, message in page.text, buttons(page.text)) == (400, True, [])
    assert ("is completed" if status == "completed" else "is cancelled") in page.text
    assert everything(database) == before


@pytest.mark.parametrize("sent", [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Origin": "https://evil.example"},
    {"Origin": "null"}, {},
])  # fmt: skip
@pytest.mark.parametrize("action", ["decline", "request-reschedule"])
def test_form_of_another_site_changes_nothing(
    action: str, sent: dict[str, str], interview: str, client: FlaskClient, database: Database
) -> None:
    before = everything(database)
    response = client.post(f"{path(interview)}/{action}", data={"reason": "typed elsewhere"}, headers=sent)
    assert (response.status_code, response.mimetype) == (403, "text/html")
    assert "This form was sent from another site" in response.text
    assert "typed elsewhere" not in response.text
    assert everything(database) == before


@pytest.mark.parametrize("action", ["decline", "request-reschedule"])
def test_forms_follow_the_rules_of_the_link(
    action: str, interview: str, client: FlaskClient, database: Database, people: People
) -> None:
    address, before = f"{path(interview)}/{action}", everything(database)
    for method in ("GET", "HEAD", "PUT"):
        assert client.open(address, method=method).status_code == 405
    for wrong in (path(interview, 1), path("f" * 24), path(interview, key="k" * 40)):
        for body in ({}, {"reason": 1}, {"x": 1}):  # the link is judged before the body
            assert Caller(client, JSON).refused("POST", f"{wrong}/{action}", body) == INVALID
        page = submit(client, f"{wrong}/{action}", x="y")
        assert (page.status_code, "Invalid confirmation token" in page.text) == (400, True)
    for raw, kind, status in (
        (b"reason=%ff", FORM, 400), (b"reason=a&reason=b", FORM, 400), (b"reason=%00", FORM, 400), (b"\xff", FORM, 400),
        (b"&".join([b"proposedTimes="] * 101), FORM, 400), (b"x" * 70_000, FORM, 413), (b"{", "application/json", 400),
        (b"reason", "text/plain", 415), (b"--b--", "multipart/form-data; boundary=b", 415),
    ):  # fmt: skip
        response = client.post(address, data=raw, content_type=kind, headers=SAME_ORIGIN)
        assert response.status_code == status, raw[:20]
        assert client.post(address, data=raw, content_type=kind, headers=JSON | SAME_ORIGIN).status_code == status
    assert everything(database) == before
    with time_machine.travel(in_days(10) + timedelta(minutes=60), tick=False):
        assert Caller(client, JSON).refused("POST", address) == INVALID
    people.us.ok("PUT", f"/interviews/{interview}/reschedule", local(in_days(20)))
    assert Caller(client, JSON).refused("POST", address) == INVALID


def test_limits_hold_by_link_and_the_page_keeps_what_was_typed(
    people: People, interview: str, make_limited: MakeLimited
) -> None:
    limited = make_limited(LIMITS="reschedule_requests=2/3600,transitions=3/3600")
    address = f"{path(interview)}/request-reschedule"
    Caller(limited, people.candidate.headers).ok("PUT", f"/candidate/interviews/{interview}/request-reschedule")
    assert submit(limited, address).status_code == 303
    page = submit(limited, address, reason="Please, once more", proposedTimes=[FUTURE])
    assert (page.status_code, page.mimetype) == (429, "text/html")
    assert int(page.headers["Retry-After"]) > 0
    for text in ("Too many attempts, try again later", "Please, once more", FUTURE):
        assert text in page.text
    assert Caller(limited, JSON).refused("POST", address)[0] == 429
    assert submit(limited, path(interview)).status_code == 200  # the third move
    assert submit(limited, f"{path(interview)}/decline").status_code == 429
    assert people.us.ok("GET", f"/interviews/{interview}")["status"] == "confirmed"


def test_typed_text_stays_text(interview: str, client: FlaskClient) -> None:
    hostile = "</textarea><script>alert(1)</script>"
    page = submit(client, f"{path(interview)}/request-reschedule", reason=hostile, proposedTimes=['"><script>alert(2)'])
    assert page.text.count("<script>") == 1
    assert "&lt;/textarea&gt;&lt;script&gt;alert(1)" in page.text
    assert "&#34;&gt;&lt;script&gt;alert(2)" in page.text


@pytest.mark.parametrize(
    ("kind", "phone", "expected"),
    [
        ("Phone", "+33 6 12 34", "<dt>Call</dt>\n<dd>Tech Solutions Inc calls you at +33 6 12 34"),
        ("Phone", None, "<dt>Call</dt>\n<dd>Please call Tech Solutions Inc at +1-555-0123"),
        ("Video", "+33 6 12 34", "<dd>Video call</dd>"),
        ("InPerson", "+33 6 12 34", '<dd class="lines">Room 3</dd>'),
    ],
)
def test_page_has_the_contact_and_says_who_calls(
    kind: str, phone: str | None, expected: str, client: FlaskClient, world: World
) -> None:
    company = world.company(phone="+1-555-0123", email="hr@techsolutions.com", address="123 Tech Street")
    application = world.application(world.candidate(phone=phone), world.job(company))
    date = "2999-05-15T09:00:00.000Z"
    world.interview(application, id=INTERVIEW, type=kind, scheduledDate=date, location="Room 3")
    world.load()
    page = client.get(path()).text
    assert expected in page
    assert "+1-555-0123, hr@techsolutions.com, 123 Tech Street" in page
    assert page.count("Room 3") == 1


def test_company_hears_of_answers_by_link(
    people: People, interview: str, client: FlaskClient, database: Database
) -> None:
    submit(client, f"{path(interview)}/request-reschedule", reason="ill")
    submit(client, f"{path(interview)}/decline", reason="ill")
    timeline = people.candidate.ok("GET", f"/candidate/interviews/{interview}/timeline")["events"]
    assert [(event["type"], event["by"]) for event in timeline] == [
        ("interview.scheduled", "company"), ("interview.reschedule_requested", "candidate"),
        ("interview.declined", "candidate"),
    ]  # fmt: skip
    assert [event.is_by_link for event in everything(database)["events"]] == [None, True, True]


def test_declined_link_is_invalid_once_a_file_has_changed_the_interview(
    world: World, client: FlaskClient, database: Database
) -> None:
    world.candidate_with({"id": INTERVIEW, "scheduledDate": "2999-05-15T09:00:00.000Z"})
    world.load()
    submit(client, f"{path()}/decline")
    assert DECLINED in client.get(path()).text
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(status="en_attente"))
    assert client.get(path()).status_code == 400
