"""Checks that our own tokens and those of an identity provider share, and the log line of a refused token."""

import logging
from collections.abc import Mapping
from typing import Any

import jwt

from interviews_api.errors import Unauthorized

_log = logging.getLogger(__name__)


def log_refusal(reason: str | jwt.PyJWTError) -> Unauthorized:
    """Return the error of a refused token, and log the reason, which the response does not have.

    A text as reason must hold nothing of the token. Of a PyJWT error only class and missing claim are logged.
    """
    if isinstance(reason, jwt.MissingRequiredClaimError):
        reason = f"{type(reason).__name__} {reason.claim}"
    elif isinstance(reason, jwt.PyJWTError):
        reason = type(reason).__name__
    _log.info("token refused: %s", reason)
    return Unauthorized()


def check_dates(claims: Mapping[str, Any]) -> None:
    """Raise InvalidTokenError for a date that is no number: PyJWT accepts "123" as well."""
    if not all(isinstance(claims.get(name, 0), int | float) for name in ("exp", "iat", "nbf")):
        raise jwt.InvalidTokenError("dates")


def refuse_padding(token: str) -> None:
    """Refuse a second spelling of the same token: PyJWT accepts the padding that RFC 7515, section 2, leaves out."""
    if "=" in token:
        raise log_refusal("it has padding")
