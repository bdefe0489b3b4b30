"""Obsolescence: when the recipient should no longer get a delivery."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from interviews_api.accounts.models import Approval
from interviews_api.config.limits import MUTED_CANCELLATIONS
from interviews_api.events.models import EventType
from interviews_api.interviews.models import InterviewStatus
from interviews_api.interviews.scheduling import ends_at
from interviews_api.notifications.delivery_errors import Obsolete
from interviews_api.notifications.models import Channel

Context = Mapping[Any, Any]
Check = Callable[[Context, datetime], None]
"""Raises Obsolete for the context of a delivery at that time (UTC)."""

_SENT_IF_ACCEPTED = (EventType.RESCHEDULED, EventType.UPDATED, EventType.REMINDER)
_REQUIRED_STATUS = {EventType.REMINDER: InterviewStatus.CONFIRMED, EventType.NUDGE: InterviewStatus.PENDING}


def raise_if_muted(context: Context) -> None:
    """Raise Obsolete for a delivery of a company that the candidate has muted, with these exceptions.

    - A cancellation goes out, up to MUTED_CANCELLATIONS a day.
    - A new time, update or reminder of an interview that the candidate once confirmed goes out.

    The error has no reason, because the company reads reasons in its notices.
    """
    if not context["is_muted"]:
        return
    is_cancellation = context["event_type"] == EventType.CANCELLED
    if is_cancellation and context["other_cancellations"] < MUTED_CANCELLATIONS:
        return
    if context["event_type"] in _SENT_IF_ACCEPTED and context["accepted_at"] is not None:
        return
    raise Obsolete


def raise_if_event_is_obsolete(context: Context, now: datetime) -> None:
    """Raise Obsolete for the event of an interview; a webhook gets all events.

    - While the company is suspended, only a cancellation goes out.
    - An event of an earlier revision of the interview is obsolete, unless only updates followed.
    - A held mail is obsolete once there is a newer one about the interview; an update makes only updates obsolete. The
      newer mail of a muted company does not count, because it may not go out.
    - A held mail other than a cancellation is obsolete once the interview has begun.
    - A reminder or nudge is obsolete once the interview has another status or has begun.
    - A nudge is obsolete while the candidate's request for another time stands.
    """
    if context["channel"] == Channel.WEBHOOK:
        return
    if context["company_approval"] == Approval.SUSPENDED and context["event_type"] != EventType.CANCELLED:
        raise Obsolete("the company is suspended")
    if context["valid_revision"] != context["revision"]:
        raise Obsolete("the interview has been moved or called off since")
    if context["held_at"] is not None:
        _raise_if_held_mail_is_obsolete(context, now)
    required_status = _REQUIRED_STATUS.get(context["event_type"])
    if required_status is None:
        return
    if context["status"] != required_status:
        raise Obsolete("the interview is no longer waiting for that")
    if context["event_type"] == EventType.NUDGE and context["reschedule_request"]:
        raise Obsolete("the candidate has asked for another time")
    if context["starts_at"] <= now:
        raise Obsolete("the interview has begun")


def raise_if_answer_is_obsolete(context: Context, now: datetime) -> None:
    """Raise Obsolete for an answer of a suspended company, or about an interview that has ended."""
    if context["company_approval"] == Approval.SUSPENDED:
        raise Obsolete("the company is suspended")
    if ends_at(context) <= now:
        raise Obsolete("the interview has ended")


def _raise_if_held_mail_is_obsolete(context: Context, now: datetime) -> None:
    if context["is_superseded"] and not context["is_muted"]:
        raise Obsolete("a newer mail about the interview has taken its place")
    if context["starts_at"] <= now and context["event_type"] != EventType.CANCELLED:
        raise Obsolete("the interview has begun")


def raise_if_invitation_is_over(context: Context, now: datetime) -> None:
    """Raise Obsolete for an invitation that was used or withdrawn, or of a suspended company."""
    raise_if_link_is_over("the invitation was used or withdrawn")(context, now)
    if context["company_approval"] == Approval.SUSPENDED:
        raise Obsolete("the company is suspended")


def raise_if_webhook_is_deleted(context: Context, _now: datetime) -> None:
    """Raise Obsolete for the mail about a disabled webhook that was deleted since."""
    if context["webhook_disabled_at"] is None:
        raise Obsolete("the webhook was deleted or enabled since")


def raise_if_expired(reason: str) -> Check:
    """Return a check that raises Obsolete with this reason once the reset or account mail has expired or is gone."""

    def check(context: Context, now: datetime) -> None:
        if context["expires_at"] is None or context["expires_at"] <= now:
            raise Obsolete(reason)

    return check


def raise_if_link_is_over(reason: str) -> Check:
    """Return a check that raises Obsolete once the mail has expired, or with this reason once its link is over."""
    raise_if_mail_expired = raise_if_expired("the mail has expired")

    def check(context: Context, now: datetime) -> None:
        raise_if_mail_expired(context, now)
        if context["link_id"] is None:
            raise Obsolete(reason)

    return check
