"""The state machine over HTTP: OpenAPI lists its transitions, and times run forwards."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from interviews_api.clock import format_instant, now, parse_instant
from interviews_api.db.connections import Database
from interviews_api.hiring.models import Application
from interviews_api.interviews.models import Interview
from interviews_api.interviews.state_machine import TRANSITIONS, UPDATE, as_markdown
from tests.support.api import invitation
from tests.support.people import People


def test_openapi_lists_transitions_and_refusals(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert as_markdown() in document["info"]["description"]
    for transition in TRANSITIONS[1:]:
        for actor in transition.actors:
            prefix = "/candidate" if actor == "candidate" else ""
            route = "reschedule" if transition is UPDATE else transition.name
            described = document["paths"][f"{prefix}/interviews/{{interviewId}}/{route}"]["put"]["responses"]
            assert transition.refusal.message in described["400"]["description"]


@pytest.mark.parametrize(("ahead", "takes_that_time"), [(2, True), (3600, False)])
def test_transition_times_never_run_backwards(
    ahead: int, takes_that_time: bool, people: People, database: Database
) -> None:
    """A transition takes the time of a slightly later one; a time far ahead is ignored as a wrong clock."""
    us, candidate = people.us, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    wish = {"proposedTimes": [format_instant(now() + timedelta(days=9))]}
    candidate.ok("PUT", f"/candidate/interviews/{interview}/request-reschedule", wish)
    begun = now()
    before = begun + timedelta(seconds=ahead)
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(updated_at=before))
    confirmed = candidate.ok("PUT", f"/candidate/interviews/{interview}/confirm")
    us.ok("PUT", f"/interviews/{interview}/cancel", {"cancellationReason": "The job is gone."})
    *_, confirm, cancel = candidate.ok("GET", f"/candidate/interviews/{interview}/timeline")["events"]
    with database.reads.connection() as connection:
        cancelled_at = connection.execute(select(func.max(Application.date_cancelled))).scalar_one()
    assert confirmed["confirmedAt"] == confirm["at"]
    assert format_instant(cancelled_at) == cancel["at"]
    for move in (confirm, cancel):
        moment = parse_instant(move["at"])
        assert moment == before if takes_that_time else begun <= moment <= now()
