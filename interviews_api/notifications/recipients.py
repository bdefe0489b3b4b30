"""Who hears of what, by which channel: the contract's table in one place."""

from interviews_api.events.models import EventType

MAILED_TO_CANDIDATE = frozenset(EventType) - {EventType.RESCHEDULE_REQUESTED}
"""By e-mail and by Web Push."""

MAILED_TO_COMPANY = frozenset({EventType.CONFIRMED, EventType.DECLINED, EventType.RESCHEDULE_REQUESTED})
"""To each of its users."""
