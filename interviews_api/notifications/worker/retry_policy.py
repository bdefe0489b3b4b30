"""Retry policy: which deliveries are still to be sent, and the backoff after a failed attempt."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interviews_api.accounts.models import Approval, MailKind
from interviews_api.config.limits import MUTED_CANCELLATIONS
from interviews_api.events.models import EventType
from interviews_api.interviews.models import InterviewStatus
from interviews_api.notifications.channels.delivery_errors import Obsolete
from interviews_api.notifications.models import Channel

FIRST_BACKOFF = timedelta(seconds=25)
LONGEST_BACKOFF = timedelta(hours=4)
_SENT_IF_ACCEPTED = (EventType.RESCHEDULED, EventType.REMINDER)
_REQUIRED_STATUS = {EventType.REMINDER: InterviewStatus.CONFIRMED, EventType.NUDGE: InterviewStatus.PENDING}

_FOR_ANY_ADDRESS = (MailKind.VERIFICATION, MailKind.PASSWORD_CHANGED, MailKind.INVITATION)


def backoff(attempts: int) -> timedelta:
    """Return the pause before the next attempt: threefold each time, from 25 seconds to four hours.

    Random jitter takes off up to half of it, so that deliveries that failed together do not return together.
    """
    longest: timedelta = min(FIRST_BACKOFF * 3 ** min(attempts - 1, 10), LONGEST_BACKOFF)
    return longest * random.uniform(0.5, 1)  # noqa: S311  # no secret


def raise_if_obsolete(context: Mapping[Any, Any], now: datetime) -> None:
    """Raise Obsolete when the recipient should no longer get the delivery.

    A password reset is obsolete once it expired or was used, an account mail once it expired, a mail about a disabled
    webhook once that is deleted or enabled. E-mail and push are obsolete once the interview has a later revision.
    Reminders and nudges are also obsolete once its status changed or it began; while the company is suspended, all but
    cancellations are. A mail that a limit has held back is obsolete once there is a newer mail about the interview and,
    unless it is a cancellation, once the interview has begun. Of a company that the candidate has muted only
    cancellations go out, up to a limit, and news of interviews that the candidate has confirmed. Webhooks get all
    events.
    """
    _raise_if_muted(context)
    if context["reset_id"] is not None:
        expires_at = context["reset_expires_at"]
        if expires_at is None or expires_at <= now:
            raise Obsolete("the request has expired or was used")
        return
    if context["account_mail_id"] is not None:
        _raise_if_account_mail_is_over(context, now)
        return
    if context["webhook_id"] is not None:
        if context["webhook_disabled_at"] is None:
            raise Obsolete("the webhook was deleted or enabled since")
        return
    if context["channel"] == Channel.WEBHOOK:
        return
    if context["company_approval"] == Approval.SUSPENDED and context["event_type"] != EventType.CANCELLED:
        raise Obsolete("the company is suspended")
    if context["event_revision"] != context["revision"]:
        raise Obsolete("the interview has been moved or called off since")
    if context["held_at"] is not None:
        _raise_if_held_too_long(context, now)
    required_status = _REQUIRED_STATUS.get(context["event_type"])
    if required_status is None:
        return
    if context["status"] != required_status:
        raise Obsolete("the interview is no longer waiting for that")
    if context["starts_at"] <= now:
        raise Obsolete("the interview has begun")


def _raise_if_muted(context: Mapping[Any, Any]) -> None:
    """Raise Obsolete without a reason, because the company reads the reasons in its notices."""
    if not context["is_muted"]:
        return
    is_cancellation = context["event_type"] == EventType.CANCELLED
    if is_cancellation and context["other_cancellations"] < MUTED_CANCELLATIONS:
        return
    if context["event_type"] in _SENT_IF_ACCEPTED and context["accepted_at"] is not None:
        return
    raise Obsolete


def raise_if_unverified(context: Mapping[Any, Any], target: Mapping[Any, Any]) -> None:
    """Raise Obsolete if the target's user never proved the address, unless the delivery is a mail that may prove it.

    Mails about passwords go to any address, as the invitation of a colleague does.
    """
    is_for_any_address = context["reset_id"] is not None or context["mail_kind"] in _FOR_ANY_ADDRESS
    if target["is_unverified"] and not is_for_any_address:
        raise Obsolete("the address is not verified")


def _raise_if_account_mail_is_over(context: Mapping[Any, Any], now: datetime) -> None:
    if context["mail_expires_at"] is None or context["mail_expires_at"] <= now:
        raise Obsolete("the mail has expired")
    if context["mail_kind"] == MailKind.INVITATION and context["invitation_id"] is None:
        raise Obsolete("the invitation was used or withdrawn")
    if context["mail_kind"] == MailKind.VERIFICATION and context["verification_id"] is None:
        raise Obsolete("the address was verified, or registered again")


def _raise_if_held_too_long(context: Mapping[Any, Any], now: datetime) -> None:
    if context["is_superseded"] and not context["is_muted"]:  # the newer mail of a muted company may not go out
        raise Obsolete("a newer mail about the interview has taken its place")
    if context["starts_at"] <= now and context["event_type"] != EventType.CANCELLED:
        raise Obsolete("the interview has begun")
