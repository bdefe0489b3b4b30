"""The page of the confirmation link: asking for another time, and forms that are refused as they were typed."""

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from interviews_api.clock import format_instant
from interviews_api.db.connections import Database
from tests.support.api import Caller, in_days, invitation
from tests.support.database_rows import everything
from tests.support.fixtures import MakeLimited
from tests.support.link_forms import (
    PENDING_BUTTONS,
    REQUESTED,
    SAME_ORIGIN,
    buttons,
    follow,
    schedule_in_kolkata,
    submit,
)
from tests.support.linked_interview import JSON, path
from tests.support.people import People

BAD_TIME = "Must be a time like 2025-05-15T14:30."
NOT_PAST = "Must lie in the future."
TOO_LONG = "Length must be between 0 and 2000."
FUTURE = "2031-05-15T14:30"


@pytest.fixture
def interview(people: People) -> str:
    return schedule_in_kolkata(people)


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
