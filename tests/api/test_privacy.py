"""Private fields of a company reach no candidate, link, message or log."""

import logging
import traceback
from collections import Counter
from email import message_from_bytes
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from interviews_api.accounts.models import User
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.interviews.link_tokens import make_token
from interviews_api.interviews.models import Interview
from interviews_api.live.hub import as_message
from interviews_api.live.repository import LiveRepository
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.channels.web_push import payload as push_payload
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.recipients import SENT_TO_CANDIDATE, SENT_TO_COMPANY
from interviews_api.notifications.worker.delivery_context_repository import DeliveryContextRepository
from interviews_api.notifications.worker.worker import work_once
from interviews_api.services import service
from tests.support.api import Caller, in_days, invitation, local
from tests.support.database_rows import hold_write_lock
from tests.support.logs import CANARY
from tests.support.people import People
from tests.support.settings import SECRETS

PRIVATE = {
    "feedback": {
        "overallRating": 3, "comments": CANARY, "strengths": [CANARY], "weaknesses": [CANARY, CANARY],
        "recommendation": "reject",
    },
    "hiringDecisionReason": CANARY, "shareFeedback": False,
}  # fmt: skip


def candidate_facing(caller: Caller, anonymous: Caller, interview_id: str) -> dict[str, TestResponse]:
    """Return each response that a candidate or the holder of a link can read."""
    own_path = f"/candidate/interviews/{interview_id}"
    responses = {
        path: caller.call("GET", path)
        for path in (
            "/candidate/interviews", "/candidate/interviews?status=completed", "/candidate/interviews/pending",
            "/candidate/interviews/upcoming", "/candidate/interviews/history", own_path, f"{own_path}/timeline",
            f"{own_path}/briefing",
            "/application-status/candidate", "/auth/me", "/jobs", f"/interviews/{interview_id}",
            "/interviews/by-status", f"{own_path}/calendar.ics", f"/interviews/{interview_id}/notices",
        )
    }  # fmt: skip
    feed = caller.ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")
    token = f"/interviews/confirm/{make_token(SECRETS['SECRET_KEY'], interview_id, 1)}"
    responses["feed"] = anonymous.call("GET", feed)
    responses["page"] = anonymous.call("GET", token, Accept="text/html")
    responses["link"] = anonymous.call("GET", token, Accept="application/json")
    return responses


def statuses(responses: dict[str, TestResponse]) -> dict[int, int]:
    return dict(Counter(response.status_code for response in responses.values()))


