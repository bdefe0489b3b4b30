"""`flask worker`: makes reminders and deliveries of what the log and the clock say, and wakes the lanes that send them.

Any number of workers may run on one Postgres. Whatever dies midway was a transaction, or a claim that lapses.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from flask import Flask
from psycopg import Error as PsycopgError
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db.connections import Database, read_connection, transaction
from interviews_api.events.wakeup import CommitListener, listen_for_commits
from interviews_api.notifications.worker.channel_worker import ChannelWorker
from interviews_api.notifications.worker.fan_out import DeliveryFanOut
from interviews_api.notifications.worker.reminder_repository import ReminderRepository

_LOOK_EVERY = 1.0  # seconds: reminders fall due without anybody telling
_STEP = 0.1  # seconds between looks at whether it is to stop
_log = logging.getLogger(__name__)


class Worker:
    """One process's share of the work; `lanes` are started and stopped with it."""

    def __init__(self, app: Flask, channel_workers: Sequence[ChannelWorker]) -> None:
        self._app = app
        self._lanes = channel_workers
        self._is_to_stop = False

    def stop(self, *_signal: object) -> None:
        """Ask it to end. A signal handler, too: it takes no lock, for the thread it interrupts may hold it."""
        self._is_to_stop = True

    def run(self) -> None:
        """Until `stop`; returns when what is being sent was sent."""
        for channel_worker in self._lanes:
            channel_worker.start()
        signal: CommitListener | None = None
        with self._app.app_context():
            database: Database = self._app.extensions["database"]
            while not self._is_to_stop:
                try:
                    signal = signal or listen_for_commits(database.engine)
                    if not work_once(now()):
                        self._wait(signal)
                    for channel_worker in self._lanes:
                        channel_worker.wake()
                except Exception as error:  # whatever it is: the next look is a fresh one
                    is_away = isinstance(error, SQLAlchemyError | PsycopgError)
                    _log.warning("cannot work: %s", type(error).__name__, exc_info=None if is_away else error)
                    _close(signal)
                    signal = None
                    time.sleep(0.5)
        for channel_worker in self._lanes:
            channel_worker.stop()
        _close(signal)
        for channel_worker in self._lanes:
            channel_worker.join()

    def _wait(self, signal: CommitListener) -> None:
        looks_at = time.monotonic() + _LOOK_EVERY
        while not self._is_to_stop and time.monotonic() < looks_at:
            if signal.wait(_STEP):
                return


def work_once(present: datetime) -> bool:
    """Make the reminders that are due and the deliveries of what happened; whether there was something to do."""
    with read_connection() as connection:
        is_any_due = ReminderRepository(connection).is_any_due(present)
        has_pending = DeliveryFanOut(connection).has_pending()
    if is_any_due:
        with transaction() as connection:
            ReminderRepository(connection).remind(present)
    if is_any_due or has_pending:
        with transaction() as connection:
            DeliveryFanOut(connection).run(present)
    return is_any_due or has_pending


def _close(signal: CommitListener | None) -> None:
    if signal is not None:
        with suppress(SQLAlchemyError, PsycopgError):
            signal.close()
