"""Channel worker: claims the due deliveries of one channel, and hands them to a thread for each target.

In this worker process, deliveries to different targets run at the same time, those to one target one after the other.
Another worker may attempt the same target. A failed target is paused, and delays only its own deliveries.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db.connections import read_connection, transaction
from interviews_api.notifications.channels.delivery_errors import Sender
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.concurrency import FairSlots
from interviews_api.notifications.worker.delivery_repository import LEASE_TIME, Claim, DeliveryRepository
from interviews_api.notifications.worker.retry_policy import backoff
from interviews_api.notifications.worker.settlement import DeliverySettler

CLAIMED_AT_ONCE = 50
_POLL_SECONDS = 1.0  # between looks for due deliveries when nothing wakes the thread
_log = logging.getLogger(__name__)


class ChannelWorker:
    """Claims and sends in threads of its own, from `start` until `stop`; `concurrency` is the most targets at once."""

    def __init__(
        self,
        app: Flask,
        channel: Channel,
        send: Sender,
        *,
        concurrency: int,
        backoff: Callable[[int], timedelta] = backoff,
        lease_time: timedelta = LEASE_TIME,
    ) -> None:
        self._app = app
        self._channel = channel
        self._lease_time = lease_time
        self._longest_hold = lease_time * 2 / 3  # leaves the time of one attempt before the lease lapses
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._slots = FairSlots(concurrency)
        self._settler = DeliverySettler(
            channel, send, self._slots, backoff=backoff, lease_time=lease_time, stopping=self._stopping
        )
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=channel)
        self._thread = threading.Thread(target=self._run, name=f"claims-{channel}")

    def start(self) -> None:
        """Start the thread that claims deliveries."""
        self._thread.start()

    def wake(self) -> None:
        """Make the thread look for due deliveries now."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the threads to end; attempts in progress are completed."""
        self._stopping.set()
        self._wake.set()

    def join(self) -> None:
        """Wait until all threads have ended."""
        self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        with self._app.app_context():
            while not self._stopping.is_set():
                try:
                    has_work = self._claim_batch()
                except SQLAlchemyError as error:
                    _log.warning("cannot claim: %s", type(error).__name__)
                    has_work = False
                except Exception:  # without this thread the channel would send nothing more
                    _log.exception("cannot claim")
                    has_work = False
                if not has_work:
                    self._wake.wait(_POLL_SECONDS)
                    self._wake.clear()

    def _claim_batch(self) -> bool:
        """Claim and start a batch; return whether there was any."""
        claimed_at = now()
        claims = sorted(self._claim(), key=attrgetter("target_id", "id"))
        for target_id, claims_of_target in groupby(claims, attrgetter("target_id")):
            self._pool.submit(self._deliver_claims, target_id, list(claims_of_target), claimed_at)
        return bool(claims)

    def _claim(self) -> list[Claim]:
        """Claim only deliveries that have a free slot, so that other workers may take the rest."""
        if not self._slots.is_any_free():
            return []
        with read_connection() as connection:
            if not DeliveryRepository(connection).is_any_due(self._channel, now()):
                return []
        with transaction() as connection:
            repository = DeliveryRepository(connection)
            due = repository.lock_due(
                self._channel,
                now=now(),
                limit=CLAIMED_AT_ONCE,
                without_targets=self._slots.blocked_targets(),
                without_owners=self._slots.blocked_owners(),
            )
            admitted = self._slots.admit(due)
            if not admitted:
                return []
            claims = repository.claim(admitted, secrets.token_hex(8), now() + self._lease_time)
        self._slots.acquire(claims)
        return claims

    def _deliver_claims(self, target_id: str, claims: list[Claim], claimed_at: datetime) -> None:
        """Settle the claims of a target in order, until one fails; release the rest."""
        try:
            with self._app.app_context():
                while claims and not self._stopping.is_set() and now() - claimed_at < self._longest_hold:
                    if not self._settler.settle(claims.pop(0)):
                        break
                if claims:
                    self._settler.release(claims)
        except Exception:  # a lapsed lease makes the claims due again, but the slot would be lost for good
            _log.exception("deliveries failed with an unexpected error")
        finally:
            self._slots.release_target(target_id)
            self._wake.set()
