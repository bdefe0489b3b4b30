"""Invitation tokens: the signed id of a colleague's invitation, in the link that is mailed to the e-mail address."""

from interviews_api.accounts.errors import InvalidInvitation
from interviews_api.accounts.signed_ids import read_signed_id, sign_id

_PURPOSE = "interviews-api: invitation of a colleague"


def make_invitation_token(secret_key: str, invitation_id: str) -> str:
    """Return the token. It contains only letters, digits, `-`, `_` and `.`."""
    return sign_id(secret_key, _PURPOSE, invitation_id)


def read_invitation_token(secret_key: str, token: str) -> str:
    """Verify the token and return the invitation's id; raises InvalidInvitation."""
    invitation_id = read_signed_id(secret_key, _PURPOSE, token)
    if invitation_id is None:
        raise InvalidInvitation
    return invitation_id


def invitation_link(public_url: str, secret_key: str, invitation_id: str) -> str:
    """Return the link for the mail."""
    return f"{public_url}/auth/invitations/{make_invitation_token(secret_key, invitation_id)}"
