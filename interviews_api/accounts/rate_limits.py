"""Limits on attempts, counted in the database: they hold over threads, workers and restarts.

A sliding log: exactly so many attempts in any window of that length are evaluated, the next is refused and not counted.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from flask import current_app, request

from interviews_api.accounts.request_repository import RateLimitRepository
from interviews_api.clock import now
from interviews_api.db.connections import transaction
from interviews_api.errors import TooManyRequests


@dataclass(frozen=True)
class Limit:
    """So many attempts in a window, for each account or each address."""

    name: str
    attempts: int
    window: timedelta

    def recent(self, attempts: list[int], present: int) -> list[int]:
        """Those of the attempts that the window still holds; in Unix milliseconds, like all moments here."""
        return [one for one in attempts if one > present - self._length]

    def wait(self, recent: list[int], present: int) -> int:
        """Milliseconds until there is room for one more; 0 when there is."""
        return recent[0] + self._length - present if len(recent) >= self.attempts else 0

    @property
    def _length(self) -> int:
        return self.window // timedelta(milliseconds=1)


LOGIN_OF_ACCOUNT = Limit("login of account", 10, timedelta(minutes=5))
LOGIN_FROM_ADDRESS = Limit("login from address", 100, timedelta(minutes=5))
PASSWORD_CHANGE_OF_ACCOUNT = Limit("password change of account", 10, timedelta(minutes=5))
REGISTRATION_FROM_ADDRESS = Limit("registration from address", 20, timedelta(hours=1))
FORGOTTEN_FROM_ADDRESS = Limit("forgotten password from address", 20, timedelta(hours=1))


def client_address() -> str:
    """Where the request comes from; of an IPv6 address the /64, which is what one customer gets (RFC 6177)."""
    address = request.remote_addr or ""
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket has none
        return address
    ipv4 = parsed if isinstance(parsed, IPv4Address) else parsed.ipv4_mapped  # else all of IPv4 would be one /64
    return str(ipv4 or ip_network((parsed, 64), strict=False))


def count_attempt(limits: dict[Limit, str]) -> None:
    """Count an attempt of that account or address for each limit; raises TooManyRequests and counts none.

    In a transaction of its own: what the attempt then comes to does not matter.
    """
    if not current_app.extensions["settings"].ratelimit_enabled:
        return
    keyed = {_key(limit, whose): limit for limit, whose in limits.items()}
    with transaction() as connection:
        repository = RateLimitRepository(connection)
        locked = {key: repository.lock(key, now()) for key in sorted(keyed)}  # in one order: nobody waits in a circle
        present = int(now().timestamp() * 1000)  # not earlier: who is judged after another must not count as before it
        recent = {key: limit.recent(locked[key], present) for key, limit in keyed.items()}
        wait = max(limit.wait(recent[key], present) for key, limit in keyed.items())
        if wait:
            raise TooManyRequests(-(-wait // 1000))
        for key, limit in keyed.items():
            repository.remember(key, sorted([*recent[key], present]), now() + limit.window)


def _key(limit: Limit, whose: str) -> str:
    """Hashed: of bounded length, and no list of addresses."""
    return hashlib.sha256(f"{limit.name}\0{whose}".encode()).hexdigest()
