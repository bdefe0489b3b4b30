"""Passwords: the refused ones, and hashes.

Hashes are argon2id at the OWASP setting (19 MiB, 2 passes, 1 lane), about 25 ms of CPU each.
"""

from pathlib import Path
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from interviews_api.accounts.models import email_key
from interviews_api.errors import InvalidInput

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_DUMMY_HASH = _HASHER.hash("")
_HASHING = Lock()
"""Held while a password is hashed. Hashes that run at once all end late; in turn, the first ends after 25 ms."""

_LIST = Path(__file__).parent / "data" / "common_passwords.txt"
_COMMON = frozenset(line for line in _LIST.read_text("utf-8").splitlines() if not line.startswith("# "))


def is_common(password: str) -> bool:
    """Return whether the password is blank or one of the commonest, ignoring letter case and blanks around it."""
    plain = password.strip().lower()
    return not plain or plain in _COMMON


def refuse_email_as_password(field: str, password: str, email: str) -> None:
    """Raise InvalidInput that names the field if the password is the e-mail address."""
    if email_key(password) == email_key(email):
        raise InvalidInput({field: ["Must not be the e-mail address."]})


def hash_password(password: str) -> str:
    """Return the hash to store, which includes salt and parameters."""
    with _HASHING:
        return hash_concurrently(password)


def hash_concurrently(password: str) -> str:
    """Return the hash to store, beside other hashes: for a command, which serves no requests meanwhile."""
    return _HASHER.hash(password)


def is_password(stored_hash: str | None, password: str) -> bool:
    """Return whether the password matches the hash. Takes the same time without a hash."""
    try:
        with _HASHING:
            return _HASHER.verify(stored_hash or _DUMMY_HASH, password) and stored_hash is not None
    except (VerificationError, InvalidHashError):
        return False
