"""Verification tokens: the signed id of a verification, in the link that is mailed to the e-mail address."""

from interviews_api.accounts.errors import InvalidVerification
from interviews_api.accounts.signed_ids import read_signed_id, sign_id

_PURPOSE = "interviews-api: verification of an address"


def make_verification_token(secret_key: str, verification_id: str) -> str:
    """Return the token. It contains only letters, digits, `-`, `_` and `.`."""
    return sign_id(secret_key, _PURPOSE, verification_id)


def read_verification_token(secret_key: str, token: str) -> str:
    """Verify the token and return the verification's id; raises InvalidVerification."""
    verification_id = read_signed_id(secret_key, _PURPOSE, token)
    if verification_id is None:
        raise InvalidVerification
    return verification_id


def verification_link(public_url: str, secret_key: str, verification_id: str) -> str:
    """Return the link for the mail."""
    return f"{public_url}/auth/email/verify/{make_verification_token(secret_key, verification_id)}"
