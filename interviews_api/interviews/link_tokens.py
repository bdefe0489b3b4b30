"""Confirmation links: signed tokens that name an interview and its revision.

The token depends on nothing else, so that support can print it again. It is invalid once the interview's row has a
higher revision or its end has passed.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from interviews_api.config import Settings
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.models import InterviewStatus

_PURPOSE = "interviews-api: confirmation link"


def make_token(secret_key: str, interview_id: str, revision: int) -> str:
    """Return the token, of letters, digits, `-`, `_` and `.` only."""
    return str(_serializer(secret_key).dumps([interview_id, revision]))


def read_token(secret_key: str, token: str) -> tuple[str, int]:
    """Return interview id and revision; raises InvalidLink.

    base64 decodes several texts to one signature; only the canonical text is accepted.
    """
    try:
        interview_id, revision = _serializer(secret_key).loads(token)
    except (BadData, UnicodeError):
        raise InvalidLink from None
    if not hmac.compare_digest(token.encode(), make_token(secret_key, interview_id, revision).encode()):
        raise InvalidLink
    return interview_id, revision


def confirmation_link(public_url: str, secret_key: str, interview_id: str, revision: int) -> str:
    """Return the URL of the confirmation page."""
    return f"{public_url}/interviews/confirm/{make_token(secret_key, interview_id, revision)}"


def pending_link(settings: Settings, interview: Mapping[Any, Any]) -> str | None:
    """Return the URL of the confirmation page while the interview is pending, else None."""
    if interview["status"] != InterviewStatus.PENDING:
        return None
    return confirmation_link(settings.public_url, settings.secret_key, interview["interview_id"], interview["revision"])


def _serializer(secret_key: str) -> URLSafeSerializer:
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret_key, salt=_PURPOSE, signer_kwargs=options)
