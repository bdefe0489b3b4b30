"""Access and refresh tokens: made, verified and cached.

RFC 8725 in short: one algorithm, every claim required, each token for one purpose. flask-jwt-extended makes the tokens
and PyJWT verifies them (ADR 5). Clocks of nodes differ: `exp` and `nbf` have a leeway of CLOCK_LEEWAY_SECONDS, and an
`iat` in the future is no fault.
"""

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import jwt
from flask import Flask, Response, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

from interviews_api.accounts.identity_provider import has_identity_provider, is_for_provider
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.provider_sign_in import sign_in_by_provider
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.token_checks import check_dates, log_refusal, refuse_padding
from interviews_api.cache import LRUCache
from interviews_api.clock import LATEST
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.errors import Unauthorized
from interviews_api.ids import is_id
from interviews_api.services import register_services, service
from interviews_api.web.error_responses import error_response

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
        "JWT_ENCODE_NBF": False,  # a node whose clock is behind would refuse the token
        "JWT_DECODE_LEEWAY": settings.clock_leeway_seconds,
        "JWT_TOKEN_LOCATION": ["headers"],
        "JWT_COOKIE_CSRF_PROTECT": False,  # its random claim is for cookies, and would make equal tokens differ
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
    """Return the key for `@jwt_required()`; raises InvalidTokenError for claims that are missing or malformed.

    `claims` are those of the token itself. Later flask-jwt-extended fills in a `type` and a `jti` that are missing.
    """
    _check_claims(claims)
    return service(Settings).jwt_secret_key


def _check_claims(claims: Mapping[str, Any]) -> None:
    """Raise InvalidTokenError for claims that are missing or malformed."""
    for name in REQUIRED_CLAIMS:
        if claims.get(name) is None:
            raise jwt.MissingRequiredClaimError(name)
    if claims["type"] not in ("access", "refresh"):
        raise jwt.InvalidTokenError("type")
    check_dates(claims)


def _is_unpadded(_header: object, _claims: object) -> bool:
    """Return whether the token of the request's Authorization header has no padding; for `@jwt_required()`."""
    try:
        refuse_padding(bearer_token())
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
    claims = {"role": viewer.role, "sid": viewer.session_id, "email_verified": viewer.is_verified}
    claims |= {"exp": expires_at} if expires_at else {}
    token: str = create_access_token(viewer.user_id, additional_claims=claims)
    return token


def issue_refresh_token(
    viewer: Viewer, refresh_id: str, expires_at: datetime, *, issued_at: datetime | None = None
) -> str:
    """Return a token that is good for a single refresh, until the session's end.

    The same arguments make the same token, byte for byte: no token is stored, and one that was lost is made again.
    """
    claims = {"role": viewer.role, "sid": viewer.session_id, "jti": refresh_id, "exp": expires_at}
    claims |= {"iat": issued_at} if issued_at else {}
    token: str = create_refresh_token(viewer.user_id, additional_claims=claims)
    return token


def read_access_token(token: str) -> Viewer:
    """Return the viewer that the access token names; raises Unauthorized for every fault of the token."""
    if has_identity_provider():
        refuse_padding(token)
        if is_for_provider(token):
            return sign_in_by_provider(token)
    cache = service(VerifiedTokens)
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
    verified = cache.get(digest)
    if verified is None:
        verified = _verify_access_token(token)
        cache.put(digest, verified)
    if not verified.begins <= time.time() < verified.ends:
        raise log_refusal("it is used before or after its time")
    return verified.viewer


def token_end(token: str) -> datetime:
    """Return when a token that `read_access_token` accepted has ended (UTC): its expiry with the leeway."""
    claims = jwt.decode(token, options={"verify_signature": False})
    ends = claims["exp"] + service(Settings).clock_leeway_seconds
    return datetime.fromtimestamp(min(ends, LATEST.timestamp()), UTC)


def read_refresh_token(token: str) -> tuple[Viewer, str]:
    """Return the viewer that the refresh token names, and the token's id; raises Unauthorized for every fault."""
    claims = _decode(token, "refresh")
    if not is_id(claims["jti"]):
        raise log_refusal("its jti is no id")
    return _viewer_of(claims), claims["jti"]


def _verify_access_token(token: str) -> VerifiedToken:
    """Check signature and claims; the caller checks the time again for cached tokens. Raises Unauthorized."""
    claims, leeway = _decode(token, "access"), service(Settings).clock_leeway_seconds
    return VerifiedToken(_viewer_of(claims), claims.get("nbf", 0) - leeway, claims["exp"] + leeway)


def _decode(token: str, purpose: str) -> Mapping[str, Any]:
    """Return the claims of a token for that purpose, "access" or "refresh"; raises Unauthorized."""
    refuse_padding(token)
    settings = service(Settings)
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            settings.jwt_secret_key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=settings.clock_leeway_seconds,
            options={"verify_iat": False},
        )
        _check_claims(claims)
    except jwt.PyJWTError as error:
        raise log_refusal(error) from None
    if claims["type"] != purpose:
        raise log_refusal(f"it is no {purpose} token")
    return claims


def _viewer_of(claims: Mapping[str, Any]) -> Viewer:
    if not is_id(claims["sub"]) or not is_id(claims["sid"]) or claims["role"] not in tuple(Role):
        raise log_refusal("its sub or sid is no id, or its role is unknown")
    if claims["role"] == Role.CANDIDATE and has_identity_provider():
        raise log_refusal("tokens of candidates come from the identity provider")
    return Viewer(claims["sub"], Role(claims["role"]), claims["sid"], claims.get("email_verified") is True)


def bearer_token() -> str:
    """Return the token of the Authorization header; raises Unauthorized when there is none."""
    header: str = request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":  # RFC 9110, section 11.1: schemes know no letter case
        raise Unauthorized
    return token.strip()


def check_user(viewer: Viewer) -> None:
    """Raise Unauthorized when the viewer's user or session is gone."""
    with read_connection() as connection:
        UserRepository(connection).get(viewer)
