"""Sign-ins from a client address that neighbours share."""

import time

from flask import Flask

from interviews_api.accounts.client_addresses import ClientAddress
from interviews_api.accounts.rate_limit_repository import RateLimitRepository
from interviews_api.accounts.rate_limits import by_client_address, keyed_hash
from interviews_api.clock import now
from interviews_api.config.limits import LOGIN_FROM_ADDRESS
from interviews_api.db.connections import transaction
from tests.api.test_rate_limits import log_in
from tests.support.api import PASSWORD
from tests.support.factories import World
from tests.support.fixtures import MakeLimited

ADDRESS, MOST_KEPT = "10.0.0.1", 1000


def fill_row_of_address(app: Flask) -> None:
    """Fill the row of the client address with attempts of neighbours on accounts of their own."""
    with app.app_context(), transaction() as connection:
        (count,) = by_client_address(LOGIN_FROM_ADDRESS, ClientAddress(ADDRESS))
        attempts = [(int(time.time() * 1000), "neighbour")] * MOST_KEPT
        RateLimitRepository(connection).save(keyed_hash("rate limit", count.row), attempts, now(), 300)


def test_neighbours_give_a_guesser_no_further_attempts(make_limited: MakeLimited, world: World) -> None:
    """An address has a session of the account, and one of many accounts of the guesser."""
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()
    limited = make_limited()
    assert log_in(limited, "known@example.com", PASSWORD, ADDRESS) == 200
    assert [log_in(limited, "known@example.com", address=ADDRESS) for _ in range(11)] == [401] * 10 + [429]
    fill_row_of_address(limited.application)
    assert log_in(limited, "known@example.com", address=ADDRESS) == 429
