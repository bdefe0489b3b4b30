"""Rescheduling: which changes need a new confirmation, which are an update, and which are internal."""

from collections.abc import Mapping
from typing import Any

from interviews_api.interviews.state_machine import RESCHEDULE, UPDATE, Transition

APPOINTMENT_COLUMNS = ("starts_at", "time_zone", "duration_minutes", "type", "location")
"""Columns of an interview that a confirmation is about."""

UPDATED_COLUMNS = ("meeting_link", "notes", "internal_notes")
"""Columns that change without a new confirmation."""

_INTERNAL = "internal_notes"
RESCHEDULED_COLUMNS = (*APPOINTMENT_COLUMNS, *UPDATED_COLUMNS)
"""All columns that a reschedule may change."""


def changed_columns(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[str]:
    """Return the names of the columns that a reschedule changes. An empty text is none: a form sends it for null."""
    return [name for name in RESCHEDULED_COLUMNS if (before[name] or None) != (after[name] or None)]


def visible_columns(changed: list[str]) -> list[str]:
    """Return those of the changed columns that the candidate sees."""
    return [name for name in changed if name != _INTERNAL]


def transition_of(changed: list[str]) -> Transition | None:
    """Return the transition that changes these columns: None if the candidate sees none of them."""
    if not visible_columns(changed):
        return None
    return RESCHEDULE if any(name in APPOINTMENT_COLUMNS for name in changed) else UPDATE
