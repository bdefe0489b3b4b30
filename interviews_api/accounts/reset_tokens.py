"""Reset tokens: the signed id of a password reset, in the link that is mailed to the user.

Tokens are derived when needed and never stored, so the database alone opens no account.
"""

import hashlib
import hmac

from itsdangerous import BadData, URLSafeSerializer

from interviews_api.accounts.errors import InvalidReset

_PURPOSE = "interviews-api: password reset"


def make_reset_token(secret_key: str, reset_id: str) -> str:
    """Return the token. It contains only letters, digits, `-`, `_` and `.`."""
    return str(_serializer(secret_key).dumps(reset_id))


def read_reset_token(secret_key: str, token: str) -> str:
    """Verify the token and return the reset's id; raises InvalidReset.

    base64 decodes several texts to one signature; only the canonical text is accepted.
    """
    try:
        reset_id = str(_serializer(secret_key).loads(token))
    except (BadData, UnicodeError):
        raise InvalidReset from None
    if not hmac.compare_digest(token.encode(), make_reset_token(secret_key, reset_id).encode()):
        raise InvalidReset
    return reset_id


def reset_link(public_url: str, secret_key: str, reset_id: str) -> str:
    """Return the link for the mail. A fragment carries the token, so it reaches no server log and no Referer."""
    return f"{public_url}/auth/password/reset#{make_reset_token(secret_key, reset_id)}"


def _serializer(secret_key: str) -> URLSafeSerializer:
    derivation = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret_key, salt=_PURPOSE, signer_kwargs=derivation)
