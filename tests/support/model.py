"""A model of the transitions, written apart from the code that it checks. Clients see the values."""

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
NEED_NEW_YES = {"start", "minutes"}


@dataclass
class Application:
    """An application: its status and the dates that are set."""

    status: str = "en_attente"
    dates: set[str] = field(default_factory=set)
    reason: str | None = None

    def mark_seen(self) -> None:
        """Mark the application as seen by the company."""
        if "dateSeen" not in self.dates and self.status == "en_attente":
            self.status = "vu"
        self.dates.add("dateSeen")


@dataclass
class Interview:
    """An interview with its application and its events."""

    application: Application
    start: datetime
    minutes: int = 60
    notes: str | None = None
    internal_notes: str | None = None
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
        """Schedule the interview."""
        self._scheduled()
        self.events.append(("interview.scheduled", "company"))

    def overlaps(self, start: datetime, minutes: int) -> bool:
        """Return whether it is open and overlaps with this time; an interval excludes its end."""
        ends = start + timedelta(minutes=minutes), self.start + timedelta(minutes=self.minutes)
        return self.status in OPEN and start < ends[1] and self.start < ends[0]

    def is_legal(self, move: str) -> bool:
        """Return whether the status allows the transition."""
        return self.status == "en_attente" if move == "confirm" else self.status in OPEN

    def move(self, move: str, by: str, **details: Any) -> bool:
        """Make the transition and return True, or return False if the status refuses it."""
        if not self.is_legal(move):
            return False
        if move == "reschedule":
            self._reschedule(details)
            return True
        self.request = None
        if move == "confirm":
            self.status, self.is_confirmed = "confirmed", True
            self.application.status, self.application.reason = "confirme", None
            self.application.dates = self.application.dates - {"dateCancelled"} | {"dateConfirmed"}
        elif move in ("decline", "cancel"):
            self.status, self.cancelled_by, self.reason = "annule", by, details["reason"]
            self.revision += 1
            self.application.status, self.application.reason = "annule", details["reason"]
            self.application.dates |= {"dateCancelled"}
        elif move == "complete":
            self.status, self.is_hired = "completed", details.get("is_hired")
            self.feedback, self.is_shared = details.get("feedback"), details.get("is_shared", True)
            if self.is_hired is not None:
                self.application.status = "présélectionné" if self.is_hired else "rejeté"
                self.application.dates, self.application.reason = self.application.dates - {"dateCancelled"}, None
        else:
            self.request = {"reason": details.get("reason")}
        self.events.append((f"interview.{EVENTS[move]}", by))
        return True

    def _reschedule(self, details: dict[str, Any]) -> None:
        """Change these facts: time and duration need a new confirmation, notes an update, internal notes neither."""
        changed = {name for name, value in details.items() if getattr(self, name) != value}
        for name in changed:
            setattr(self, name, details[name])
        if not changed - {"internal_notes"}:
            return
        self.revision += 1
        if changed & NEED_NEW_YES:
            self.status, self.is_confirmed, self.request = "en_attente", False, None
            self._scheduled()
        self.events.append((f"interview.{'rescheduled' if changed & NEED_NEW_YES else 'updated'}", "company"))

    def _scheduled(self) -> None:
        self.application.status, self.application.reason = "entretien_programmer", None
        dates = self.application.dates - {"dateConfirmed", "dateCancelled"}
        self.application.dates = dates | {"dateInterviewScheduled"}

    def copy(self) -> "Interview":
        """Return a deep copy with an application of its own."""
        return deepcopy(self)
