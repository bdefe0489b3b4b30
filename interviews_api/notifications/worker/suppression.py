"""Suppression: the rules by which a claimed delivery is not sent. `obsolescence.py` has those of the context alone."""

from datetime import datetime

from sqlalchemy import RowMapping

from interviews_api.accounts.email_verification import is_verification_required
from interviews_api.accounts.identity_provider import has_identity_provider
from interviews_api.accounts.models import Role
from interviews_api.notifications.delivery_errors import Obsolete
from interviews_api.notifications.delivery_kinds import KINDS
from interviews_api.notifications.models import DeliveryKind
from interviews_api.notifications.obsolescence import Context, raise_if_muted


def unsuppressed_target(context: Context, target: RowMapping | None, now: datetime) -> RowMapping:
    """Return the target; raises Obsolete when the target is gone or a rule suppresses the delivery."""
    raise_if_obsolete(context, now)
    if target is None:
        raise Obsolete("the recipient is no longer there")
    if is_verification_required():
        _raise_if_unverified(context, target)
    if has_identity_provider():
        _raise_if_without_password(context, target)
    return target


def raise_if_obsolete(context: Context, now: datetime) -> None:
    """Raise Obsolete when no recipient should get the delivery any more; `obsolescence.py` has the rules."""
    raise_if_muted(context)
    KINDS[context["kind"]].raise_if_over(context, now)


def _raise_if_unverified(context: Context, target: RowMapping) -> None:
    """Raise Obsolete when the address of the target's user, or of an invitation's inviter, is not verified.

    Verifications, invitations and mails about passwords go to any address. An unverified inviter may have registered
    another person's address, to be let in again by the invited account.
    """
    if context["is_inviter_unverified"]:
        raise Obsolete("the address of the inviter is not verified")
    if target["is_unverified"] and not KINDS[context["kind"]].is_for_any_address:
        raise Obsolete("the address is not verified")


def _raise_if_without_password(context: Context, target: RowMapping) -> None:
    """Raise Obsolete for the reset of a candidate, whose password is at the identity provider."""
    if context["kind"] == DeliveryKind.PASSWORD_RESET and target["role"] == Role.CANDIDATE:
        raise Obsolete("candidates sign in with the identity provider")
