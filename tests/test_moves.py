"""The state machine is said once: documentation and OpenAPI draw from it, and moves draw their statements."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from interviews_api.clock import format_instant, now
from interviews_api.db import Database
from interviews_api.hiring.models import Application
from interviews_api.interviews.models import Interview, InterviewStatus
from interviews_api.interviews.moves import MOVES, as_markdown
from tests.api import invitation


def test_the_documentation_has_the_table_as_it_is() -> None:
    document = (Path(__file__).parent.parent / "docs" / "interview-moves.md").read_text()
    assert document.endswith(f"\n\n{as_markdown()}")


def test_the_openapi_document_has_the_table_and_every_refusal(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert as_markdown() in document["info"]["description"]
    for move in MOVES[1:]:
        for actor in move.actors:
            prefix = "/candidate" if actor == "candidate" else ""
            described = document["paths"][f"{prefix}/interviews/{{interviewId}}/{move.name}"]["put"]["responses"]
            assert move.refusal in described["400"]["description"]


def test_what_has_ended_stays_ended() -> None:
    ended = {InterviewStatus.COMPLETED, InterviewStatus.CANCELLED}
    assert not [move.name for move in MOVES if ended & set(move.sources)]
    assert {move.target for move in MOVES} - {None} == set(InterviewStatus)
    assert {move.name for move in MOVES if move.raises_revision} == {"decline", "reschedule", "cancel"}


@pytest.mark.parametrize("column", ["invited_at", "confirmed_at"])
def test_the_time_of_an_interview_runs_forwards(column: str, people: dict[str, Any], database: Database) -> None:
    """Also for who had to wait for a move that began later, or asked a machine whose clock is late."""
    us, candidate = people["us"], people["candidate"]
    interview = us.ok("POST", "/interviews/schedule", invitation(people["us application"]))["interviewId"]
    before = now() + timedelta(seconds=5)
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values({column: before}))
    confirmed = candidate.ok("PUT", f"/candidate/interviews/{interview}/confirm")
    assert confirmed["confirmedAt"] == format_instant(before)
    us.ok("PUT", f"/interviews/{interview}/cancel", {"cancellationReason": "The job is gone."})
    events = candidate.ok("GET", f"/candidate/interviews/{interview}/timeline")["events"]
    assert [one["at"] for one in events[1:]] == [format_instant(before)] * 2
    with database.reader.connect() as connection:
        application = connection.execute(select(Application.date_cancelled)).scalars()
        assert before in set(application)
