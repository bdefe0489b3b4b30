"""Access tokens: how they are made, what must be in them, and the decorators that let a request through.

RFC 8725 in short: one algorithm, every claim required, each token good for one purpose. flask-jwt-extended makes
the tokens; they are read with PyJWT itself, which can be told to require claims (ADR 0005).
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import jwt
from flask import Flask, Response, current_app, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.config import Settings
from interviews_api.db import reading
from interviews_api.errors import Forbidden, InputRefused, Unauthorized
from interviews_api.http import error_response
from interviews_api.ids import is_id

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "interviews-api"
REQUIRED_CLAIMS = ("exp", "iat", "sub", "jti", "sid", "type", "role", "iss", "aud")

View = Callable[..., Any]


def init_app(app: Flask, settings: Settings) -> None:
    """Set flask-jwt-extended up; whatever it refuses is answered with the seed's 401."""
    app.config |= {
        "JWT_SECRET_KEY": settings.jwt_secret_key,
        "JWT_ALGORITHM": ALGORITHM,
        "JWT_DECODE_ALGORITHMS": [ALGORITHM],
        "JWT_ENCODE_ISSUER": ISSUER,
        "JWT_DECODE_ISSUER": ISSUER,
        "JWT_ENCODE_AUDIENCE": AUDIENCE,
        "JWT_DECODE_AUDIENCE": AUDIENCE,
        "JWT_ACCESS_TOKEN_EXPIRES": settings.access_token_lifetime,
        "JWT_REFRESH_TOKEN_EXPIRES": settings.refresh_token_lifetime,
        "JWT_TOKEN_LOCATION": ["headers"],
    }
    manager = JWTManager(app)
    for set_loader in (
        manager.unauthorized_loader,
        manager.invalid_token_loader,
        manager.expired_token_loader,
        manager.revoked_token_loader,
        manager.needs_fresh_token_loader,
        manager.user_lookup_error_loader,
        manager.token_verification_failed_loader,
    ):
        set_loader(_refuse)


def _refuse(*_reasons: object) -> Response:
    return error_response(Unauthorized.status, "Unauthorized")


def issue_access_token(viewer: Viewer) -> str:
    """A token that opens the routes of that role for ACCESS_TOKEN_MINUTES, as long as the session lasts."""
    token: str = create_access_token(viewer.user_id, additional_claims={"role": viewer.role, "sid": viewer.session_id})
    return token


def issue_refresh_token(viewer: Viewer, refresh_id: str, expires_at: datetime) -> str:
    """A token that opens nothing but the refresh, once, until the session's end."""
    token: str = create_refresh_token(
        viewer.user_id,
        additional_claims={"role": viewer.role, "sid": viewer.session_id, "jti": refresh_id, "exp": expires_at},
    )
    return token


def read_access_token(token: str) -> Viewer:
    """Whom this access token names; raises Unauthorized for whatever is wrong with it."""
    try:
        claims = jwt.decode(
            token,
            current_app.config["JWT_SECRET_KEY"],
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": list(REQUIRED_CLAIMS)},
        )
    except jwt.PyJWTError:
        raise Unauthorized from None
    is_ours = is_id(claims["sub"]) and is_id(claims["sid"]) and claims["role"] in tuple(Role)
    if claims["type"] != "access" or not is_ours:
        raise Unauthorized
    return Viewer(claims["sub"], Role(claims["role"]), claims["sid"])


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":  # RFC 9110, section 11.1: schemes know no letter case
        raise Unauthorized
    return token.strip()


def _check_user(viewer: Viewer) -> None:
    with reading() as connection:
        UserRepository(connection).get(viewer)


def user_required(view: View) -> View:
    """Pass the view, first, the Viewer that the request's token names. 401 without one.

    The view's own statement says whether that user still exists; when it never gets so far because the input
    is refused, that is asked here, for a 401 comes before a 400.
    """

    @wraps(view)
    def guarded(**path: Any) -> Any:
        viewer = read_access_token(_bearer_token())
        try:
            return view(viewer, **path)
        except InputRefused:
            _check_user(viewer)
            raise

    guarded.role = "any"  # type: ignore[attr-defined]
    return guarded


def _role_required(role: Role) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(viewer: Viewer, **path: Any) -> Any:
            if viewer.role is not role:
                _check_user(viewer)
                raise Forbidden(f"{role.capitalize()} credentials required")
            return view(viewer, **path)

        of_that_role = user_required(guarded)
        of_that_role.role = role.value  # type: ignore[attr-defined]
        return of_that_role

    return decorate


candidate_required = _role_required(Role.CANDIDATE)
"""Pass the view, first, the Viewer that the request's token names; 403 unless it is a candidate."""

company_required = _role_required(Role.COMPANY)
"""Pass the view, first, the Viewer that the request's token names; 403 unless it acts for a company."""
