"""The contract's moves as a model of a few lines: written from its words, not from the code."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

OPEN = ("en_attente", "confirmed")
REFUSALS = {
    "confirm": "Interview is no longer pending confirmation",
    "decline": "Interview can no longer be declined",
    "request-reschedule": "Interview can no longer be rescheduled",
    "reschedule": "Interview can no longer be rescheduled",
    "cancel": "Interview can no longer be cancelled",
    "complete": "Interview can no longer be completed",
}
EVENTS = {
    "confirm": "confirmed", "decline": "declined", "request-reschedule": "reschedule_requested",
    "reschedule": "rescheduled", "cancel": "cancelled", "complete": "completed",
}  # fmt: skip


@dataclass
class Application:
    """Status and which dates are set."""

    status: str = "en_attente"
    dates: set[str] = field(default_factory=set)
    reason: str | None = None

    def look(self) -> None:
        """The company marks it as seen."""
        if "dateSeen" not in self.dates and self.status == "en_attente":
            self.status = "vu"
        self.dates.add("dateSeen")


@dataclass
class Interview:
    """One interview, its application, and what happened."""

    application: Application
    start: datetime
    minutes: int = 60
    status: str = "en_attente"
    revision: int = 0
    request: dict[str, Any] | None = None
    is_confirmed: bool = False
    cancelled_by: str | None = None
    reason: str | None = None
    is_hired: bool | None = None
    feedback: dict[str, Any] | None = None
    is_shared: bool = True
    events: list[tuple[str, str]] = field(default_factory=list)

    def begin(self) -> None:
        """The invitation goes out."""
        self._scheduled()
        self.events.append(("interview.scheduled", "company"))

    def overlaps(self, start: datetime, minutes: int) -> bool:
        """[start, end), while it is open."""
        ends = start + timedelta(minutes=minutes), self.start + timedelta(minutes=self.minutes)
        return self.status in OPEN and start < ends[1] and self.start < ends[0]

    def is_legal(self, move: str) -> bool:
        """Whether the status allows it."""
        return self.status == "en_attente" if move == "confirm" else self.status in OPEN

    def move(self, move: str, by: str, **said: Any) -> bool:
        """Make it, if it is legal."""
        if not self.is_legal(move):
            return False
        self.request = None
        if move == "confirm":
            self.status, self.is_confirmed = "confirmed", True
            self.application.status, self.application.reason = "confirme", None
            self.application.dates = self.application.dates - {"dateCancelled"} | {"dateConfirmed"}
        elif move in ("decline", "cancel"):
            self.status, self.cancelled_by, self.reason = "annule", by, said["reason"]
            self.revision += 1
            self.application.status, self.application.reason = "annule", said["reason"]
            self.application.dates |= {"dateCancelled"}
        elif move == "complete":
            self.status, self.is_hired = "completed", said.get("is_hired")
            self.feedback, self.is_shared = said.get("feedback"), said.get("is_shared", True)
            if self.is_hired is not None:
                self.application.status = "présélectionné" if self.is_hired else "rejeté"
                self.application.dates, self.application.reason = self.application.dates - {"dateCancelled"}, None
        elif move == "reschedule":
            self.status, self.is_confirmed = "en_attente", False
            self.start, self.minutes = said.get("start", self.start), said.get("minutes", self.minutes)
            self.revision += 1
            self._scheduled()
        else:
            self.request = {"reason": said.get("reason")}
        self.events.append((f"interview.{EVENTS[move]}", by))
        return True

    def _scheduled(self) -> None:
        self.application.status, self.application.reason = "entretien_programmer", None
        kept = self.application.dates - {"dateConfirmed", "dateCancelled"}
        self.application.dates = kept | {"dateInterviewScheduled"}

    def copy(self) -> "Interview":
        """Of its own, application and all."""
        return deepcopy(self)
