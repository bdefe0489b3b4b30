"""What is decided when something is about to be sent: whether it still stands, and when to try again."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interviews_api.events.models import EventType
from interviews_api.interviews.models import InterviewStatus
from interviews_api.notifications.channels.delivery_errors import Obsolete
from interviews_api.notifications.models import Channel

FIRST_BACKOFF = timedelta(seconds=25)
LONGEST_BACKOFF = timedelta(hours=4)
_NEEDED_STATUS = {EventType.REMINDER: InterviewStatus.CONFIRMED, EventType.NUDGE: InterviewStatus.PENDING}


def backoff(attempts: int) -> timedelta:
    """Growing threefold from 25 seconds to four hours, less up to half of it by chance: not all come at once."""
    longest: timedelta = min(FIRST_BACKOFF * 3 ** min(attempts - 1, 10), LONGEST_BACKOFF)
    return longest * random.uniform(0.5, 1)  # noqa: S311  # no secret


def raise_if_obsolete(about: Mapping[Any, Any], now: datetime) -> None:
    """Raise Suppressed when people should no longer be told; webhooks are told of everything."""
    if about["reset_id"] is not None:
        expires_at = about["reset_expires_at"]
        if expires_at is None or expires_at <= now:
            raise Obsolete("the request has expired or was used")
        return
    if about["channel"] == Channel.WEBHOOK:
        return
    if about["event_revision"] != about["revision"]:
        raise Obsolete("the interview has been moved or called off since")
    needed = _NEEDED_STATUS.get(about["event_type"])
    if needed is None:
        return
    if about["status"] != needed:
        raise Obsolete("the interview is no longer waiting for that")
    if about["starts_at"] <= now:
        raise Obsolete("the interview has begun")
