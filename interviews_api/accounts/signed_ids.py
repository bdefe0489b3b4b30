"""Signed ids: the tokens in mailed links, each good for one purpose.

Tokens are derived when needed and never stored, so the database alone opens no account.
"""

import hashlib
import hmac

from itsdangerous import BadData, URLSafeSerializer


def sign_id(secret_key: str, purpose: str, id_: str) -> str:
    """Return the token. It contains only letters, digits, `-`, `_` and `.`."""
    return str(_serializer(secret_key, purpose).dumps(id_))


def read_signed_id(secret_key: str, purpose: str, token: str) -> str | None:
    """Verify the token and return the id, or None for a forged one or one of another purpose.

    base64 decodes several texts to one signature; only the canonical text is accepted.
    """
    try:
        id_ = str(_serializer(secret_key, purpose).loads(token))
    except (BadData, UnicodeError):
        return None
    return id_ if hmac.compare_digest(token.encode(), sign_id(secret_key, purpose, id_).encode()) else None


def _serializer(secret_key: str, purpose: str) -> URLSafeSerializer:
    derivation = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret_key, salt=purpose, signer_kwargs=derivation)
