"""The forms of the confirmation link's page, as a browser posts them and follows their answer."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.api import invitation
from tests.support.people import People

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
INVALID = (400, "Invalid confirmation token")
DECLINED = "You have declined this interview. It will not take place."
REQUESTED = "You have asked for another time."
PENDING_BUTTONS = ["Confirm interview", "Ask for another time", "Decline interview"]


def schedule_in_kolkata(people: People) -> str:
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
