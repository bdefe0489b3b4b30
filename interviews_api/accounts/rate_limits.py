"""Rate limits on attempts, counted in the database, so they hold across threads, gunicorn workers and restarts.

Sliding log: any window of the given length allows the given number of attempts. Attempts that the limit refuses are not
counted. `config/limits.py` has the limits.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interviews_api.accounts.client_addresses import ClientAddress
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limit_repository import Attempts, RateLimitRepository
from interviews_api.accounts.repository import UserRepository
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import Limit
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.row_limits import ActiveLimits
from interviews_api.errors import TooManyRequests
from interviews_api.services import service

_WIDER_FACTOR = 10  # an IPv6 /48 may make ten times the attempts of a /64
_ROWS_OF_ADDRESSES = 256
_MAX_KEPT = 1000  # attempts of one row, or more if a limit allows more


@dataclass(frozen=True)
class Count:
    """A count of attempts, of which `factor` times the limit's number are allowed.

    `row` names the row that holds the attempts; several counts may share it. With `label_only`, only those attempts
    count that have the label of the present one.
    """

    limit: Limit
    row: str
    factor: int = 1
    label_only: bool = False

    def milliseconds_to_wait(self, attempts: Attempts, label: str, now_ms: int) -> int:
        """Return the milliseconds until the next attempt is allowed, 0 if it is allowed now."""
        limit = configured(self.limit)
        start = now_ms - limit.seconds * 1000
        times = sorted(
            time for time, attempt_label in attempts if time > start and (attempt_label == label or not self.label_only)
        )
        allowed = limit.allowed * self.factor
        return times[len(times) - allowed] - start if len(times) >= allowed else 0


class CountedAttempt:
    """An attempt that was counted in some rows."""

    def __init__(self, keys: Iterable[str] = (), entry: tuple[int, str] = (0, "")) -> None:
        self._keys = sorted(keys)
        self._entry = entry

    def give_back(self) -> None:
        """Remove the attempt, so that it does not count. Runs in the caller's transaction, or in its own."""
        with transaction() as connection:
            for key in self._keys:
                RateLimitRepository(connection).remove(key, self._entry)


def configured(limit: Limit) -> Limit:
    """Return the limit as the setting LIMITS has it."""
    return service(Settings).limits[limit.name]


def active_limits() -> ActiveLimits:
    """Return the limits by which repositories count rows, or None when RATELIMIT_ENABLED is off."""
    settings = service(Settings)
    return settings.limits if settings.ratelimit_enabled else None


def count_attempt_of(viewer: Viewer, limit: Limit, *, owner: str = "id") -> None:
    """Count an attempt of the viewer, or of what `owner` names in the viewer's row, such as `company_id`.

    Raises Unauthorized, so that nothing is counted for a user that is gone, and TooManyRequests.
    """
    if not service(Settings).ratelimit_enabled:
        return
    with read_connection() as connection:
        user = UserRepository(connection).get(viewer)
    count_attempt([by_subject(limit, user[owner])])


def by_subject(limit: Limit, subject: str) -> Count:
    """Return the count of a limit for a subject, such as a user's id."""
    return Count(limit, f"{limit.name}\0{subject}")


def by_client_address(limit: Limit, address: ClientAddress, *, account_id: str | None = None) -> list[Count]:
    """Return the counts of a limit for a client address, and for the IPv6 /48 around it.

    With the id of an account, it has rows of its own for each client address.
    """
    suffix = f" {account_id}" if account_id else ""
    return [Count(limit, row + suffix, factor) for row, factor in _rows_of_client_address(limit, address)]


def by_account_and_client_address(limit: Limit, address: ClientAddress, *, in_rows_of: Limit) -> list[Count]:
    """Return the counts of a limit for an account from a client address, and from the IPv6 /48 around it.

    They count in the rows of the client address under the limit `in_rows_of`, by the label of the account.
    """
    return [Count(limit, row, factor, label_only=True) for row, factor in _rows_of_client_address(in_rows_of, address)]


def _rows_of_client_address(limit: Limit, address: ClientAddress) -> list[tuple[str, int]]:
    """Return the rows of a limit for a client address and the /48 around it, and how many times each is allowed."""
    rows = [(f"{limit.name}\0{address.network}", 1)]
    if address.wider:
        rows.append((f"{limit.name}\0{address.wider}", _WIDER_FACTOR))
    return rows


def by_account(limit: Limit, user_id: str | None, label: str) -> Count:
    """Return the count of a limit for an account, alike whether it exists or not.

    An account that does not exist counts in the fixed rows of `by_email_address`, so it adds none.
    """
    if user_id is None:
        return by_email_address(limit, label)
    return Count(limit, f"{limit.name}\0{user_id}", label_only=True)


