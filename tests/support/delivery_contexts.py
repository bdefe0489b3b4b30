"""Contexts of deliveries, as a sender gets them, without a database."""

from datetime import UTC, datetime
from typing import Any

DETAILS = ("company", "person", "change", "by", "webhooks")


def delivery_context(event: str | None, text: str) -> dict[str, Any]:
    """Return the context of this event type, account mail or (None) password reset, with the text in each field."""
    mail_kind = event.removeprefix("account_") if event and event.startswith("account_") else None
    names = (
        "company_name", "job_title", "first_name", "last_name", "notes", "location", "meeting_link",
        "cancellation_reason", "company_phone", "company_email", "company_address", "candidate_phone",
        "company_answerable_email", "candidate_email",
    )  # fmt: skip
    moments = (
        "event_at", "starts_at", "previous_starts_at", "updated_at", "created_at", "job_updated_at",
        "company_updated_at",
    )  # fmt: skip
    return {
        **dict.fromkeys(names, text), **dict.fromkeys(moments, datetime(2026, 11, 23, 9, tzinfo=UTC)),
        "key": "1", "event_id": 1, "event_type": None if mail_kind else event,
        "kind": mail_kind or ("event" if event else "password_reset"), "link_id": "b" * 24,
        "mail_details": mail_kind and dict.fromkeys(DETAILS, text), "webhook_url": None,
        "is_muted": False, "confirmed_at": None, "cancelled_by": None, "changed_fields": ["starts_at"], "answer": None,
        "interview_id": "a" * 24, "candidate_id": "c" * 24, "revision": 0, "duration_minutes": 60,
        "status": "en_attente", "type": "Video",
        "time_zone": "UTC", "reschedule_request": {"reason": text, "proposed_times": ["2026-11-24T09:00:00.000Z"]},
    }  # fmt: skip
