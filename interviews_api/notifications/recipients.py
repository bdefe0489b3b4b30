"""Recipients of each event type by channel; docs/notifications.md has the whole table."""

from interviews_api.events.models import EventType

SENT_TO_CANDIDATE = frozenset(EventType) - {EventType.RESCHEDULE_REQUESTED}
"""Event types for the candidate, by e-mail and Web Push."""

SENT_TO_COMPANY = frozenset({EventType.CONFIRMED, EventType.DECLINED, EventType.RESCHEDULE_REQUESTED})
"""Event types for each user of the company, by e-mail."""
