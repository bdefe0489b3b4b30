"""Channel worker: claims the due deliveries of one channel, and hands each group to a thread.

A group is a target and an originator. In this worker process the deliveries of a group are attempted one after the
other, all others at the same time. Another worker may attempt the same target. A failed target is paused, and delays
only its own deliveries.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db.connections import read_connection, transaction
from interviews_api.notifications.delivery_errors import Sender
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.concurrency import FairSlots
from interviews_api.notifications.worker.delivery_repository import (
    LEASE_TIME,
    Claim,
    DeliveryRepository,
    DueDelivery,
    Group,
    Queue,
)
from interviews_api.notifications.worker.mail_limit_repository import MailLimitRepository
from interviews_api.notifications.worker.retry_policy import backoff
from interviews_api.notifications.worker.settlement import DeliverySettler
from interviews_api.notifications.worker.target_health_repository import TARGET_HEALTH

CLAIMED_AT_ONCE = 50
_CLAIMED_OF_ORIGINATOR = 20
_ORIGINATORS_AT_ONCE = 500
_ACCOUNT_CONCURRENCY = 4
_POLL_SECONDS = 1.0  # between looks for due deliveries when nothing wakes the thread
_log = logging.getLogger(__name__)


class ChannelWorker:
    """Claims and sends in threads of its own, from `start` until `stop`; `concurrency` is the most groups at once."""

    def __init__(
        self,
        app: Flask,
        queue: Queue,
        send: Sender,
        *,
        concurrency: int,
        backoff: Callable[[int], timedelta] = backoff,
        lease_time: timedelta = LEASE_TIME,
        is_limited: bool = False,
    ) -> None:
        self._app = app
        self._queue = queue
        self._is_limited = is_limited
        self._first_originator = ""
        self._lease_time = lease_time
        self._longest_hold = lease_time * 2 / 3  # leaves the time of one attempt before the lease lapses
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._slots = FairSlots(concurrency)
        self._settler = DeliverySettler(
            queue.channel,
            send,
            self._slots,
            health=TARGET_HEALTH[queue.channel],
            backoff=backoff,
            lease_time=lease_time,
            stopping=self._stopping,
        )
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=queue.channel)
        self._thread = threading.Thread(target=self._run, name=f"claims-{queue.channel}")

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
        """Claim and start a batch; return whether there may be more at once."""
        claimed_at = now()
        groups: dict[Group, list[Claim]] = {}
        claims, is_any_held = self._claim()
        for claim in claims:
            groups.setdefault(claim.group, []).append(claim)
        for group, claims_of_group in groups.items():
            self._pool.submit(self._deliver_claims, group, claims_of_group, claimed_at)
        return bool(claims) or is_any_held

    def _claim(self) -> tuple[list[Claim], bool]:
        """Claim only deliveries that have a free slot, so that other workers may take the rest.

        Return the claims, and whether a limit on mails held others back.
        """
        originators = self._originators_in_turn() if self._slots.is_any_free() else []
        if not originators:
            return [], False
        with transaction() as connection:
            repository, is_any_held = DeliveryRepository(connection), False
            if self._is_limited:
                mail_limits = MailLimitRepository(connection)
                mail_limits.lock_counts()
                due, is_any_held = mail_limits.within_limits(self._lock_due(repository, originators), now())
            else:
                due = self._lock_due(repository, originators)
            claims = repository.claim(due, secrets.token_hex(8), now() + self._lease_time) if due else []
        self._slots.acquire(claims)
        return claims, is_any_held

    def _originators_in_turn(self) -> list[str]:
        """Return the originators with due deliveries that may get a slot; of very many a part at each call."""
        with read_connection() as connection:
            repository = DeliveryRepository(connection)
            if not repository.is_any_due(self._queue, now()):
                return []
            originators = repository.due_originators(
                self._queue, now=now(), first=self._first_originator, limit=_ORIGINATORS_AT_ONCE
            )
            if not originators and self._first_originator:
                originators = repository.due_originators(self._queue, now=now(), limit=_ORIGINATORS_AT_ONCE)
        self._first_originator = originators[-1] if len(originators) == _ORIGINATORS_AT_ONCE else ""
        return self._slots.in_turn(originators)

    def _lock_due(self, repository: DeliveryRepository, originators: Sequence[str]) -> list[DueDelivery]:
        """Lock the due deliveries that fit into the slots, of each originator in turn."""
        admitted: list[DueDelivery] = []
        for originator in originators:
            if len(admitted) >= CLAIMED_AT_ONCE or not self._slots.has_room(originator, admitted):
                continue
            due = repository.lock_due(
                self._queue,
                originator,
                now=now(),
                limit=_CLAIMED_OF_ORIGINATOR,
                without_targets=self._slots.blocked_targets(originator),
            )
            admitted += self._slots.admit(due, admitted)
        return admitted

    def _deliver_claims(self, group: Group, claims: list[Claim], claimed_at: datetime) -> None:
        """Settle the claims of a group in order, until its target fails; release the rest."""
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
            self._slots.release(group)
            self._wake.set()


def make_channel_workers(
    app: Flask,
    senders: Mapping[Channel, Sender],
    concurrency: Mapping[Channel, int],
    *,
    limits_mails: bool = False,
    **options: Any,
) -> Iterator[ChannelWorker]:
    """Yield the channel workers of these senders: one for each channel, and one more for mails about accounts."""
    for channel, send in senders.items():
        is_mail = channel is Channel.EMAIL
        is_limited = limits_mails and is_mail
        yield ChannelWorker(
            app, Queue(channel), send, concurrency=concurrency[channel], is_limited=is_limited, **options
        )
        if is_mail:
            queue = Queue(channel, is_about_accounts=True)
            yield ChannelWorker(app, queue, send, concurrency=_ACCOUNT_CONCURRENCY, **options)
