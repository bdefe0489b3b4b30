"""Proof: a calendar client that follows the feed ends with the calendar that stands."""

import random
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from ics import Calendar as ReadCalendar

from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.api import in_days, invitation, local
from tests.support.people import People
from tests.support.proof_table import figure, proof


@pytest.mark.proof
def test_random_lives_end_in_the_right_calendar(people: People, client: FlaskClient, calendar_feed: str) -> None:
    """A client that keeps, of each UID, what came with the highest SEQUENCE, knows what stands."""
    lives, dice, us, candidate = figure(sample=25, full=300), random.Random(4), people.us, people.candidate
    kept: dict[str, tuple[int, str, datetime]] = {}

    def synchronize() -> None:
        for event in ReadCalendar(client.get(calendar_feed).text).events:
            sequence = int(next(line.value for line in event.extra if line.name == "SEQUENCE"))
            assert sequence >= kept.get(event.uid, (0,))[0]
            kept[event.uid] = (sequence, str(event.status), event.begin.datetime)

    with proof("random lives of an interview in a feed", service(Database, client.application).engine.dialect.name,
               lives) as done:  # fmt: skip
        wanted = {}
        for number in range(lives):
            start = in_days(10 + number)
            one = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, **local(start)))
            path, revision, status = one["interviewId"], 0, "TENTATIVE"
            for _ in range(dice.randrange(6)):
                if status == "CANCELLED":
                    break
                match dice.choice(("confirm", "reschedule", "cancel", "decline", "synchronize")):
                    case "confirm":
                        candidate.call("PUT", f"/candidate/interviews/{path}/confirm")
                        status = "CONFIRMED"
                    case "reschedule":
                        start += timedelta(minutes=5)
                        us.ok("PUT", f"/interviews/{path}/reschedule", local(start))
                        revision, status = revision + 1, "TENTATIVE"
                    case "cancel":
                        us.ok("PUT", f"/interviews/{path}/cancel", {"cancellationReason": "x"})
                        revision, status = revision + 1, "CANCELLED"
                    case "decline":
                        candidate.ok("PUT", f"/candidate/interviews/{path}/decline", {})
                        revision, status = revision + 1, "CANCELLED"
                    case _:
                        synchronize()
            wanted[f"{path}@interviews-api"] = (revision, status, start)
        synchronize()
        assert kept == wanted
        done.result = "the client's calendar is what stands"