def by_email_address(limit: Limit, label: str) -> Count:
    """Return the count of a limit for an e-mail address, whether an account has it or not.

    All addresses share a fixed number of rows, by label.
    """
    return Count(limit, f"{limit.name}\0address {int(label, 16) % _ROWS_OF_ADDRESSES}", label_only=True)


def count_attempt(counts: Iterable[Count], label: str = "") -> CountedAttempt:
    """Count an attempt in each row, and return it. If a limit is reached, count none and raise TooManyRequests.

    Outside of a transaction it runs in its own, so the attempt stays counted when the request fails and rolls back.
    """
    if not service(Settings).ratelimit_enabled:
        return CountedAttempt()
    counts_by_key = _group_by_key(counts)
    with transaction() as connection:
        repository = RateLimitRepository(connection)
        stored = {key: repository.lock(key, expires_at=now()) for key in counts_by_key}  # `save` sets the expiry
        present = now()  # read after the locks, so that the times of a row rise
        now_ms = int(present.timestamp() * 1000)
        rows = {key: _repair(attempts, now_ms) for key, attempts in stored.items()}
        seconds = _seconds_to_wait(counts_by_key, rows, label, now_ms)
        if seconds and rows == stored:
            raise TooManyRequests(seconds)  # rolls back: a refused attempt writes nothing
        if not seconds:
            for attempts in rows.values():
                attempts.append((now_ms, label))
        _save_rows(repository, counts_by_key, rows, present)
    if seconds:
        raise TooManyRequests(seconds)  # after the commit, so that the repaired times stay
    return CountedAttempt(counts_by_key, (now_ms, label))


def count_each(limit: Limit, subjects: Iterable[str]) -> set[str]:
    """Count an attempt of each subject for which the limit has room, and return these subjects.

    Takes as many statements for many subjects as for one. Runs in the caller's transaction, or in its own.
    """
    by_key = {keyed_hash("rate limit", by_subject(limit, subject).row): subject for subject in subjects}
    if not by_key or not service(Settings).ratelimit_enabled:
        return set(by_key.values())
    allowed, seconds = configured(limit).allowed, configured(limit).seconds
    with transaction() as connection:
        repository = RateLimitRepository(connection)
        stored = repository.lock_all(sorted(by_key), expires_at=now())  # `save_all` sets the expiry
        present = now()  # read after the locks, so that the times of a row rise
        now_ms = int(present.timestamp() * 1000)
        start = now_ms - seconds * 1000
        rows = {
            key: [entry for entry in _repair(attempts, now_ms) if entry[0] > start] for key, attempts in stored.items()
        }
        counted = {key: [*attempts, (now_ms, "")] for key, attempts in rows.items() if len(attempts) < allowed}
        repository.save_all(rows | counted, present, seconds)
    return {by_key[key] for key in counted}


def _group_by_key(counts: Iterable[Count]) -> dict[str, list[Count]]:
    """Return the counts of each row by its key, in the order in which rows are locked: another could deadlock."""
    by_key: dict[str, list[Count]] = {}
    for count in counts:
        by_key.setdefault(keyed_hash("rate limit", count.row), []).append(count)
    return dict(sorted(by_key.items()))


def _repair(attempts: Attempts, now_ms: int) -> Attempts:
    """Return the attempts with later times, which a wrong clock has written, as now: a window forgets them then."""
    return [(min(time, now_ms), label) for time, label in attempts]


def _seconds_to_wait(
    counts_by_key: Mapping[str, Sequence[Count]], rows: Mapping[str, Attempts], label: str, now_ms: int
) -> int:
    """Return the seconds, rounded up, until each count allows the attempt, or 0 if all allow it now."""
    waits = (
        count.milliseconds_to_wait(rows[key], label, now_ms)
        for key, counts in counts_by_key.items()
        for count in counts
    )
    return -(-max(waits) // 1000)


def _save_rows(
    repository: RateLimitRepository,
    counts_by_key: Mapping[str, Sequence[Count]],
    rows: Mapping[str, Attempts],
    present: datetime,
) -> None:
    """Save the newest attempts of each row, as many and as old as its limits need."""
    for key, counts in counts_by_key.items():
        seconds = max(configured(count.limit).seconds for count in counts)
        size = max(_MAX_KEPT, *(configured(count.limit).allowed * count.factor for count in counts))
        start = int(present.timestamp() * 1000) - seconds * 1000
        kept = sorted(attempt for attempt in rows[key] if attempt[0] > start)
        repository.save(key, kept[-size:], present, seconds)


def keyed_hash(purpose: str, text: str) -> str:
    """Return a hash in hex under SECRET_KEY: its length is bounded, and the table does not list what it hides."""
    secret = service(Settings).secret_key.encode()
    return hmac.digest(secret, f"interviews-api: {purpose}\0{text}".encode(), hashlib.sha256).hex()
