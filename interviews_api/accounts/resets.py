"""The link in the mail of who forgot a password: a token that names the request, signed with a key of its own.

Made anew whenever it is needed, so that the database holds nothing that opens an account.
"""

import hashlib
import hmac

from itsdangerous import BadData, URLSafeSerializer

from interviews_api.accounts.errors import InvalidReset

_PURPOSE = "interviews-api: password reset"


def make_reset_token(secret_key: str, reset_id: str) -> str:
    """The token; of letters, digits, `-`, `_` and `.` alone."""
    return str(_serializer(secret_key).dumps(reset_id))


def read_reset_token(secret_key: str, token: str) -> str:
    """The request's id; raises InvalidReset. A token has one spelling."""
    try:
        reset_id = str(_serializer(secret_key).loads(token))
    except (BadData, UnicodeError):
        raise InvalidReset from None
    if not hmac.compare_digest(token.encode(), make_reset_token(secret_key, reset_id).encode()):
        raise InvalidReset
    return reset_id


def reset_link(public_url: str, secret_key: str, reset_id: str) -> str:
    """What the mail carries; behind the # it reaches no server's log and no Referer."""
    return f"{public_url}/auth/password/reset#{make_reset_token(secret_key, reset_id)}"


def _serializer(secret_key: str) -> URLSafeSerializer:
    derivation = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret_key, salt=_PURPOSE, signer_kwargs=derivation)
