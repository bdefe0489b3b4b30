"""A lane of the worker: the deliveries of one channel, some at the same time, one after the other to the same target.

A target that fails is left alone for a while, whatever else waits for it, and holds up nobody but itself.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db.connections import read_connection, transaction
from interviews_api.notifications.channels.delivery_errors import (
    DeliveryError,
    Obsolete,
    RetryLater,
    Sender,
    TargetGone,
)
from interviews_api.notifications.models import Channel, DeliveryStatus
from interviews_api.notifications.worker.concurrency import FairSlots
from interviews_api.notifications.worker.delivery_repository import LEASE, Claim, DeliveryRepository
from interviews_api.notifications.worker.retry_policy import FIRST_BACKOFF, backoff, raise_if_obsolete

CLAIMED_AT_ONCE = 50
_LAST_WORDS = 2.0  # seconds for writing down what came of a delivery once the worker is to stop
_SHORTLY = 0.25  # seconds until the database is asked again
_IDLE = 1.0  # seconds between looks when nothing wakes us
_log = logging.getLogger(__name__)


class _NotRead(Exception):
    """The database did not say what a delivery is about."""


class ChannelWorker:
    """Claims and sends until told to stop. `width` is how many targets are served at once."""

    def __init__(
        self,
        app: Flask,
        channel: Channel,
        send: Sender,
        *,
        width: int,
        pause: Callable[[int], timedelta] = backoff,
        lease: timedelta = LEASE,
    ) -> None:
        self._app = app
        self._channel = channel
        self._send = send
        self._pause = pause
        self._lease = lease
        self._longest_hold = lease * 2 / 3  # with the time of one attempt to spare
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._slots = FairSlots(width)
        self._pool = ThreadPoolExecutor(width, thread_name_prefix=channel)
        self._thread = threading.Thread(target=self._run, name=f"lane-{channel}")

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Claim no more, send no more than what is being sent."""
        self._stop.set()
        self._wake.set()

    def join(self) -> None:
        """Wait until that is sent."""
        self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        with self._app.app_context():
            while not self._stop.is_set():
                try:
                    has_work = self._claim_batch()
                except SQLAlchemyError as error:
                    _log.warning("cannot claim: %s", type(error).__name__)
                    has_work = False
                except Exception:  # a lane that ends would end its channel
                    _log.exception("cannot claim")
                    has_work = False
                if not has_work:
                    self._wake.wait(_IDLE)
                    self._wake.clear()

    def _claim_batch(self) -> bool:
        """Whether something was claimed; nothing is for which there is no free slot."""
        claimed_at = now()
        claims = sorted(self._claim(), key=attrgetter("target_id", "id"))
        for target_id, some in groupby(claims, attrgetter("target_id")):
            self._pool.submit(self._deliver_claims, target_id, list(some), claimed_at)
        return bool(claims)

    def _claim(self) -> list[Claim]:
        if not self._slots.is_any_free():
            return []
        with read_connection() as connection:
            if not DeliveryRepository(connection).is_any_due(self._channel, now()):
                return []
        with transaction() as connection:
            repository = DeliveryRepository(connection)
            due = repository.due(
                self._channel,
                lease=secrets.token_hex(8),
                now=now(),
                limit=CLAIMED_AT_ONCE,
                without_targets=self._slots.blocked_targets(),
                without_owners=self._slots.blocked_owners(),
            )
            claims = self._slots.choose(due)
            if claims:
                repository.claim(claims, now() + self._lease)
        self._slots.take(claims)
        return claims

    def _deliver_claims(self, target_id: str, claims: list[Claim], claimed_at: datetime) -> None:
        try:
            with self._app.app_context():
                while claims and not self._stop.is_set() and now() - claimed_at < self._longest_hold:
                    if not self._deliver(claims.pop(0)):
                        break
                if claims:  # due at once, but for us while the target is paused
                    self._write(partial(DeliveryRepository.release, claims=claims, until=now()))
        except Exception:  # the lane must not lose a slot; what was claimed comes back when the lease lapses
            _log.exception("a delivery failed in an unforeseen way")
        finally:
            self._slots.release_target(target_id)
            self._wake.set()

    def _deliver(self, claim: Claim) -> bool:
        """Whether the target may be sent more."""
        try:
            self._attempt(claim)
        except _NotRead as error:  # which says nothing of the target
            _log.warning("cannot read what is to be delivered: %s", error)
            self._stop.wait(_SHORTLY)
            self._write(partial(DeliveryRepository.release, claims=[claim], until=now()))
            return False
        except DeliveryError as reason:
            if isinstance(reason, RetryLater):
                self._postpone(claim, str(reason))
            else:
                self._write(partial(self._give_up, claim=claim, reason=reason))
            return not isinstance(reason, RetryLater | TargetGone)
        except Exception as error:
            _log.exception("delivery %s failed in an unforeseen way", claim.id)
            self._postpone(claim, f"unforeseen: {type(error).__name__}")
            return False
        self._write(partial(DeliveryRepository.finish, claim=claim, status=DeliveryStatus.SENT, now=now()))
        return True

    def _attempt(self, claim: Claim) -> None:
        try:
            with read_connection() as connection:
                repository = DeliveryRepository(connection)
                about = repository.about(claim.id)
                target = repository.target(self._channel, claim.target_id)
        except SQLAlchemyError as error:
            raise _NotRead(type(error).__name__) from None
        raise_if_obsolete(about, now())
        if target is None:
            raise Obsolete("the recipient is no longer there")
        self._send(target, about)

    def _give_up(self, repository: DeliveryRepository, claim: Claim, reason: DeliveryError) -> None:
        status = DeliveryStatus.SUPPRESSED if isinstance(reason, Obsolete) else DeliveryStatus.FAILED
        repository.finish(claim, status, now=now(), error=str(reason))
        if isinstance(reason, TargetGone) and self._channel is Channel.PUSH:
            repository.remove_subscription(claim.target_id)
        if isinstance(reason, TargetGone) and self._channel is Channel.WEBHOOK:
            repository.disable_webhook(claim.target_id, now())

    def _postpone(self, claim: Claim, reason: str) -> None:
        pause = self._pause(claim.attempts)
        until = now() + pause
        self._slots.pause(claim.target_id, min(pause, FIRST_BACKOFF).total_seconds())
        if until > claim.give_up_at:
            dead = partial(DeliveryRepository.finish, claim=claim, status=DeliveryStatus.FAILED, now=now())
            self._write(partial(dead, error=reason))
        else:
            self._write(partial(DeliveryRepository.postpone, claim=claim, until=until, error=reason))

    def _write(self, write: Callable[[DeliveryRepository], object]) -> None:
        """In a transaction of its own; while the database is away again and again, until the lease has lapsed."""
        began = time.monotonic()
        lapsed = began + self._lease.total_seconds()
        while True:
            try:
                with transaction() as connection:
                    write(DeliveryRepository(connection))
                return
            except SQLAlchemyError as error:
                if time.monotonic() > lapsed or (self._stop.is_set() and time.monotonic() > began + _LAST_WORDS):
                    raise
                _log.warning("cannot write down what came of a delivery: %s", type(error).__name__)
                time.sleep(_SHORTLY)
