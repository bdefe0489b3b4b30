"""Settlement of a claimed delivery: one attempt, and the outcome written to its row."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db.connections import read_connection, transaction
from interviews_api.notifications.delivery_errors import (
    DeliveryError,
    MessageDeferred,
    Obsolete,
    Rejected,
    RetryLater,
    Sender,
    TargetGone,
)
from interviews_api.notifications.models import Channel, DeliveryStatus
from interviews_api.notifications.worker.concurrency import FairSlots
from interviews_api.notifications.worker.delivery_context_repository import DeliveryContextRepository
from interviews_api.notifications.worker.delivery_repository import Claim, DeliveryRepository
from interviews_api.notifications.worker.retry_policy import FIRST_BACKOFF
from interviews_api.notifications.worker.suppression import unsuppressed_target
from interviews_api.notifications.worker.target_health_repository import TargetHealthRepository

_DATABASE_RETRY_SECONDS = 0.25
_WRITE_SECONDS_AFTER_STOP = 2.0  # from the first try: how long an outcome is retried once the worker stops
_log = logging.getLogger(__name__)


class _ContextUnavailable(Exception):
    """The database could not be read, so the attempt did not begin."""


class DeliverySettler:
    """Settles the claims of a channel. Methods need an application context, and may run in several threads at once.

    `health` is the repository that records the outcome of an attempt at its target.
    `backoff` maps the number of attempts to the pause before the next; `stopping` is set when the worker stops.
    """

    def __init__(
        self,
        channel: Channel,
        send: Sender,
        slots: FairSlots,
        *,
        health: type[TargetHealthRepository],
        backoff: Callable[[int], timedelta],
        lease_time: timedelta,
        stopping: threading.Event,
    ) -> None:
        self._channel = channel
        self._send = send
        self._slots = slots
        self._health = health
        self._backoff = backoff
        self._lease_time = lease_time
        self._stopping = stopping

    def settle(self, claim: Claim) -> bool:
        """Attempt the delivery and write the outcome; return whether the target may get its next delivery."""
        target: RowMapping | None = None
        try:
            context, target = self._read(claim)
            target = unsuppressed_target(context, target, now())
            status_code = self._send(target, context)
        except _ContextUnavailable as error:  # no fault of the target, so it counts as no attempt
            _log.warning("cannot read a delivery: %s", error)
            self._stopping.wait(_DATABASE_RETRY_SECONDS)
            self.release([claim])
            return False
        except RetryLater as error:
            failed_target = None if isinstance(error, MessageDeferred) else target
            self._postpone(claim, error, failed_target)
            return failed_target is None
        except DeliveryError as error:
            self._write(partial(self._end, claim=claim, target=target, error=error))
            return not isinstance(error, TargetGone)
        except Exception as error:
            _log.exception("delivery %s failed with an unexpected error", claim.id)
            self._postpone(claim, RetryLater(f"unforeseen: {type(error).__name__}"), None)
            return True
        self._write(partial(self._succeed, claim=claim, target=target, status_code=status_code))
        return True

    def release(self, claims: Sequence[Claim]) -> None:
        """Make claims of one lease token due again at once, because they were not attempted."""
        self._write(lambda connection: DeliveryRepository(connection).release(claims, until=now()))

    def _read(self, claim: Claim) -> tuple[RowMapping, RowMapping | None]:
        """Return the delivery's context, and its target or None; raises _ContextUnavailable."""
        try:
            with read_connection() as connection:
                repository = DeliveryContextRepository(connection)
                context = repository.context(claim.id, now=now())
                return context, repository.target(self._channel, claim.target_id)
        except SQLAlchemyError as error:
            raise _ContextUnavailable(type(error).__name__) from None

    def _succeed(self, connection: Connection, claim: Claim, target: RowMapping, status_code: int | None) -> None:
        DeliveryRepository(connection).finish(claim, DeliveryStatus.SENT, now=now(), status_code=status_code)
        self._health(connection).record_success(target)

    def _end(self, connection: Connection, claim: Claim, target: RowMapping | None, error: DeliveryError) -> None:
        """End the delivery; make it due again if a target that is gone has moved since, because it may arrive there."""
        health = self._health(connection)
        if target is not None and isinstance(error, TargetGone) and not health.record_gone(target, now()):
            old_error = RetryLater("the old address is gone", status_code=error.status_code)
            self._fail(connection, claim, None, until=now(), error=old_error)
            return
        status = DeliveryStatus.SUPPRESSED if isinstance(error, Obsolete) else DeliveryStatus.FAILED
        DeliveryRepository(connection).finish(
            claim, status, now=now(), error=str(error) or None, status_code=error.status_code
        )
        if target is not None and isinstance(error, Rejected):
            health.record_failure(target, now())

    def _postpone(self, claim: Claim, error: RetryLater, failed_target: RowMapping | None) -> None:
        """Plan the next attempt, the last one at `give_up_at`; then end the delivery as a dead letter.

        Pauses the target, and records its failure, unless the target is not at fault (None).
        """
        backoff = self._backoff(claim.attempts)
        if failed_target is not None:
            self._slots.pause(claim.target_id, min(backoff, FIRST_BACKOFF).total_seconds())
        until = min(now() + backoff, claim.give_up_at)
        self._write(partial(self._fail, claim=claim, failed_target=failed_target, until=until, error=error))

    def _fail(
        self,
        connection: Connection,
        claim: Claim,
        failed_target: RowMapping | None,
        until: datetime,
        error: RetryLater,
    ) -> None:
        repository, reason, status_code = DeliveryRepository(connection), str(error), error.status_code
        if now() >= claim.give_up_at:
            repository.finish(claim, DeliveryStatus.FAILED, now=now(), error=reason, status_code=status_code)
        else:
            repository.postpone(claim, until, error=reason, status_code=status_code)
        if failed_target is not None:
            self._health(connection).record_failure(failed_target, now())

    def _write(self, write: Callable[[Connection], object]) -> None:
        """Write in a transaction of its own; retry database errors until the lease has lapsed, then raise.

        Once the worker stops, retry for 2 s only, counted from the first try.
        """
        began = time.monotonic()
        lapsed = began + self._lease_time.total_seconds()
        while True:
            try:
                with transaction() as connection:
                    write(connection)
                return
            except SQLAlchemyError as error:
                is_late = self._stopping.is_set() and time.monotonic() > began + _WRITE_SECONDS_AFTER_STOP
                if is_late or time.monotonic() > lapsed:
                    raise
                _log.warning("cannot write the outcome of a delivery: %s", type(error).__name__)
                time.sleep(_DATABASE_RETRY_SECONDS)
