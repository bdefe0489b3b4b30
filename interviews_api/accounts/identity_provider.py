"""Tokens of the operator's identity provider. Where one is configured, candidates use its tokens.

After RFC 8725: algorithm, keys, issuer and audience come from the settings, never from the token. Its headers `jku`,
`jwk`, `x5u` and `x5c` are ignored, and every claim is required. Company users keep signing in here.
"""

from functools import wraps
from typing import Any

import jwt
from sqlalchemy import RowMapping

from interviews_api.accounts.errors import CandidatesSignInElsewhere
from interviews_api.accounts.models import NO_SESSION, Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.token_checks import check_dates, log_refusal
from interviews_api.config import Settings
from interviews_api.crypto.idp_keys import PublicKey
from interviews_api.db.connections import read_connection
from interviews_api.email_addresses import email_key
from interviews_api.errors import Unauthorized
from interviews_api.services import service
from interviews_api.web.hidden_characters import hidden_character
from interviews_api.web.route_contract import Layer, View, extend_contract


def has_identity_provider() -> bool:
    """Return whether candidates sign in with the operator's identity provider."""
    return bool(service(Settings).idp_algorithm)


def is_for_provider(token: str) -> bool:
    """Return whether the token's header names the algorithm of the provider, which there is. Verifies nothing."""
    try:
        return bool(jwt.get_unverified_header(token).get("alg") == service(Settings).idp_algorithm)
    except jwt.PyJWTError:
        return False


def read_provider_token(token: str) -> tuple[RowMapping, bool]:
    """Verify a provider's token; return its candidate, and whether the provider vouches for the candidate's address.

    Raises Unauthorized if the token is invalid.
    """
    settings = service(Settings)
    try:
        claims = jwt.decode(
            token,
            _key_for(token, settings),
            algorithms=[settings.idp_algorithm],
            issuer=settings.idp_issuer,
            audience=settings.idp_audience,
            leeway=settings.clock_leeway_seconds,
            options={"require": ["exp", "iat", "iss", "aud", settings.idp_subject_claim], "verify_iat": False},
        )
        check_dates(claims)
    except jwt.PyJWTError as error:
        raise log_refusal(error) from None
    if Role.CANDIDATE not in _roles(claims, settings.idp_role_claim):
        raise log_refusal("its roles do not contain candidate")
    candidate = _candidate(claims, settings)
    return candidate, _vouches_for(candidate, claims, settings)


def _roles(claims: dict[str, Any], path: str) -> list[Any]:
    """Return the roles that a claim names as a list, or as a text of one or more words; none without that claim.

    `path` is the claim's exact name, which may have dots, or else the names that lead to it, separated by dots.
    """
    value: Any = claims
    for name in [path] if path in claims else path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value.split()
    return value if isinstance(value, list) else []


def _key_for(token: str, settings: Settings) -> PublicKey:
    """Return the key of the token's `kid`, or the only key; raises InvalidKeyError. A PEM file has no `kid`."""
    kid = jwt.get_unverified_header(token).get("kid") if settings.idp_jwks_file else None
    keys = [key for name, key in settings.idp_keys if kid in (None, name)]
    if len(keys) != 1:
        raise jwt.InvalidKeyError
    return keys[0]


def _candidate(claims: dict[str, Any], settings: Settings) -> RowMapping:
    """Return the candidate that the subject claim names, by id or by verified e-mail address; raises Unauthorized."""
    subject = claims[settings.idp_subject_claim]
    if not isinstance(subject, str) or not _is_visible(subject):  # databases refuse a NUL or a lone surrogate
        raise log_refusal("its subject is no printable text")
    is_email = settings.idp_subject_is == "email"
    if is_email and not _is_email_verified(claims):
        raise log_refusal("its email_verified is not true")
    try:
        with read_connection() as connection:
            users = UserRepository(connection)
            user = users.find_by_email(subject) if is_email else users.get(Viewer(subject, Role.CANDIDATE, NO_SESSION))
    except Unauthorized:
        user = None
    if user is None or user["role"] != Role.CANDIDATE:
        raise log_refusal("no candidate has its subject")
    return user


def _is_email_verified(claims: dict[str, Any]) -> bool:
    """Return whether the provider has verified the address; some providers write the truth value as a text."""
    return claims.get("email_verified") is True or claims.get("email_verified") == "true"


def _vouches_for(candidate: RowMapping, claims: dict[str, Any], settings: Settings) -> bool:
    """Return whether the provider has verified the candidate's address, and no other one."""
    if not _is_email_verified(claims):
        return False
    email = claims.get("email")
    is_ours = isinstance(email, str) and _is_visible(email) and email_key(email) == email_key(candidate["email"])
    return settings.idp_subject_is == "email" or email is None or is_ours


def _is_visible(claim: str) -> bool:
    """Return whether the claim has no character that the key of an address leaves out."""
    return claim.isprintable() and hidden_character(claim) is None


def refuse_candidates_of_provider() -> None:
    """Raise NotFound if candidates sign in with an identity provider: they have no sign-in here."""
    if has_identity_provider():
        raise CandidatesSignInElsewhere


def local_session_required(view: View) -> View:
    """Answer 404 to a viewer without a session or password here."""

    @wraps(view)
    def guarded(viewer: Viewer, **path: Any) -> Any:
        if viewer.session_id == NO_SESSION:
            raise CandidatesSignInElsewhere
        return view(viewer, **path)

    return extend_contract(guarded, Layer.AVAILABILITY, errors=(CandidatesSignInElsewhere,))
