"""The worker of `flask worker`: makes reminders, writes deliveries, wakes the channel workers, and purges once a day.

Any number of workers may share a Postgres database. A worker that crashes loses nothing: its transaction rolls back,
and its claims become due again when their lease lapses.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime

from flask import Flask
from psycopg import Error as PsycopgError
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.clock import now
from interviews_api.db.connections import Database, read_connection, transaction
from interviews_api.events.wakeup import CommitListener, close_quietly, listen_for_commits
from interviews_api.notifications.worker.channel_worker import ChannelWorker
from interviews_api.notifications.worker.daily_purge import DailyPurge
from interviews_api.notifications.worker.fan_out import DeliveryFanOut
from interviews_api.notifications.worker.heartbeat import beat
from interviews_api.notifications.worker.reminder_repository import ReminderRepository
from interviews_api.services import service

_POLL_SECONDS = 1.0  # reminders fall due without a commit, so the database is read at least this often
_STOP_CHECK_SECONDS = 0.1
_ERROR_PAUSE_SECONDS = 0.5
_log = logging.getLogger(__name__)


class Worker:
    """The loop of a worker process; starts and stops the channel workers with it."""

    def __init__(self, app: Flask, channel_workers: Sequence[ChannelWorker]) -> None:
        self._app = app
        self._channel_workers = channel_workers
        self._daily_purge = DailyPurge()
        self._is_stopping = False

    def stop(self, *_signal: object) -> None:
        """Ask `run` to return.

        Serves as a signal handler, so it takes no lock: the interrupted thread may hold it.
        """
        self._is_stopping = True

    def run(self) -> None:
        """Work until `stop` is called, then wait for the attempts in progress."""
        for channel_worker in self._channel_workers:
            channel_worker.start()
        with self._app.app_context():
            self._work_until_stopped()
        for channel_worker in self._channel_workers:
            channel_worker.join()

    def _work_until_stopped(self) -> None:
        database = service(Database)
        listener: CommitListener | None = None
        while not self._is_stopping:
            beat()
            try:
                listener = listener or listen_for_commits(database.engine)
                has_worked = work_once(now())
                has_purged = self._daily_purge.work(now())
                if not has_worked and not has_purged:
                    self._wait(listener)
                for channel_worker in self._channel_workers:
                    channel_worker.wake()
            except Exception as error:  # the loop must not end, so any error only costs a pause and a new listener
                is_away = isinstance(error, SQLAlchemyError | PsycopgError)
                _log.warning("cannot work: %s", type(error).__name__, exc_info=None if is_away else error)
                close_quietly(listener)
                listener = None
                time.sleep(_ERROR_PAUSE_SECONDS)
        for channel_worker in self._channel_workers:
            channel_worker.stop()
        close_quietly(listener)

    def _wait(self, listener: CommitListener) -> None:
        deadline = time.monotonic() + _POLL_SECONDS
        while not self._is_stopping and time.monotonic() < deadline:
            if listener.wait(_STOP_CHECK_SECONDS):
                return


def work_once(present: datetime) -> bool:
    """Make the reminders that are due and the deliveries of new events; return whether there was any work.

    `present` is in UTC.
    """
    with read_connection() as connection:
        is_any_due = ReminderRepository(connection).is_any_due(present)
        has_fan_out_work = DeliveryFanOut(connection).has_work()
    if is_any_due:
        with transaction() as connection:
            ReminderRepository(connection).remind(present)
    if is_any_due or has_fan_out_work:
        with transaction() as connection:
            DeliveryFanOut(connection).run(present)
    return is_any_due or has_fan_out_work
