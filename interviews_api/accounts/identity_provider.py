"""The operator's own identity provider for candidates: where one is set, its tokens are the candidates' tokens.

RFC 8725 in short: algorithm, keys, issuer and audience are the settings', never what a token brings along (its
`jku`, `jwk`, `x5u` and `x5c` are not read), and no claim is optional. Companies sign in with us as ever.
"""

from functools import wraps
from typing import Any

import jwt
from flask import current_app

from interviews_api.accounts.models import NO_SESSION, Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.config import Settings
from interviews_api.crypto.idp_keys import PublicKey
from interviews_api.db.connections import read_connection
from interviews_api.errors import NotFound, Unauthorized
from interviews_api.web.operation import Handler


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def has_identity_provider() -> bool:
    """Whether candidates sign in elsewhere."""
    return bool(_settings().idp_algorithm)


def is_for_provider(token: str) -> bool:
    """Whether the token names the provider's algorithm. Nothing is verified: this only says whom to ask."""
    try:
        return has_identity_provider() and jwt.get_unverified_header(token).get("alg") == _settings().idp_algorithm
    except jwt.PyJWTError:
        return False


def read_provider_token(token: str) -> Viewer:
    """The candidate whom this token of the provider names; raises Unauthorized for whatever is wrong with it."""
    settings = _settings()
    try:
        claims = jwt.decode(
            token,
            _key_for(token, settings),
            algorithms=[settings.idp_algorithm],
            issuer=settings.idp_issuer,
            audience=settings.idp_audience,
            options={"require": ["exp", "iat", "iss", "aud", settings.idp_subject_claim]},
        )
    except jwt.PyJWTError:
        raise Unauthorized from None
    role = claims.get(settings.idp_role_claim)
    if Role.CANDIDATE not in (role if isinstance(role, list) else [role]):
        raise Unauthorized
    return Viewer(_candidate_id(claims, settings), Role.CANDIDATE, NO_SESSION)


def _key_for(token: str, settings: Settings) -> PublicKey:
    """The one key that can be meant: that of the token's `kid`, or the only one. A PEM file's has no name to match."""
    kid = jwt.get_unverified_header(token).get("kid") if settings.idp_jwks_file else None
    meant = [key for name, key in settings.idp_keys if kid in (None, name)]
    if len(meant) != 1:
        raise jwt.InvalidKeyError
    return meant[0]


def _candidate_id(claims: dict[str, Any], settings: Settings) -> str:
    subject = claims[settings.idp_subject_claim]
    if not isinstance(subject, str) or not subject.isprintable():  # no database takes a NUL or a lone surrogate
        raise Unauthorized
    is_email = settings.idp_subject_is == "email"
    if is_email and claims.get("email_verified") is not True:
        raise Unauthorized
    with read_connection() as connection:
        users = UserRepository(connection)
        user = users.find_by_email(subject) if is_email else users.get(Viewer(subject, Role.CANDIDATE, NO_SESSION))
    if user is None or user["role"] != Role.CANDIDATE:
        raise Unauthorized
    user_id: str = user["id"]
    return user_id


def refuse_candidates_of_provider() -> None:
    """Raises NotFound where candidates sign in elsewhere: we have no sign-in of theirs."""
    if has_identity_provider():
        raise NotFound


def own_candidates_required(handler: Handler) -> Handler:
    """404 where candidates sign in elsewhere, whatever the request says."""

    @wraps(handler)
    def guarded() -> Any:
        refuse_candidates_of_provider()
        return handler()

    return guarded


def own_session_required(handler: Handler) -> Handler:
    """404 for a viewer whom the provider signed in: we have no session or password of theirs. Below `user_required`."""

    @wraps(handler)
    def guarded(viewer: Viewer, **path: Any) -> Any:
        if viewer.session_id == NO_SESSION:
            raise NotFound
        return handler(viewer, **path)

    return guarded
