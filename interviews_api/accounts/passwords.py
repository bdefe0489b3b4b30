"""argon2id at the OWASP setting (19 MiB, 2 passes, 1 lane), about 25 ms of CPU each."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS_HASH = _HASHER.hash("")


def hash_password(password: str) -> str:
    """The hash to store, salt and setting included."""
    return _HASHER.hash(password)


def is_password(stored_hash: str | None, password: str) -> bool:
    """Whether the password is the hashed one; takes the same time when there is no hash."""
    try:
        return _HASHER.verify(stored_hash or _NOBODYS_HASH, password) and stored_hash is not None
    except (VerificationError, InvalidHashError):
        return False
