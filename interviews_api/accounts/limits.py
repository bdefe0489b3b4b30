"""Limits on attempts, counted in the database: they hold over threads, workers and restarts.

A sliding log: exactly so many attempts in any window of that length are evaluated, the next is refused and not counted.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from flask import current_app, request

from interviews_api.accounts.repository import RateLimitRepository
from interviews_api.clock import now
from interviews_api.db import transaction
from interviews_api.errors import TooManyRequests


@dataclass(frozen=True)
class Limit:
    """So many attempts in a window, for each account or each address."""

    name: str
    attempts: int
    window: timedelta


LOGIN_OF_ACCOUNT = Limit("login of account", 10, timedelta(minutes=5))
LOGIN_FROM_ADDRESS = Limit("login from address", 100, timedelta(minutes=5))
REGISTRATION_FROM_ADDRESS = Limit("registration from address", 20, timedelta(hours=1))


def client_address() -> str:
    """Where the request comes from; of an IPv6 address the /64, which is what one customer gets (RFC 6177)."""
    address = request.remote_addr or ""
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket has none
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


def count_attempt(limits: dict[Limit, str]) -> None:
    """Count an attempt of that account or address for each limit; raises TooManyRequests and counts none.

    In a transaction of its own: what the attempt then comes to does not matter.
    """
    if not current_app.extensions["settings"].ratelimit_enabled:
        return
    present = now()
    keyed = {_key(limit, whose): limit for limit, whose in limits.items()}
    with transaction() as connection:
        repository = RateLimitRepository(connection)
        for key, limit in sorted(keyed.items()):  # in one order, so that nobody waits in a circle
            expires_at = present + limit.window
            milliseconds = int(present.timestamp() * 1000)
            oldest = milliseconds - int(limit.window.total_seconds() * 1000)
            attempts = [one for one in repository.lock(key, expires_at) if one > oldest]
            if len(attempts) >= limit.attempts:
                raise TooManyRequests(-(-(attempts[0] - oldest) // 1000))
            repository.remember(key, sorted([*attempts, milliseconds]), expires_at)


def _key(limit: Limit, whose: str) -> str:
    """Hashed: of bounded length, and no list of addresses."""
    return hashlib.sha256(f"{limit.name}\0{whose}".encode()).hexdigest()
