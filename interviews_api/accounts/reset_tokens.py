"""Reset tokens: the signed id of a password reset, in the link that is mailed to the user."""

from interviews_api.accounts.errors import InvalidReset
from interviews_api.accounts.signed_ids import read_signed_id, sign_id

_PURPOSE = "interviews-api: password reset"


def make_reset_token(secret_key: str, reset_id: str) -> str:
    """Return the token. It contains only letters, digits, `-`, `_` and `.`."""
    return sign_id(secret_key, _PURPOSE, reset_id)


def read_reset_token(secret_key: str, token: str) -> str:
    """Verify the token and return the reset's id; raises InvalidReset."""
    reset_id = read_signed_id(secret_key, _PURPOSE, token)
    if reset_id is None:
        raise InvalidReset
    return reset_id


def reset_link(public_url: str, secret_key: str, reset_id: str) -> str:
    """Return the link for the mail. A fragment carries the token, so it reaches no server log and no Referer."""
    return f"{public_url}/auth/password/reset#{make_reset_token(secret_key, reset_id)}"
