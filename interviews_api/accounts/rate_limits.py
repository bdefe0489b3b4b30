"""Rate limits on attempts, counted in the database, so they hold across threads, gunicorn workers and restarts.

Sliding log: any window of the given length allows the given number of attempts. Attempts that the limit refuses are not
counted.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from flask import request

from interviews_api.accounts.rate_limit_repository import RateLimitRepository
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import transaction
from interviews_api.errors import TooManyRequests
from interviews_api.services import service


@dataclass(frozen=True)
class Limit:
    """A rate limit: so many attempts in a time window, for each account or each address."""

    name: str
    allowed: int
    window: timedelta

    def recent(self, times: list[int], now_ms: int) -> list[int]:
        """Return the times of attempts inside the window; all times are Unix milliseconds."""
        return [time for time in times if time > now_ms - self._length]

    def milliseconds_to_wait(self, times: list[int], now_ms: int) -> int:
        """Return the milliseconds until the next attempt is allowed, 0 if it is allowed now."""
        return times[0] + self._length - now_ms if len(times) >= self.allowed else 0

    @property
    def _length(self) -> int:
        return self.window // timedelta(milliseconds=1)


LOGIN_OF_ACCOUNT = Limit("login of account", 10, timedelta(minutes=5))
LOGIN_FROM_ADDRESS = Limit("login from address", 100, timedelta(minutes=5))
PASSWORD_CHANGE_OF_ACCOUNT = Limit("password change of account", 10, timedelta(minutes=5))
REGISTRATION_FROM_ADDRESS = Limit("registration from address", 20, timedelta(hours=1))
FORGOTTEN_FROM_ADDRESS = Limit("forgotten password from address", 20, timedelta(hours=1))


def client_address() -> str:
    """Return the client's IPv4 address or IPv6 /64 network, the size that one customer gets (RFC 6177)."""
    address = request.remote_addr or ""
    try:
        parsed = ip_address(address)
    except ValueError:  # the client of a Unix socket has no IP address
        return address
    # Mapped IPv4 addresses count as IPv4: otherwise all of IPv4 would share one /64.
    ipv4 = parsed if isinstance(parsed, IPv4Address) else parsed.ipv4_mapped
    return str(ipv4 or ip_network((parsed, 64), strict=False))


def count_attempt(limits: dict[Limit, str]) -> None:
    """Count an attempt under each limit; `limits` maps each limit to the account or address.

    If a limit is reached, count none and raise TooManyRequests. Runs in its own transaction, so that the
    attempt stays counted when the request fails and rolls back.
    """
    if not service(Settings).ratelimit_enabled:
        return
    keyed = {_key(limit, subject): limit for limit, subject in limits.items()}
    with transaction() as connection:
        repository = RateLimitRepository(connection)
        # Lock keys in sorted order to avoid deadlocks. The expiry is a placeholder: `save` sets it.
        locked = {key: repository.lock(key, expires_at=now()) for key in sorted(keyed)}
        # Read the clock after locking, so that timestamps are monotonic per key.
        now_ms = int(now().timestamp() * 1000)
        recent = {key: limit.recent(locked[key], now_ms) for key, limit in keyed.items()}
        wait = max(limit.milliseconds_to_wait(recent[key], now_ms) for key, limit in keyed.items())
        if wait:
            raise TooManyRequests(-(-wait // 1000))
        for key, limit in keyed.items():
            repository.save(key, sorted([*recent[key], now_ms]), now() + limit.window)


def _key(limit: Limit, subject: str) -> str:
    """Return the table key, a hash: its length is bounded, and the table does not list addresses."""
    return hashlib.sha256(f"{limit.name}\0{subject}".encode()).hexdigest()
