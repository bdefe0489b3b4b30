"""Web Push: a message encrypted for one browser (RFC 8291), posted to its push service (RFC 8030) with VAPID."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import http_ece
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from sqlalchemy import RowMapping

from interviews_api.clock import format_instant, now
from interviews_api.crypto.vapid import authorization, from_base64url
from interviews_api.events.models import EventType
from interviews_api.notifications.channels.https_client import HttpsClient, NoAnswer, UrlRefused
from interviews_api.notifications.delivery_errors import Rejected, RetryLater, TargetGone
from interviews_api.web.bidirectional import isolate
from interviews_api.web.plain_text import in_one_line

_LIFETIME = timedelta(days=1)
_LONGEST_LIFETIME = timedelta(weeks=4)  # of Google's service; others store a message for less
_LAST_HOUR = timedelta(hours=1)
_OCCASIONS = (EventType.REMINDER, EventType.NUDGE)
_INVITATIONS = (EventType.SCHEDULED, EventType.RESCHEDULED)
_GONE = (404, 410)  # RFC 8030, section 7.3
_TITLES = {
    EventType.SCHEDULED: "Interview invitation",
    EventType.RESCHEDULED: "Interview moved",
    EventType.UPDATED: "Interview updated",
    EventType.CONFIRMED: "Interview confirmed",
    EventType.DECLINED: "Interview declined",
    EventType.CANCELLED: "Interview cancelled",
    EventType.COMPLETED: "Interview completed",
    EventType.REMINDER: "Interview coming up",
    EventType.NUDGE: "Please answer an invitation",
}
_CHANGED = "Interview changed"


def check_public_key(p256dh: str) -> None:
    """Raise ValueError unless the text is a public key on P-256, in base64url (RFC 8291, section 3.1)."""
    EllipticCurvePublicKey.from_encoded_point(SECP256R1(), from_base64url(p256dh))


def check_secret(auth: str) -> None:
    """Raise ValueError unless the text is a secret of 16 bytes, in base64url (RFC 8291, section 3.2)."""
    if len(from_base64url(auth)) != 16:
        raise ValueError("not 16 bytes")


def encrypt(text: bytes, p256dh: str, auth: str) -> bytes:
    """Return an aes128gcm record (RFC 8188) that only the browser with these keys can read."""
    record: bytes = http_ece.encrypt(
        text,
        private_key=generate_private_key(SECP256R1()),
        dh=from_base64url(p256dh),
        auth_secret=from_base64url(auth),
        version="aes128gcm",
    )
    return record


def payload(context: Mapping[Any, Any]) -> bytes:
    """Return the JSON for the service worker; short, because push services take 4096 bytes (RFC 8030, section 7.2)."""
    job, company = (isolate(in_one_line(context[name])[:200]) for name in ("job_title", "company_name"))
    return orjson.dumps(
        {
            "id": context["event_id"],
            "event": context["event_type"],
            "title": _title(context),
            "body": f"{job} - {company}",
            "interviewId": context["interview_id"],
            "scheduledDate": format_instant(context["starts_at"]),
            "timeZone": context["time_zone"],
        }
    )


def _title(context: Mapping[Any, Any]) -> str:
    """Return the title, by which a new time differs from other changes that need a new confirmation."""
    if context["event_type"] == EventType.RESCHEDULED and context["previous_starts_at"] is None:
        return _CHANGED
    return _TITLES[context["event_type"]]


def lifetime(context: Mapping[Any, Any], now: datetime) -> timedelta:
    """Return how long the push service keeps the message for a browser that is away.

    A reminder or nudge is kept until the interview begins, anything else for a day, but not past a start that is still
    to come. Once the interview has begun, an invitation is shown at once or never; what became of it is kept for a day.
    """
    event_type = context["event_type"]
    remaining: timedelta = context["starts_at"] - now
    if remaining > timedelta(0):
        return min(remaining, _LONGEST_LIFETIME if event_type in _OCCASIONS else _LIFETIME)
    return timedelta(0) if event_type in (*_OCCASIONS, *_INVITATIONS) else _LIFETIME


def urgency(context: Mapping[Any, Any], now: datetime) -> str:
    """Return `high` for a reminder within the last hour, which is for a device that saves power too (RFC 8030, 5.3)."""
    is_last_hour = context["starts_at"] - now <= _LAST_HOUR
    return "high" if context["event_type"] == EventType.REMINDER and is_last_hour else "normal"


class PushSender:
    """Sender of Web Push.

    Status 2xx is success, 404 and 410 remove the subscription, 413 is a permanent failure, others are retried.
    """

    def __init__(self, https_client: HttpsClient, private_key: EllipticCurvePrivateKey, subject: str) -> None:
        self._https_client = https_client
        self._private_key = private_key
        self._subject = subject

    def __call__(self, subscription: RowMapping, context: RowMapping) -> None:
        """Send the delivery to the subscription; raises DeliveryError."""
        endpoint, present = subscription["endpoint"], now()
        headers = {
            "Authorization": authorization(self._private_key, self._subject, endpoint, present),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Topic": context["key"],
            "TTL": str(int(lifetime(context, present).total_seconds())),
            "Urgency": urgency(context, present),
        }
        body = encrypt(payload(context), subscription["p256dh"], subscription["auth"])
        try:
            status = self._https_client.post(endpoint, body, headers)
        except UrlRefused as error:
            raise Rejected(str(error)) from None
        except NoAnswer as error:
            raise RetryLater(f"no answer: {error}") from None
        if status in _GONE:
            raise TargetGone(f"answered {status}: the subscription is gone")
        if status == 413:
            raise Rejected("answered 413: too large")
        if not 200 <= status < 300:
            raise RetryLater(f"answered {status}")
