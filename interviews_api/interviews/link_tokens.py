"""The link in an e-mail: a token that names an interview and its revision, signed with a key of its own.

The same interview and revision make the same token, so that support can print it again. When it dies is decided by
what is stored: a risen revision or the interview's end.
"""

import hashlib
import hmac

from itsdangerous import BadData, URLSafeSerializer

from interviews_api.interviews.errors import InvalidLink

_PURPOSE = "interviews-api: confirmation link"


def make_token(secret_key: str, interview_id: str, revision: int) -> str:
    """Return the token, of letters, digits, `-`, `_` and `.` only."""
    return str(_serializer(secret_key).dumps([interview_id, revision]))


def read_token(secret_key: str, token: str) -> tuple[str, int]:
    """Interview id and revision; raises InvalidLink.

    A token has one spelling: base64's spare bits would allow several for the same signature.
    """
    try:
        interview_id, revision = _serializer(secret_key).loads(token)
    except (BadData, UnicodeError):
        raise InvalidLink from None
    if not hmac.compare_digest(token.encode(), make_token(secret_key, interview_id, revision).encode()):
        raise InvalidLink
    return interview_id, revision


def link(public_url: str, secret_key: str, interview_id: str, revision: int) -> str:
    """Return the address that a mail carries."""
    return f"{public_url}/interviews/confirm/{make_token(secret_key, interview_id, revision)}"


def _serializer(secret_key: str) -> URLSafeSerializer:
    derivation = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret_key, salt=_PURPOSE, signer_kwargs=derivation)
