"""What a company does not share is in no byte that a candidate, a link or a log can show."""

import logging
from email import message_from_bytes
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from interviews_api.accounts.models import User
from interviews_api.clock import now
from interviews_api.db import Database
from interviews_api.interviews.links import make_token
from interviews_api.live.hub import as_message
from interviews_api.live.repository import LiveRepository
from interviews_api.notifications.audience import MAILED_TO_CANDIDATE, MAILED_TO_COMPANY
from interviews_api.notifications.delivery_repository import DeliveryRepository
from interviews_api.notifications.mail import compose
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.push import payload as push_payload
from interviews_api.notifications.worker import work_once
from tests.api import Caller, in_days, invitation, local
from tests.conftest import SECRETS
from tests.live import LiveServer

CANARY = "planted-canary"
PRIVATE = {
    "feedback": {
        "overallRating": 3, "comments": CANARY, "strengths": [CANARY], "weaknesses": [CANARY, CANARY],
        "recommendation": "reject",
    },
    "hiringDecisionReason": CANARY, "shareFeedback": False,
}  # fmt: skip


def candidate_facing(caller: Caller, anyone: Caller, interview_id: str) -> list[bytes]:
    """Every byte, headers included, that the candidate and the bearer of a link can get."""
    mine = f"/candidate/interviews/{interview_id}"
    token = f"/interviews/confirm/{make_token(SECRETS['SECRET_KEY'], interview_id, 0)}"
    responses = [
        caller.call("GET", path)
        for path in (
            "/candidate/interviews", "/candidate/interviews?status=completed", "/candidate/interviews/pending",
            "/candidate/interviews/upcoming", "/candidate/interviews/history", mine, f"{mine}/timeline",
            "/application-status/candidate", "/auth/me", "/jobs", f"/interviews/{interview_id}",
            "/interviews/by-status", f"{mine}/calendar.ics", f"/interviews/{interview_id}/notices",
        )
    ]  # fmt: skip
    feed = caller.ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")
    responses.append(anyone.call("GET", feed))
    responses += [
        caller.call("PUT", f"{mine}/{move}", {})
        for move in ("confirm", "request-reschedule", "decline", "confirm", "request-reschedule", "decline")
    ]
    for accept in ("text/html", "application/json"):
        responses += [anyone.call(method, token, Accept=accept) for method in ("GET", "POST", "GET")]
    return [str(response.headers).encode() + response.data for response in responses]


@pytest.mark.parametrize("completion", [PRIVATE, PRIVATE | {"isHired": False}, None])
def test_a_marker_in_every_private_field_is_found_nowhere(
    completion: dict[str, Any] | None, people: dict[str, Any], client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    us, anyone = people["us"], Caller(client, {})
    asked = invitation(people["us application"], internalNotes=CANARY)
    made = us.ok("POST", "/interviews/schedule", asked)
    one = f"/interviews/{made['interviewId']}"
    us.ok("PUT", f"{one}/reschedule", local(in_days(4)) | {"internalNotes": f"{CANARY} again"})
    if completion:
        us.ok("PUT", f"{one}/complete", completion)
        assert us.call("GET", one).text.count(CANARY) == 6
    shown = candidate_facing(people["candidate"], anyone, made["interviewId"])
    assert len(shown) == 27
    assert not [answer for answer in shown if CANARY.encode() in answer]
    assert CANARY not in caplog.text
    assert people["candidate"].ok("GET", f"/candidate{one}")["feedback"] is None


def test_shared_feedback_is_shown_whole_and_its_neighbours_are_not(people: dict[str, Any]) -> None:
    us, candidate = people["us"], people["candidate"]
    made = us.ok("POST", "/interviews/schedule", invitation(people["us application"], internalNotes=CANARY))
    one = f"/interviews/{made['interviewId']}"
    feedback = PRIVATE["feedback"] | {"comments": "Well done", "strengths": [], "weaknesses": []}
    us.ok("PUT", f"{one}/complete", {"feedback": feedback, "hiringDecisionReason": CANARY})
    response = candidate.call("GET", f"/candidate{one}")
    assert response.get_json()["data"]["feedback"] == feedback
    assert CANARY not in response.text


def test_the_servers_log_says_nothing_of_it_either(people: dict[str, Any], live: LiveServer) -> None:
    headers = people["us"].headers
    asked = invitation(people["us application"], internalNotes=CANARY)
    assert live.request("POST", "/interviews/schedule", headers, asked)[0] == 201
    assert live.request("POST", "/interviews/schedule", headers, asked | {"type": CANARY})[0] == 400
    assert live.request("POST", "/interviews/schedule", headers, asked)[0] == 409
    assert CANARY not in live.log
    assert headers["Authorization"].split()[1] not in live.log


def test_a_database_error_says_nothing_of_the_values(database: Database) -> None:
    """It goes to the log with its cause."""
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text("INSERT INTO nowhere (name) VALUES (:name)"), {"name": CANARY})
    assert "INSERT INTO nowhere" in str(refused.value)
    assert CANARY not in str(refused.value)


def test_a_registration_that_waits_in_vain_leaves_no_hash_in_the_log(
    client: FlaskClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    email = f"{CANARY}@example.com"
    person = {"email": email, "password": CANARY, "firstName": CANARY, "lastName": CANARY}
    with database.engine.begin() as connection:  # the same address, not committed
        values = {"id": "a" * 24, "role": "candidate", "email": email, "email_key": email, "created_at": now()}
        connection.execute(insert(User).values(values))
        assert client.post("/auth/register/candidate", json=person).status_code == 503
    assert "database unavailable" in caplog.text
    assert CANARY not in caplog.text
    assert "argon2" not in caplog.text


def test_no_message_to_the_candidate_has_it(app: Flask, people: dict[str, Any], database: Database) -> None:
    """Mails, pushes and live updates of every event, composed with everything private filled in."""
    us, candidate = people["us"], people["candidate"]
    made = us.ok("POST", "/interviews/schedule", invitation(people["us application"], internalNotes=CANARY))
    one = made["interviewId"]
    us.ok("PUT", f"/interviews/{one}/reschedule", local(in_days(4)))
    candidate.ok("PUT", f"/candidate/interviews/{one}/confirm")
    us.ok("PUT", f"/interviews/{one}/complete", PRIVATE)
    with app.app_context():
        while work_once(now()):
            pass
    settings = app.extensions["settings"]
    composed = []
    with database.reader.connect() as connection:
        repository = DeliveryRepository(connection)
        for row in connection.execute(select(Delivery.id, Delivery.target_id, Delivery.channel)).all():
            about, user = repository.about(row.id), repository.target(Channel.EMAIL, row.target_id)
            assert user is not None
            for event_type in MAILED_TO_CANDIDATE if user["role"] == "candidate" else MAILED_TO_COMPANY:
                told = dict(about) | {"event_type": event_type}
                composed.append(bytes(compose(settings, user, told)))
                if user["role"] == "candidate":
                    composed.append(push_payload(told))
        changes = LiveRepository(connection).changes([people["candidate id"]], after=0, up_to=2**62)
        composed += [as_message(change)[1].encode() for change in changes]
    assert len(composed) > 20
    for raw in composed:
        message = message_from_bytes(raw)
        assert CANARY.encode() not in raw + b"".join(
            bytes(part.get_payload(decode=True) or b"") for part in message.walk()
        )
