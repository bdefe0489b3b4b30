"""The blueprint `auth`: signing in, and who one is."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, current_app
from marshmallow import Schema

from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.passwords import is_password
from interviews_api.accounts.repository import SessionRepository, UserRepository
from interviews_api.accounts.schemas import CandidateMe, CandidateSession, CompanyMe, CompanySession, Credentials
from interviews_api.accounts.tokens import issue_access_token, issue_refresh_token, user_required
from interviews_api.clock import now
from interviews_api.db import reading, transaction
from interviews_api.errors import Unauthorized
from interviews_api.operation import operation

blueprint = Blueprint("auth", __name__, url_prefix="/auth")

_SESSION: dict[str, Schema] = {Role.CANDIDATE: CandidateSession(), Role.COMPANY: CompanySession()}
_ME: dict[str, Schema] = {Role.CANDIDATE: CandidateMe(), Role.COMPANY: CompanyMe()}


@blueprint.post("/login")
@operation(
    "Logged in successfully",
    CandidateSession,
    CompanySession,
    body=Credentials,
    errors={401: "Invalid email or password"},
    headers={"Cache-Control": "no-store"},
)
def log_in(email: str, password: str) -> tuple[Schema, dict[str, Any]]:
    """Sign in with e-mail address and password."""
    with reading() as connection:
        user = UserRepository(connection).find_by_email(email)
    if not is_password(user["password_hash"] if user else None, password) or user is None:
        raise Unauthorized("Invalid email or password")
    return _sign_in(user)


@blueprint.get("/me")
@user_required
@operation("User retrieved successfully", CandidateMe, CompanyMe)
def show_me(viewer: Viewer) -> tuple[Schema, dict[str, Any]]:
    """Who the token says one is."""
    with reading() as connection:
        user = UserRepository(connection).get(viewer)
    return _ME[user["role"]], {"user": user}


def _sign_in(user: Mapping[Any, Any]) -> tuple[Schema, dict[str, Any]]:
    """A session of its own, and its tokens."""
    settings = current_app.extensions["settings"]
    expires_at = now() + settings.refresh_token_lifetime
    with transaction() as connection:
        session_id, refresh_id = SessionRepository(connection).begin(user["id"], now=now(), expires_at=expires_at)
    viewer = Viewer(user["id"], user["role"], session_id)
    return _SESSION[user["role"]], {
        "access_token": issue_access_token(viewer),
        "refresh_token": issue_refresh_token(viewer, refresh_id, expires_at),
        "token_type": "Bearer",
        "expires_in": int(settings.access_token_lifetime.total_seconds()),
        "user": user,
    }
