"""The hub: one thread per process reads the event log for all live sockets, and fills their queues.

No change is missed. The thread looks up the newest event id first and the subscribers second, then reads up to that
id. A socket that connects later first joins, then replays the log from its handshake's id (or `?after=`) up to the
newest (`handlers.py`).
"""

import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from flask import Flask
from psycopg import Error as PsycopgError
from sqlalchemy import RowMapping
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.accounts.models import NO_SESSION, Viewer
from interviews_api.clock import format_instant, now
from interviews_api.db.connections import Database, read_connection
from interviews_api.events.wakeup import CommitListener, close_quietly, listen_for_commits
from interviews_api.interviews.candidate_schemas import ListedInterview
from interviews_api.live.repository import BATCH, LiveRepository
from interviews_api.services import service

CLOSE_UNAUTHORIZED = 4401
CLOSE_GOING_AWAY = 1001  # RFC 6455, section 7.4.1
CLOSE_TRY_AGAIN_LATER = 1013
QUEUE_LENGTH = 1000
CHECK_SECONDS = 1.0  # between checks of sessions, of tokens and of whether the process is stopping
GRACE_SECONDS = 1.5  # for a client to read the close code
_ERROR_PAUSE_SECONDS = 0.5
_INTERVIEW = ListedInterview()
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Subscriber:
    """A live socket as the hub sees it. Its queue holds (event id, message) in order, or a close code."""

    viewer: Viewer
    token_ends_at: datetime
    disconnect: Callable[[], None]
    """Resets the connection; for clients that do not read."""
    messages: "queue.Queue[tuple[int, str] | int]" = field(default_factory=lambda: queue.Queue(QUEUE_LENGTH))
    _close_code_put_at: float | None = None

    def put(self, message: "tuple[int, str] | int") -> None:
        """Queue a message or close code; disconnect when the queue is full. The client may resume with `?after=`."""
        try:
            self.messages.put_nowait(message)
        except queue.Full:
            self.disconnect()

    def end(self, code: int) -> None:
        """Queue the close code on the first call; disconnect on a later call, once GRACE_SECONDS have passed."""
        if self._close_code_put_at is None:
            self._close_code_put_at = time.monotonic()
            self.put(code)
        elif time.monotonic() - self._close_code_put_at >= GRACE_SECONDS:
            self.disconnect()


def as_message(change: RowMapping) -> tuple[int, str]:
    """Return the id of the change's event, and the JSON message for the client."""
    message = {
        "id": change["event_id"],
        "event": change["event_type"],
        "at": format_instant(change["event_at"]),
        "interview": _INTERVIEW.dump(change),
    }
    return change["event_id"], orjson.dumps(message).decode()


class Hub:
    """The subscribers and the seats of this process.

    `post_worker_init` in gunicorn.conf.py replaces `is_stopping`.
    """

    def __init__(self, app: Flask) -> None:
        self.is_stopping: Callable[[], bool] = lambda: False
        self._app = app
        self._lock = threading.Lock()
        self._subscribers: set[Subscriber] = set()
        self._seats_taken = 0
        self._thread: threading.Thread | None = None

    def take_seat(self, seats: int) -> bool:
        """Take one of that many seats; return False when all are taken. A seat is a place for one socket.

        The caller must return a taken seat with `give_seat_back`.
        """
        with self._lock:
            is_free = self._seats_taken < seats
            self._seats_taken += is_free
            return is_free

    def give_seat_back(self) -> None:
        """Free a seat that `take_seat` took, so that another socket can have it."""
        with self._lock:
            self._seats_taken -= 1

    def add(self, subscriber: Subscriber, newest: int) -> None:
        """Subscribe: from now on queue each change of the viewer's interviews.

        `newest` is the last event id at the subscriber's handshake. The first subscriber starts the thread, which reads
        from `newest` on, so commits during its start are not missed.
        """
        with self._lock:
            self._subscribers.add(subscriber)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, args=(newest,), daemon=True, name="live")
                self._thread.start()

    def remove(self, subscriber: Subscriber) -> None:
        """Unsubscribe: queue no more changes."""
        with self._lock:
            self._subscribers.discard(subscriber)

    def _snapshot(self) -> list[Subscriber]:
        with self._lock:
            return list(self._subscribers)

    def _run(self, position: int) -> None:
        """Read the log from `position` on until there are no subscribers; an error does not move the position."""
        listener: CommitListener | None = None
        checked_at = 0.0
        with self._app.app_context():
            database = service(Database)
            while not self._end_if_idle():
                try:
                    listener = listener or listen_for_commits(database.engine)
                    position = self._publish(position)
                    if time.monotonic() - checked_at >= CHECK_SECONDS:
                        self._end_invalid()
                        checked_at = time.monotonic()
                    listener.wait(CHECK_SECONDS)
                except Exception as error:  # the loop must not end, so any error only costs a pause and a new listener
                    is_away = isinstance(error, SQLAlchemyError | PsycopgError)
                    _log.warning("live updates wait: %s", type(error).__name__, exc_info=None if is_away else error)
                    close_quietly(listener)
                    listener = None
                    self._end_expired_or_stopping()
                    time.sleep(_ERROR_PAUSE_SECONDS)
        close_quietly(listener)

    def _end_if_idle(self) -> bool:
        """Forget the thread and return True if there are no subscribers; under the lock, so `add` starts a new one."""
        with self._lock:
            if self._subscribers:
                return False
            self._thread = None
            return True

    def _publish(self, position: int) -> int:
        """Queue the changes after `position` for their subscribers; return the new position."""
        with read_connection() as connection:
            newest = LiveRepository(connection).newest()
        by_candidate = defaultdict(list)
        for subscriber in self._snapshot():
            by_candidate[subscriber.viewer.user_id].append(subscriber)
        if newest == position or not by_candidate:
            return newest
        with read_connection() as connection:
            changes = LiveRepository(connection).changes(by_candidate.keys(), after=position, up_to=newest)
        for change in changes:
            message = as_message(change)
            for subscriber in by_candidate[change["event_candidate_id"]]:
                subscriber.put(message)
        return int(changes[-1]["event_id"]) if len(changes) == BATCH else newest

    def _end_invalid(self) -> None:
        """End the subscribers whose session or token has ended, or all when the process stops.

        Tokens of the identity provider have no session.
        """
        subscribers = self._snapshot()
        session_ids = {subscriber.viewer.session_id for subscriber in subscribers} - {NO_SESSION}
        active = {NO_SESSION}
        if session_ids:
            with read_connection() as connection:
                active |= LiveRepository(connection).active_sessions(session_ids)
        for subscriber in subscribers:
            if subscriber.viewer.session_id not in active:
                subscriber.end(CLOSE_UNAUTHORIZED)
        self._end_expired_or_stopping()

    def _end_expired_or_stopping(self) -> None:
        """End the subscribers with an expired token, or all when the process stops."""
        present, is_stopping = now(), self.is_stopping()
        for subscriber in self._snapshot():
            if subscriber.token_ends_at <= present:
                subscriber.end(CLOSE_UNAUTHORIZED)
            elif is_stopping:
                subscriber.end(CLOSE_GOING_AWAY)
