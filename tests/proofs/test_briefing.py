"""Proof: the allowed actions of a briefing are exactly what the routes then do."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from interviews_api.clock import format_instant, now, parse_instant
from interviews_api.db.connections import Database
from interviews_api.events.log import invalidate_all_caches
from interviews_api.interviews.models import Interview
from tests.support.api import Caller, in_days, invitation, local
from tests.support.people import People
from tests.support.proof_table import figure, proof

ROUTES = {
    "confirm": ("PUT", "confirm"), "decline": ("PUT", "decline"), "request-reschedule": ("PUT", "request-reschedule"),
    "calendar": ("GET", "calendar.ics"),
}  # fmt: skip
COMPANY_MOVES: dict[str, dict[str, Any]] = {
    "confirm": {}, "reschedule": {}, "cancel": {"cancellationReason": "filled"}, "complete": {},
}  # fmt: skip


@dataclass
class RandomLife:
    """An interview with random actions of both sides, each after a look at the briefing."""

    us: Caller
    candidate: Caller
    dice: random.Random
    database: Database
    interview_id: str
    checked: int = 0

    @property
    def path(self) -> str:
        """The path of the interview for the company; the candidate's has a prefix."""
        return f"/interviews/{self.interview_id}"

    def live(self) -> None:
        """Act up to six times, and check the briefing before each action and at the end."""
        for _ in range(self.dice.randrange(1, 7)):
            allowed = self.check()
            if self.dice.random() < 0.5:
                self._act_as_company()
            elif allowed:
                self.act(self.dice.choice(allowed), 200)
        self.check()

    def check(self) -> list[str]:
        """Compare the briefing with the company's view, and what it does not allow with the routes; return the rest."""
        briefing = self.candidate.ok("GET", f"/candidate{self.path}/briefing")
        seen = self.us.ok("GET", self.path)
        end = parse_instant(seen["scheduledDate"]) + timedelta(minutes=seen["durationMinutes"])
        assert briefing["endsAt"] == format_instant(end)
        assert briefing["notAnswered"] == (seen["status"] == "en_attente" and end <= now())
        assert briefing["rescheduleRequest"] == seen["rescheduleRequest"]
        for action in ROUTES.keys() - set(briefing["allowedActions"]):
            self.act(action, 400)
        if "calendar" in briefing["allowedActions"]:
            self.act("calendar", 200)
        return list(briefing["allowedActions"])

    def act(self, action: str, status: int) -> None:
        """Try the action and check that its route answers with this status."""
        method, route = ROUTES[action]
        response = self.candidate.call(method, f"/candidate{self.path}/{route}", {} if method == "PUT" else None)
        assert response.status_code == status, (action, response.text)
        self.checked += 1

    def _act_as_company(self) -> None:
        move = self.dice.choice([*COMPANY_MOVES, "update", "pass"])
        if move == "pass":  # the interview is over, or has begun
            self._begin_at(in_days(0) - timedelta(minutes=self.dice.choice([30, 90])))
        elif move == "update":
            start = parse_instant(self.us.ok("GET", self.path)["scheduledDate"])
            self.us.call("PUT", f"{self.path}/reschedule", local(start) | {"notes": str(self.dice.random())})
        else:
            body = COMPANY_MOVES[move] or (local(in_days(self.dice.uniform(1, 900))) if move == "reschedule" else {})
            self.us.call("PUT", f"{self.path}/{move}", body)

    def _begin_at(self, start: datetime) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(update(Interview).where(Interview.id == self.interview_id).values(starts_at=start))
            invalidate_all_caches(connection)


@pytest.mark.proof
def test_allowed_actions_are_what_the_routes_do(people: People, database: Database) -> None:
    lives, dice, us = figure(sample=25, full=500), random.Random(17), people.us
    checked = 0
    with proof("random lives and their allowed actions", database.engine.dialect.name, lives) as proof_row:
        for number in range(lives):
            body = invitation(people.us_application_id, 1000 + number)
            interview_id = us.ok("POST", "/interviews/schedule", body)["interviewId"]
            life = RandomLife(us, people.candidate, dice, database, interview_id)
            life.live()
            checked += life.checked
            us.call("PUT", f"{life.path}/cancel", {"cancellationReason": "next"})
        proof_row.result = f"{checked} answers as the briefing said"
    assert checked > 2 * lives
