"""Sign-in: the check of the password, and the beginning of a session with its row and its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from interviews_api.accounts.account_limits import AccountRequest, client_address_hash, count_successful_login
from interviews_api.accounts.audit import record_sign_in
from interviews_api.accounts.client_addresses import client_address
from interviews_api.accounts.errors import WrongCredentials
from interviews_api.accounts.identity_provider import refuse_candidates_of_provider
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.passwords import find_hashed_text, hash_password, is_password, normal_form
from interviews_api.accounts.rate_limits import CountedAttempt
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.session_repository import Refresh, SessionRepository
from interviews_api.accounts.tokens import issue_access_token, issue_refresh_token
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.services import service


@dataclass(frozen=True)
class VerifiedUser:
    """A user whose password was right.

    `renewed_hash` is to be stored if the hash is of the password as typed and not of its normal form.
    """

    user: Mapping[Any, Any]
    password: str
    renewed_hash: str | None


def verify_credentials(user: Mapping[Any, Any] | None, password: str) -> VerifiedUser:
    """Return the user; raises WrongCredentials, or CandidatesSignInElsewhere.

    A failure takes the same time without a user.
    """
    hashed_text = find_hashed_text(user["password_hash"] if user else None, password)
    if hashed_text is None or user is None:
        raise WrongCredentials
    if user["role"] == Role.CANDIDATE:
        refuse_candidates_of_provider()
    is_renewed = hashed_text != normal_form(password)
    return VerifiedUser(user, password, hash_password(password) if is_renewed else None)


def sign_in(
    connection: Connection, account: AccountRequest, verified: VerifiedUser, attempt: CountedAttempt
) -> dict[str, Any]:
    """Begin the session of a user whose password was right, and give the attempt back.

    Raises WrongCredentials, or TooManyRequests over the limit of successful sign-ins.
    """
    _lock_unless_password_changed(UserRepository(connection), verified)
    count_successful_login(account)
    attempt.give_back()
    return begin_session(connection, verified.user)


def _lock_unless_password_changed(users: UserRepository, verified: VerifiedUser) -> None:
    """Share the user's row, or lock it and renew the hash; raises WrongCredentials if the password has changed.

    A hash that is another one is verified, because a simultaneous sign-in may have renewed it.
    """
    user = verified.user
    if verified.renewed_hash:
        users.lock_user(user["id"])
    current = users.share_user(user["id"])
    if current is None:
        raise WrongCredentials
    is_unchanged = current["password_hash"] == user["password_hash"]
    if not is_unchanged and not is_password(current["password_hash"], verified.password):
        raise WrongCredentials
    if verified.renewed_hash:
        users.change_password(user["id"], user["password_hash"], verified.renewed_hash)


def begin_session(connection: Connection, user: Mapping[Any, Any]) -> dict[str, Any]:
    """Begin a session, record the sign-in, and return the response with its tokens."""
    began = now()
    expires_at = began + service(Settings).refresh_token_lifetime
    session_id, refresh_id = SessionRepository(connection).begin(
        user["id"], now=began, expires_at=expires_at, client_address_hash=client_address_hash(client_address())
    )
    record_sign_in(connection, user["id"])
    viewer = Viewer(user["id"], user["role"], session_id)
    return issue_tokens(user, viewer, Refresh(refresh_id, began, expires_at))


def issue_tokens(user: Mapping[Any, Any], viewer: Viewer, refresh: Refresh) -> dict[str, Any]:
    """Issue the session's tokens; no token outlives the session. Equal refreshes have equal refresh tokens."""
    viewer = replace(viewer, is_verified=user["email_verified"])
    present = now()  # read once, or expires_in would differ from the token's lifetime
    access_end = min(present + service(Settings).access_token_lifetime, refresh.session_end)
    return {
        "access_token": issue_access_token(viewer, access_end),
        "refresh_token": issue_refresh_token(
            viewer, refresh.refresh_id, refresh.session_end, issued_at=refresh.issued_at
        ),
        "token_type": "Bearer",
        "expires_in": int((access_end - present).total_seconds()),
        "user": user,
    }
