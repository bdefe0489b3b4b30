"""Access tokens: how they are made, what must be in them, and the decorators that let a request through.

RFC 8725 in short: one algorithm, every claim required, each token good for one purpose. flask-jwt-extended makes
the tokens; they are read with PyJWT itself, which can be told to require claims (ADR 0005).
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NamedTuple

import jwt
from flask import Flask, Response, current_app, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

from interviews_api.accounts.identity_provider import has_identity_provider, is_for_provider, read_provider_token
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.cache import LRUCache
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.errors import Forbidden, InputRefused, Unauthorized
from interviews_api.ids import is_id
from interviews_api.web.error_responses import error_response

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "interviews-api"
REQUIRED_CLAIMS = ("exp", "iat", "sub", "jti", "sid", "type", "role", "iss", "aud")

View = Callable[..., Any]


class Verified(NamedTuple):
    """An access token whose signature and claims are good, and the Unix seconds between which it is."""

    viewer: Viewer
    begins: float
    ends: float


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
    app.extensions["verified_tokens"] = LRUCache[Verified](settings.verified_tokens)
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


def issue_access_token(viewer: Viewer, expires_at: datetime | None = None) -> str:
    """A token that opens the routes of that role, by default for ACCESS_TOKEN_MINUTES, while the session lasts."""
    claims = {"role": viewer.role, "sid": viewer.session_id} | ({"exp": expires_at} if expires_at else {})
    token: str = create_access_token(viewer.user_id, additional_claims=claims)
    return token


def issue_refresh_token(viewer: Viewer, refresh_id: str, expires_at: datetime) -> str:
    """A token that opens nothing but the refresh, once, until the session's end."""
    claims = {"role": viewer.role, "sid": viewer.session_id, "jti": refresh_id, "exp": expires_at}
    token: str = create_refresh_token(viewer.user_id, additional_claims=claims)
    return token


def read_access_token(token: str) -> Viewer:
    """Whom this access token names; raises Unauthorized for whatever is wrong with it."""
    if has_identity_provider():
        _check_spelling(token)
        if is_for_provider(token):
            return read_provider_token(token)
    known: LRUCache[Verified] = current_app.extensions["verified_tokens"]
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()  # no token lies in memory
    verified = known.get(digest)
    if verified is None:
        verified = _verify_access_token(token)
        known.put(digest, verified)
    if not verified.begins <= time.time() < verified.ends:
        raise Unauthorized
    return verified.viewer


def token_end(token: str) -> datetime:
    """When a token that `read_access_token` has read ends."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return datetime.fromtimestamp(claims["exp"], UTC)


def read_refresh_token(token: str) -> tuple[Viewer, str]:
    """Whom this refresh token names, and its own id; raises Unauthorized for whatever is wrong with it."""
    _check_spelling(token)
    claims = _read(token, "refresh")
    if not is_id(claims["jti"]):
        raise Unauthorized
    return _viewer(claims), claims["jti"]


def _verify_access_token(token: str) -> Verified:
    """What does not change with time, so that it may be remembered; raises Unauthorized, which is not."""
    _check_spelling(token)
    claims = _read(token, "access")
    return Verified(_viewer(claims), max(claims["iat"], claims.get("nbf", 0)), claims["exp"])


def _read(token: str, purpose: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            current_app.config["JWT_SECRET_KEY"],
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": list(REQUIRED_CLAIMS)},
        )
    except jwt.PyJWTError:
        raise Unauthorized from None
    if claims["type"] != purpose:
        raise Unauthorized
    return claims


def _check_spelling(token: str) -> None:
    """One token has one spelling: PyJWT looks at spare bits itself, but takes the padding that RFC 7515 leaves out."""
    if "=" in token:
        raise Unauthorized


def _viewer(claims: Mapping[str, Any]) -> Viewer:
    if not is_id(claims["sub"]) or not is_id(claims["sid"]) or claims["role"] not in tuple(Role):
        raise Unauthorized
    if claims["role"] == Role.CANDIDATE and has_identity_provider():
        raise Unauthorized
    return Viewer(claims["sub"], Role(claims["role"]), claims["sid"])


def _bearer_token() -> str:
    given: str = request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = given.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer":  # RFC 9110, section 11.1: schemes know no letter case
        raise Unauthorized
    return token


def _check_user(viewer: Viewer) -> None:
    with read_connection() as connection:
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


def refresh_token_required(view: View) -> View:
    """Pass the view the Viewer whom the request's refresh token names, and that token's id. 401 without one."""

    @wraps(view)
    def guarded() -> Any:
        viewer, refresh_id = read_refresh_token(_bearer_token())
        try:
            return view(viewer, refresh_id)
        except InputRefused:
            _check_user(viewer)
            raise

    guarded.role = "any"  # type: ignore[attr-defined]
    guarded.security_scheme = "refreshToken"  # type: ignore[attr-defined]
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
