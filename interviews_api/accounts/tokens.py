"""Access and refresh tokens, and decorators that require a signed-in viewer.

RFC 8725 in short: one algorithm, every claim required, each token for one purpose. flask-jwt-extended makes and
verifies the tokens. It does not require claims, so `_key_for_complete_claims` refuses a token without all of them
(ADR 5).
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NamedTuple

import jwt
from flask import Flask, Response, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from interviews_api.accounts.identity_provider import has_identity_provider, is_for_provider, read_provider_token
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.cache import LRUCache
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.errors import Forbidden, InputRefused, Unauthorized
from interviews_api.ids import is_id
from interviews_api.services import register_services, service
from interviews_api.web.error_responses import error_response
from interviews_api.web.route_contract import Layer, View, extend_contract

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "interviews-api"
REQUIRED_CLAIMS = ("exp", "iat", "sub", "jti", "sid", "type", "role", "iss", "aud")


class VerifiedToken(NamedTuple):
    """The viewer of an access token with a valid signature and claims, and the Unix times between which it is valid."""

    viewer: Viewer
    begins: float
    ends: float


class VerifiedTokens(LRUCache[VerifiedToken]):
    """The verified tokens of a gunicorn worker by the SHA-256 of their text; no token itself is kept."""


def init_app(app: Flask, settings: Settings) -> None:
    """Set flask-jwt-extended up; every refusal of its own is the 401 of our error shape."""
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
    register_services(app, VerifiedTokens(settings.verified_tokens))
    manager = JWTManager(app)
    manager.decode_key_loader(_key_for_complete_claims)
    # Our routes use `user_required` and the like. The other loaders make flask-jwt-extended's `@jwt_required()` as
    # strict as ours, for a route that an operator adds.
    manager.token_verification_loader(_is_unpadded)
    manager.token_in_blocklist_loader(_is_revoked)
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
    return error_response(Unauthorized.status, Unauthorized.message)


def _key_for_complete_claims(_header: object, claims: Mapping[str, Any]) -> str:
    """Return the key to verify a token with; raises InvalidTokenError for claims that are missing or malformed.

    `claims` are those of the token itself. Later flask-jwt-extended fills in a `type` and a `jti` that are missing.
    """
    for name in REQUIRED_CLAIMS:
        if claims.get(name) is None:
            raise jwt.MissingRequiredClaimError(name)
    if claims["type"] not in ("access", "refresh"):
        raise jwt.InvalidTokenError("type")
    if not all(isinstance(claims.get(name, 0), int | float) for name in ("exp", "iat", "nbf")):  # PyJWT takes "123"
        raise jwt.InvalidTokenError("dates")
    return service(Settings).jwt_secret_key


def _is_unpadded(_header: object, _claims: object) -> bool:
    """Return whether the token of the request's Authorization header has no padding; for `@jwt_required()`."""
    try:
        _refuse_padding(_bearer_token())
    except Unauthorized:
        return False
    return True


def _is_revoked(_header: object, claims: Mapping[str, Any]) -> bool:
    """Return whether `@jwt_required()` must refuse a verified token, because its user or its session is gone."""
    try:
        check_user(_viewer_of(claims))
    except Unauthorized:
        return True
    return False


def issue_access_token(viewer: Viewer, expires_at: datetime | None = None) -> str:
    """Return a token for the routes of the viewer's role, by default for ACCESS_TOKEN_MINUTES."""
    claims = {"role": viewer.role, "sid": viewer.session_id} | ({"exp": expires_at} if expires_at else {})
    token: str = create_access_token(viewer.user_id, additional_claims=claims)
    return token


def issue_refresh_token(viewer: Viewer, refresh_id: str, expires_at: datetime) -> str:
    """Return a token that is good for a single refresh, until the session's end."""
    claims = {"role": viewer.role, "sid": viewer.session_id, "jti": refresh_id, "exp": expires_at}
    token: str = create_refresh_token(viewer.user_id, additional_claims=claims)
    return token


