"""Reply addresses: the organizer of invitations by mail, to which a calendar sends its candidate's reply.

The address is REPLY_ADDRESS with a token: `replies+<token>@example.com`. The token names the interview and its
candidate, and stays the same for the interview's life. It has 40 characters of base32, the id of the interview and a
MAC of 104 bits over both ids. Mail servers on the way may change the case of letters.
"""

import base64
import hmac
import re

from interviews_api.config.contacts import TOKEN_CHARACTERS
from interviews_api.email_addresses import MAX_LOCAL_PART

_PURPOSE = b"interviews-api: reply address"
_ADDRESS = re.compile(
    rf"(?<![\w.+=-])([\w.=-]{{1,{MAX_LOCAL_PART}}})\+([a-z2-7]{{{TOKEN_CHARACTERS}}})@([\w.-]{{1,253}})",
    re.IGNORECASE | re.ASCII,
)
_ID_BYTES, _MAC_BYTES = 12, 13  # together 200 bits, so each character of base32 is used whole


def make_reply_address(reply_address: str, secret_key: str, interview_id: str, candidate_id: str) -> str:
    """Return the address that takes this candidate's replies about this interview."""
    local_part, _, domain = reply_address.rpartition("@")
    return f"{local_part}+{_make_token(secret_key, interview_id, candidate_id)}@{domain}"


def find_tokens(reply_address: str, text: str) -> list[str]:
    """Return the tokens of all reply addresses in the text, without regard to case; they may be forged."""
    addresses = _ADDRESS.findall(text)
    return [token.lower() for name, token, domain in addresses if f"{name}@{domain}".lower() == reply_address.lower()]


def interview_id_of(token: str) -> str:
    """Return the id of the interview that the token names, which may be forged."""
    return base64.b32decode(token.upper())[:_ID_BYTES].hex()


def is_genuine(secret_key: str, token: str, candidate_id: str) -> bool:
    """Return whether this server made the token, for this candidate."""
    return hmac.compare_digest(token, _make_token(secret_key, interview_id_of(token), candidate_id))


def _make_token(secret_key: str, interview_id: str, candidate_id: str) -> str:
    key = hmac.digest(secret_key.encode(), _PURPOSE, "sha256")
    raw_id = bytes.fromhex(interview_id)
    mac = hmac.digest(key, raw_id + bytes.fromhex(candidate_id), "sha256")[:_MAC_BYTES]
    return base64.b32encode(raw_id + mac).decode().lower()
