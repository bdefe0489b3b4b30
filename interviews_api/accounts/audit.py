"""Security events of requests, recorded with the client's shortened address."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from interviews_api.accounts.audit_models import SecurityActor, SecurityEventType
from interviews_api.accounts.audit_repository import SecurityEventRepository
from interviews_api.accounts.client_addresses import client_address
from interviews_api.accounts.errors import WrongCredentials
from interviews_api.clock import now
from interviews_api.db.connections import transaction


def record(
    connection: Connection,
    event_type: SecurityEventType,
    user_id: str,
    *,
    actor_id: str | None = None,
    detail: str | None = None,
) -> None:
    """Record an event of the user's account in the transaction of the change.

    `actor_id` is the user that caused the event, by default the account's own. `detail` is as in `SecurityEvent`.
    """
    is_own = actor_id in (None, user_id)
    SecurityEventRepository(connection).record(
        event_type,
        user_id,
        actor=SecurityActor.USER if is_own else SecurityActor.COLLEAGUE,
        actor_id=None if is_own else actor_id,
        client_address=client_address().shortened,
        detail=detail,
        now=now(),
    )


def record_sign_in(connection: Connection, user_id: str) -> None:
    """Record a sign-in in the transaction that begins its session."""
    SecurityEventRepository(connection).record_sign_in(user_id, client_address=client_address().shortened, now=now())


@contextmanager
def failed_sign_in_recorded(user_id: str | None) -> Iterator[None]:
    """Record WrongCredentials as a failed sign-in, after the sign-in's own transaction was rolled back.

    `user_id` is None without an account.
    """
    try:
        yield
    except WrongCredentials:
        with transaction() as connection:
            SecurityEventRepository(connection).record_failed_sign_in(
                user_id, client_address=client_address().shortened, now=now()
            )
        raise
