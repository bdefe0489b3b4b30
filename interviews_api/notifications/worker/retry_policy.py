"""Retry policy: which deliveries are still to be sent, and the backoff after a failed attempt."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interviews_api.accounts.models import Role
from interviews_api.notifications.delivery_errors import Obsolete
from interviews_api.notifications.delivery_kinds import KINDS
from interviews_api.notifications.models import DeliveryKind
from interviews_api.notifications.obsolescence import raise_if_muted

FIRST_BACKOFF = timedelta(seconds=25)
LONGEST_BACKOFF = timedelta(hours=4)


def backoff(attempts: int) -> timedelta:
    """Return the pause before the next attempt: threefold each time, from 25 seconds to four hours.

    Random jitter takes off up to half of it, so that deliveries that failed together do not return together.
    """
    longest: timedelta = min(FIRST_BACKOFF * 3 ** min(attempts - 1, 10), LONGEST_BACKOFF)
    return longest * random.uniform(0.5, 1)  # noqa: S311  # no secret


def raise_if_obsolete(context: Mapping[Any, Any], now: datetime) -> None:
    """Raise Obsolete when the recipient should no longer get the delivery; `obsolescence.py` has the rules."""
    raise_if_muted(context)
    KINDS[context["kind"]].raise_if_over(context, now)


def raise_if_unverified(context: Mapping[Any, Any], target: Mapping[Any, Any]) -> None:
    """Raise Obsolete if the target's user never proved the address, or for an invitation if its inviter did not.

    Verifications, invitations and mails about passwords go to any address. An inviter that nobody has verified may have
    registered another person's address, to be let in again by the invited account.
    """
    if context["is_inviter_unverified"]:
        raise Obsolete("the address of the inviter is not verified")
    if target["is_unverified"] and not KINDS[context["kind"]].is_for_any_address:
        raise Obsolete("the address is not verified")


def raise_if_without_password(context: Mapping[Any, Any], target: Mapping[Any, Any]) -> None:
    """Raise Obsolete for the reset of a candidate, whose password is at the identity provider."""
    if context["kind"] == DeliveryKind.PASSWORD_RESET and target["role"] == Role.CANDIDATE:
        raise Obsolete("candidates sign in with the identity provider")
