"""Password hashes: argon2id at the OWASP setting (19 MiB, 2 passes, 1 lane), about 25 ms of CPU each."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_DUMMY_HASH = _HASHER.hash("")


def hash_password(password: str) -> str:
    """Return the hash to store, which includes salt and parameters."""
    return _HASHER.hash(password)


def is_password(stored_hash: str | None, password: str) -> bool:
    """Return whether the password matches the hash. Takes the same time without a hash."""
    try:
        return _HASHER.verify(stored_hash or _DUMMY_HASH, password) and stored_hash is not None
    except (VerificationError, InvalidHashError):
        return False
