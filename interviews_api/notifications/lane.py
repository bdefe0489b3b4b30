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
from sqlalchemy import RowMapping
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db import reading, transaction
from interviews_api.notifications.delivery_repository import LEASE, Claim, DeliveryRepository
from interviews_api.notifications.models import Channel, DeliveryStatus
from interviews_api.notifications.outcome import Gone, NotSent, Suppressed, TryLater
from interviews_api.notifications.rules import FIRST_PAUSE, check_still_stands, pause_after

Sender = Callable[[RowMapping, RowMapping], None]
"""Sends to a target (a user, subscription or webhook) what a delivery is about; raises NotSent."""

CLAIMED_AT_ONCE = 50
_LAST_WORDS = 2.0  # seconds for writing down what came of a delivery once the worker is to stop
_IDLE = 1.0  # seconds between looks when nothing wakes us
_log = logging.getLogger(__name__)


class Lane:
    """Claims and sends until told to stop. `width` is how many targets are served at once."""

    def __init__(
        self,
        app: Flask,
        channel: Channel,
        send: Sender,
        *,
        width: int,
        pause: Callable[[int], timedelta] = pause_after,
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
        self._slots = threading.Semaphore(width)
        self._pool = ThreadPoolExecutor(width, thread_name_prefix=channel)
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._paused: dict[str, float] = {}
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
                    has_work = self._start_some()
                except SQLAlchemyError as error:
                    _log.warning("cannot claim: %s", type(error).__name__)
                    has_work = False
                except Exception:  # a lane that ends would end its channel
                    _log.exception("cannot claim")
                    has_work = False
                if not has_work:
                    self._wake.wait(_IDLE)
                    self._wake.clear()

    def _start_some(self) -> bool:
        """Whether something was claimed; waits for free slots."""
        claimed_at = now()
        claims = sorted(self._claim(), key=attrgetter("target_id", "id"))
        for target_id, some in groupby(claims, attrgetter("target_id")):
            self._slots.acquire()
            self._pool.submit(self._work_off, target_id, list(some), claimed_at)
        return bool(claims)

    def _claim(self) -> list[Claim]:
        with self._lock:
            present = time.monotonic()
            self._paused = {target: end for target, end in self._paused.items() if end > present}
            besides = self._busy | self._paused.keys()
        with reading() as connection:
            if not DeliveryRepository(connection).is_any_due(self._channel, now()):
                return []
        with transaction() as connection:
            claims = DeliveryRepository(connection).claim(
                self._channel,
                lease=secrets.token_hex(8),
                now=now(),
                limit=CLAIMED_AT_ONCE,
                besides=besides,
                lapses_after=self._lease,
            )
        with self._lock:
            self._busy |= {claim.target_id for claim in claims}
        return claims

    def _work_off(self, target_id: str, claims: list[Claim], claimed_at: datetime) -> None:
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
            with self._lock:
                self._busy.discard(target_id)
            self._slots.release()
            self._wake.set()

    def _deliver(self, claim: Claim) -> bool:
        """Whether the target may be sent more."""
        try:
            self._attempt(claim)
        except NotSent as reason:
            if isinstance(reason, TryLater):
                self._postpone(claim, str(reason))
            else:
                self._write(partial(self._give_up, claim=claim, reason=reason))
            return not isinstance(reason, TryLater | Gone)
        except Exception as error:
            _log.exception("delivery %s failed in an unforeseen way", claim.id)
            self._postpone(claim, f"unforeseen: {type(error).__name__}")
            return False
        self._write(partial(DeliveryRepository.finish, claim=claim, status=DeliveryStatus.SENT, now=now()))
        return True

    def _attempt(self, claim: Claim) -> None:
        try:
            with reading() as connection:
                repository = DeliveryRepository(connection)
                about = repository.about(claim.id)
                target = repository.target(self._channel, claim.target_id)
        except SQLAlchemyError as error:
            raise TryLater(f"the database: {type(error).__name__}") from None
        check_still_stands(about, now())
        if target is None:
            raise Suppressed("the recipient is no longer there")
        self._send(target, about)

    def _give_up(self, repository: DeliveryRepository, claim: Claim, reason: NotSent) -> None:
        status = DeliveryStatus.SUPPRESSED if isinstance(reason, Suppressed) else DeliveryStatus.FAILED
        repository.finish(claim, status, now=now(), error=str(reason))
        if isinstance(reason, Gone) and self._channel is Channel.PUSH:
            repository.remove_subscription(claim.target_id)
        if isinstance(reason, Gone) and self._channel is Channel.WEBHOOK:
            repository.disable_webhook(claim.target_id, now())

    def _postpone(self, claim: Claim, reason: str) -> None:
        pause = self._pause(claim.attempts)
        until = now() + pause
        with self._lock:
            self._paused[claim.target_id] = time.monotonic() + min(pause, FIRST_PAUSE).total_seconds()
        if until > claim.give_up_at:
            dead = partial(DeliveryRepository.finish, claim=claim, status=DeliveryStatus.FAILED, now=now())
            self._write(partial(dead, error=reason))
        else:
            self._write(partial(DeliveryRepository.postpone, claim=claim, until=until, error=reason))

    def _write(self, write: Callable[[DeliveryRepository], object]) -> None:
        """In a transaction of its own; while the database is away again and again, until the lease has lapsed."""
        began = time.monotonic()
        deadline = began + self._longest_hold.total_seconds()
        while True:
            try:
                with transaction() as connection:
                    write(DeliveryRepository(connection))
                return
            except SQLAlchemyError as error:
                if time.monotonic() > deadline or (self._stop.is_set() and time.monotonic() > began + _LAST_WORDS):
                    raise
                _log.warning("cannot write down what came of a delivery: %s", type(error).__name__)
                time.sleep(0.25)
