"""Mailed links: kinds of links to accounts, each with a signed id as its token.

Tokens are derived when needed and never stored, so the database alone opens no account.
"""

import hashlib
import hmac
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from interviews_api.accounts.errors import InvalidInvitation, InvalidReset, InvalidVerification
from interviews_api.errors import ApiError


@dataclass(frozen=True)
class MailedLink:
    """A kind of mailed link: `purpose` separates its tokens from others, and `path` precedes the token in the URL.

    `error` is raised for a token that is forged, or of another purpose.
    """

    purpose: str
    path: str
    error: type[ApiError]

    def token(self, secret_key: str, id_: str) -> str:
        """Return the token. It contains only letters, digits, `-`, `_` and `.`."""
        return str(self._serializer(secret_key).dumps(id_))

    def read(self, secret_key: str, token: str) -> str:
        """Verify the token and return the id; raises `error`.

        base64 decodes several texts to one signature; only the canonical text is accepted.
        """
        try:
            id_ = str(self._serializer(secret_key).loads(token))
        except (BadData, UnicodeError):
            raise self.error from None
        if not hmac.compare_digest(token.encode(), self.token(secret_key, id_).encode()):
            raise self.error
        return id_

    def url(self, public_url: str, secret_key: str, id_: str) -> str:
        """Return the absolute URL with the token, for the mail."""
        return f"{public_url}{self.path}{self.token(secret_key, id_)}"

    def _serializer(self, secret_key: str) -> URLSafeSerializer:
        derivation = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeSerializer(secret_key, salt=self.purpose, signer_kwargs=derivation)


# A fragment carries the token of a reset, so it reaches no server log and no Referer.
RESET_LINK = MailedLink("interviews-api: password reset", "/auth/password/reset#", InvalidReset)
VERIFICATION_LINK = MailedLink("interviews-api: verification of an address", "/auth/email/verify/", InvalidVerification)
INVITATION_LINK = MailedLink("interviews-api: invitation of a colleague", "/auth/invitations/", InvalidInvitation)
