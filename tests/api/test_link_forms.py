"""The page of the confirmation link: what it shows, and a decline by form without JavaScript and by JSON."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import update

from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from interviews_api.web.text_rules import MAX_REASON
from tests.support.api import Caller, in_days, local
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.link_forms import (
    DECLINED,
    INVALID,
    PENDING_BUTTONS,
    SAME_ORIGIN,
    buttons,
    follow,
    schedule_in_kolkata,
    submit,
)
from tests.support.linked_interview import INTERVIEW, JSON, path
from tests.support.people import People

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def interview(people: People) -> str:
    return schedule_in_kolkata(people)


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