def read_access_token(token: str) -> Viewer:
    """Return the viewer that the access token names; raises Unauthorized for every fault of the token."""
    if has_identity_provider():
        _refuse_padding(token)
        if is_for_provider(token):
            return read_provider_token(token)
    cache = service(VerifiedTokens)
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
    verified = cache.get(digest)
    if verified is None:
        verified = _verify_access_token(token)
        cache.put(digest, verified)
    if not verified.begins <= time.time() < verified.ends:
        raise Unauthorized
    return verified.viewer


def token_end(token: str) -> datetime:
    """Return the expiry (UTC) of a token that `read_access_token` accepted."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return datetime.fromtimestamp(claims["exp"], UTC)


def read_refresh_token(token: str) -> tuple[Viewer, str]:
    """Return the viewer that the refresh token names, and the token's id; raises Unauthorized for every fault."""
    claims = _decode(token, "refresh")
    if not is_id(claims["jti"]):
        raise Unauthorized
    return _viewer_of(claims), claims["jti"]


def _verify_access_token(token: str) -> VerifiedToken:
    """Check signature and claims; the caller checks the time again for cached tokens. Raises Unauthorized."""
    claims = _decode(token, "access")
    return VerifiedToken(_viewer_of(claims), max(claims["iat"], claims.get("nbf", 0)), claims["exp"])


def _decode(token: str, purpose: str) -> Mapping[str, Any]:
    """Return the claims of a token for that purpose, "access" or "refresh"; raises Unauthorized."""
    _refuse_padding(token)
    try:
        claims: Mapping[str, Any] = decode_token(token)
    except (jwt.PyJWTError, JWTExtendedException):
        raise Unauthorized from None
    if claims["type"] != purpose:
        raise Unauthorized
    return claims


def _refuse_padding(token: str) -> None:
    """Refuse a second spelling of the same token: PyJWT accepts the padding that RFC 7515, section 2, leaves out."""
    if "=" in token:
        raise Unauthorized


def _viewer_of(claims: Mapping[str, Any]) -> Viewer:
    if not is_id(claims["sub"]) or not is_id(claims["sid"]) or claims["role"] not in tuple(Role):
        raise Unauthorized
    if claims["role"] == Role.CANDIDATE and has_identity_provider():
        raise Unauthorized
    return Viewer(claims["sub"], Role(claims["role"]), claims["sid"])


def _bearer_token() -> str:
    header: str = request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":  # RFC 9110, section 11.1: schemes know no letter case
        raise Unauthorized
    return token.strip()


def check_user(viewer: Viewer) -> None:
    """Raise Unauthorized when the viewer's user or session is gone."""
    with read_connection() as connection:
        UserRepository(connection).get(viewer)


def user_required(view: View) -> View:
    """Call the view with the token's Viewer; 401 without a valid token."""
    return _signed_in(view, lambda: (read_access_token(_bearer_token()),), role="any")


def refresh_token_required(view: View) -> View:
    """Call the view with the refresh token's Viewer and the token's id; 401 without a valid token."""
    return _signed_in(view, lambda: read_refresh_token(_bearer_token()), role="any", security_scheme="refreshToken")


def _signed_in(view: View, read_token: Callable[[], tuple[Any, ...]], **contract: Any) -> View:
    """Call the view with the token's Viewer, then the rest of what `read_token` returns.

    The view's own statements prove that the user exists. When refused input ends the request before them, the user is
    looked up here: a 401 comes before a 400.
    """

    @wraps(view)
    def guarded(**path: Any) -> Any:
        viewer, *rest = read_token()
        try:
            return view(viewer, *rest, **path)
        except InputRefused:
            check_user(viewer)
            raise

    return extend_contract(guarded, Layer.ROLE, **contract)


def _role_required(role: Role) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(viewer: Viewer, **path: Any) -> Any:
            if viewer.role is not role:
                check_user(viewer)
                raise Forbidden(f"{role.capitalize()} credentials required")
            return view(viewer, **path)

        return _signed_in(guarded, lambda: (read_access_token(_bearer_token()),), role=role.value)

    return decorate


candidate_required = _role_required(Role.CANDIDATE)
"""Call the view with the token's Viewer; 403 unless it is a candidate."""

company_required = _role_required(Role.COMPANY)
"""Call the view with the token's Viewer; 403 unless it is a company user."""
