"""Passwords: their normal form, the refused ones, and hashes.

Keyboards and systems write the same letter in different characters, so a password is hashed in the normal form of
RFC 8265. Hashes are argon2id at the OWASP setting (19 MiB, 2 passes, 1 lane), about 25 ms of CPU each.
"""

import re
import unicodedata
from pathlib import Path
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from interviews_api.email_addresses import email_key
from interviews_api.errors import InvalidInput

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_DUMMY_HASH = _HASHER.hash("")
_HASHING = Lock()
"""Held while a password is hashed. Hashes that run at once all end late; in turn, the first ends after 25 ms."""

_LIST = Path(__file__).parent / "data" / "common_passwords.txt"
_COMMON = frozenset(line for line in _LIST.read_text("utf-8").splitlines() if not line.startswith("# "))


MAX_PASSWORD = 128  # characters of the normal form
_MAX_TYPED = 4 * MAX_PASSWORD  # NFC makes one character of at most four; longer texts are not normalized, as that costs
_OTHER_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")  # category Zs without U+0020


def normal_form(password: str) -> str:
    """Return the password by the profile OpaqueString (RFC 8265, section 4.2.2): NFC, each space as U+0020.

    Characters that the profile disallows stay, because passwords may have them. A text of over 512 characters, which is
    no password, is returned unchanged.
    """
    if password.isascii() or len(password) > _MAX_TYPED:
        return password
    return unicodedata.normalize("NFC", _OTHER_SPACES.sub(" ", password))


def is_common(password: str) -> bool:
    """Return whether the password is blank or one of the commonest, ignoring letter case and blanks around it."""
    plain = password.strip().lower()
    return not plain or plain in _COMMON


def refuse_email_as_password(field: str, password: str, email: str) -> None:
    """Raise InvalidInput that names the field if the password is the e-mail address."""
    if email_key(password) == email_key(email):
        raise InvalidInput({field: ["Must not be the e-mail address."]})


def hash_password(password: str) -> str:
    """Return the hash of the password's normal form, which includes salt and parameters."""
    with _HASHING:
        return hash_concurrently(password)


def hash_concurrently(password: str) -> str:
    """Return the hash to store without waiting for other hashes; for commands, which serve no requests."""
    return _HASHER.hash(normal_form(password))


def is_password(stored_hash: str | None, password: str) -> bool:
    """Return whether the password matches the hash. Takes the same time without a hash."""
    return find_hashed_text(stored_hash, password) is not None


def find_hashed_text(stored_hash: str | None, password: str) -> str | None:
    """Return the text that the hash was made of: the normal form, in older hashes the password as typed; else None.

    Takes the same time without a hash: two hashes where the texts differ, else one.
    """
    texts = dict.fromkeys((normal_form(password), password))
    return next((text for text in texts if _is_hash_of(stored_hash, text)), None)


def _is_hash_of(stored_hash: str | None, text: str) -> bool:
    try:
        with _HASHING:
            return _HASHER.verify(stored_hash or _DUMMY_HASH, text) and stored_hash is not None
    except (VerificationError, InvalidHashError):
        return False
