"""The beginning of a session: its row, its tokens, and the response that carries them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from interviews_api.accounts.account_limits import client_address_hash
from interviews_api.accounts.audit import record_sign_in
from interviews_api.accounts.client_addresses import client_address
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.repository import SessionRepository
from interviews_api.accounts.tokens import issue_access_token, issue_refresh_token
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.services import service


def begin_session(connection: Connection, user: Mapping[Any, Any]) -> dict[str, Any]:
    """Begin a session and return its tokens."""
    expires_at = now() + service(Settings).refresh_token_lifetime
    session_id, refresh_id = SessionRepository(connection).begin(
        user["id"], now=now(), expires_at=expires_at, client_address_hash=client_address_hash(client_address())
    )
    record_sign_in(connection, user["id"])
    viewer = Viewer(user["id"], user["role"], session_id)
    return issue_tokens(user, viewer, refresh_id, expires_at)


def issue_tokens(user: Mapping[Any, Any], viewer: Viewer, refresh_id: str, session_end: datetime) -> dict[str, Any]:
    """Issue the session's tokens; no token outlives the session."""
    viewer = replace(viewer, is_verified=user["email_verified"])
    present = now()  # read once, or expires_in would differ from the token's lifetime
    access_end = min(present + service(Settings).access_token_lifetime, session_end)
    return {
        "access_token": issue_access_token(viewer, access_end),
        "refresh_token": issue_refresh_token(viewer, refresh_id, session_end),
        "token_type": "Bearer",
        "expires_in": int((access_end - present).total_seconds()),
        "user": user,
    }