@pytest.mark.parametrize("completion", [PRIVATE, PRIVATE | {"isHired": False}])
def test_private_fields_reach_no_candidate_response(
    completion: dict[str, Any], people: People, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Read in each state of the interview, and in the response to each transition."""
    caplog.set_level(logging.DEBUG)
    us, candidate, anonymous = people.us, people.candidate, Caller(client, {})
    body = invitation(people.us_application_id, internalNotes=CANARY)
    interview = us.ok("POST", "/interviews/schedule", body)
    interview_path = f"/interviews/{interview['interviewId']}"
    us.ok("PUT", f"{interview_path}/reschedule", local(in_days(4)) | {"internalNotes": f"{CANARY} again"})
    token = f"/interviews/confirm/{make_token(SECRETS['SECRET_KEY'], interview['interviewId'], 1)}"
    collected: list[TestResponse] = []

    def look() -> dict[int, int]:
        responses = candidate_facing(candidate, anonymous, interview["interviewId"])
        collected.extend(responses.values())
        return statuses(responses)

    def move(method: str, path: str, caller: Caller = candidate, **headers: str) -> int:
        collected.append(caller.call(method, path, {} if caller is candidate else None, **headers))
        return collected[-1].status_code

    forbidden = {403: 3}  # the company's own routes
    assert look() == {200: 14, 400: 1} | forbidden  # no file before the yes
    assert move("PUT", f"/candidate{interview_path}/request-reschedule") == 200
    assert move("POST", token, anonymous, Accept="application/json") == 200
    assert move("POST", token, anonymous, Accept="text/html") == 400
    assert move("PUT", f"/candidate{interview_path}/confirm") == 400
    assert look() == {200: 15} | forbidden
    us.ok("PUT", f"{interview_path}/complete", completion)
    assert us.call("GET", interview_path).text.count(CANARY) == 6
    assert look() == {200: 14, 400: 1} | forbidden
    refused = [
        move("PUT", f"/candidate{interview_path}/{name}") for name in ("confirm", "request-reschedule", "decline")
    ]
    assert refused == [400, 400, 400]
    assert candidate.ok("GET", f"/candidate{interview_path}")["feedback"] is None
    assert not [response for response in collected if CANARY.encode() in str(response.headers).encode() + response.data]
    assert CANARY not in caplog.text


def test_private_fields_stay_private_after_a_decline(people: People, client: FlaskClient) -> None:
    us, candidate, anonymous = people.us, people.candidate, Caller(client, {})
    for days, name in ((3, "confirm"), (5, "decline")):
        body = invitation(people.us_application_id, days, internalNotes=CANARY)
        interview_id = us.ok("POST", "/interviews/schedule", body)["interviewId"]
        us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(days + 1)))
        moved = candidate.call("PUT", f"/candidate/interviews/{interview_id}/{name}", {})
        assert moved.status_code == 200
        responses = [moved, *candidate_facing(candidate, anonymous, interview_id).values()]
        assert not [
            response for response in responses if CANARY.encode() in str(response.headers).encode() + response.data
        ]


def test_shared_feedback_is_shown_without_private_fields(people: People) -> None:
    us, candidate = people.us, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, internalNotes=CANARY))
    path = f"/interviews/{interview['interviewId']}"
    feedback = PRIVATE["feedback"] | {"comments": "Well done", "strengths": [], "weaknesses": []}
    us.ok("PUT", f"{path}/complete", {"feedback": feedback, "hiringDecisionReason": CANARY})
    response = candidate.call("GET", f"/candidate{path}")
    assert response.get_json()["data"]["feedback"] == feedback
    assert CANARY not in response.text


def test_database_error_quotes_no_values(database: Database) -> None:
    """The error is logged with its cause."""
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text("INSERT INTO nowhere (name) VALUES (:name)"), {"name": CANARY})
    assert "INSERT INTO nowhere" in str(refused.value)
    assert CANARY not in str(refused.value)


def test_constraint_error_quotes_no_row(people: People, database: Database) -> None:
    """Postgres quotes the row in its message."""
    us = people.us
    us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, internalNotes=CANARY))
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(update(Interview).values(duration_minutes=1))
    text = "".join(traceback.format_exception(refused.value))
    assert "duration_minutes" in text
    assert CANARY not in text


def test_registration_timeout_logs_no_hash(
    client: FlaskClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    email = f"{CANARY}@example.com"
    person = {"email": email, "password": CANARY, "firstName": CANARY, "lastName": CANARY}
    with hold_write_lock(database) as connection:  # the same address, not committed
        values = {"id": "a" * 24, "role": "candidate", "email": email, "email_key": email, "created_at": now()}
        connection.execute(insert(User).values(values))
        assert client.post("/auth/register/candidate", json=person).status_code == 503
    assert "database unavailable" in caplog.text
    assert CANARY not in caplog.text
    assert "argon2" not in caplog.text


def test_private_fields_reach_no_message(app: Flask, people: People, database: Database) -> None:
    """Compose mails, pushes and live updates of each event with all private fields set."""
    us, candidate = people.us, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, internalNotes=CANARY))
    interview_id = interview["interviewId"]
    us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(in_days(4)))
    candidate.ok("PUT", f"/candidate/interviews/{interview_id}/confirm")
    us.ok("PUT", f"/interviews/{interview_id}/complete", PRIVATE)
    with app.app_context():
        while work_once(now()):
            pass
    settings = service(Settings, app)
    composed = []
    with database.reads.connection() as connection:
        repository = DeliveryContextRepository(connection)
        for row in connection.execute(select(Delivery.id, Delivery.target_id, Delivery.channel)).all():
            about, user = repository.context(row.id, now=now()), repository.target(Channel.EMAIL, row.target_id)
            assert user is not None
            for event_type in SENT_TO_CANDIDATE if user["role"] == "candidate" else SENT_TO_COMPANY:
                context = dict(about) | {"event_type": event_type}
                composed.append(bytes(compose(settings, user, context)))
                if user["role"] == "candidate":
                    composed.append(push_payload(context))
        changes = LiveRepository(connection).changes([people.candidate_id], after=0, up_to=2**62)
        composed += [as_message(change)[1].encode() for change in changes]
    assert len(composed) > 20
    for raw in composed:
        message = message_from_bytes(raw)
        assert CANARY.encode() not in raw + b"".join(
            bytes(part.get_payload(decode=True) or b"") for part in message.walk()
        )
