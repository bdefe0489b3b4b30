"""Sign-in by a token of the operator's identity provider, which takes over an account that was never verified."""

from sqlalchemy import RowMapping

from interviews_api.accounts.audit import record
from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.credentials import end_access
from interviews_api.accounts.identity_provider import read_provider_token
from interviews_api.accounts.models import NO_SESSION, Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.unverified_repository import UnverifiedAccountRepository
from interviews_api.clock import now
from interviews_api.db.connections import transaction


def sign_in_by_provider(token: str) -> Viewer:
    """Return the candidate that a valid token of the provider names; raises Unauthorized.

    An account that was never verified is the provider's from then on: all that an unverified owner set up ends.
    """
    candidate, is_vouched_for = read_provider_token(token)
    if not candidate["email_verified"] and (is_vouched_for or _has_password(candidate)):
        _take_over(candidate["id"], is_vouched_for=is_vouched_for)
    return Viewer(candidate["id"], Role.CANDIDATE, NO_SESSION, candidate["email_verified"] or is_vouched_for)


def _take_over(user_id: str, *, is_vouched_for: bool) -> None:
    """Delete the account's password and end all access to it, unless a simultaneous request did.

    The address counts as verified if the provider vouches for it.
    """
    with transaction() as connection:
        accounts = UnverifiedAccountRepository(connection)
        account = accounts.lock(user_id)
        if account is None or not (is_vouched_for or _has_password(account)):
            return
        end_access(connection, user_id)
        accounts.delete_password(account)
        if is_vouched_for:
            UserRepository(connection).verify_email(user_id, now=now())
        record(connection, SecurityEventType.ACCOUNT_CLAIMED, user_id)


def _has_password(account: RowMapping) -> bool:
    return account["password_hash"] is not None
