"""Proof: a calendar program that reads the feed ends with the present interviews."""

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
    """The calendar program keeps the entry with the highest SEQUENCE of each UID."""
    lives, dice, candidate = figure(sample=25, full=300), random.Random(4), people.candidate
    entries: dict[str, tuple[int, str, datetime]] = {}

    def synchronize() -> None:
        for event in ReadCalendar(client.get(calendar_feed).text).events:
            sequence = int(next(line.value for line in event.extra if line.name == "SEQUENCE"))
            assert sequence >= entries.get(event.uid, (0,))[0]
            entries[event.uid] = (sequence, str(event.status), event.begin.datetime)

    with proof("random lives of an interview in a feed", service(Database, client.application).engine.dialect.name,
               lives) as proof_row:  # fmt: skip
        expected = {}
        for number, (us, application_id) in zip(range(lives), people.applications(), strict=False):
            start = in_days(10 + number)
            interview = us.ok("POST", "/interviews/schedule", invitation(application_id, **local(start)))
            interview_id, revision, status = interview["interviewId"], 0, "TENTATIVE"
            for _ in range(dice.randrange(6)):
                if status == "CANCELLED":
                    break
                match dice.choice(("confirm", "update", "reschedule", "cancel", "decline", "synchronize")):
                    case "confirm":
                        candidate.call("PUT", f"/candidate/interviews/{interview_id}/confirm")
                        status = "CONFIRMED"
                    case "update":
                        change = {"notes": f"after {revision} changes"}
                        us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(start) | change)
                        revision += 1
                    case "reschedule":
                        start += timedelta(minutes=5)
                        us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(start))
                        revision, status = revision + 1, "TENTATIVE"
                    case "cancel":
                        us.ok("PUT", f"/interviews/{interview_id}/cancel", {"cancellationReason": "x"})
                        revision, status = revision + 1, "CANCELLED"
                    case "decline":
                        candidate.ok("PUT", f"/candidate/interviews/{interview_id}/decline", {})
                        revision, status = revision + 1, "CANCELLED"
                    case _:
                        synchronize()
            expected[f"{interview_id}@interviews-api"] = (revision, status, start)
        synchronize()
        assert entries == expected
        proof_row.result = "the client's calendar equals the interviews"
