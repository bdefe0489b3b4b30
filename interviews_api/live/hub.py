"""The hub: one thread per process reads the event log for all live sockets, and fills their queues.

No change is missed. The thread looks up the newest event id first and the subscribers second, then reads up to that
id. A socket that connects later first joins, then replays the log from its handshake's id (or `?after=`) up to the
newest (`handlers.py`).
"""

import logging
import queue
import sys
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
CLOSE_TOO_MANY = 1008
CLOSE_TRY_AGAIN_LATER = 1013
MAX_PER_CANDIDATE = 10
"""Sockets of one candidate in a process; one more closes the oldest."""
QUEUE_LENGTH = 1000
QUEUE_BYTES = 256 * 1024
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
    is_open: Callable[[], bool] = lambda: True
    """Returns False once the client has closed the socket, which its thread notices within CHECK_SECONDS."""
    opened_at: float = field(default_factory=time.monotonic)
    """The monotonic time of the handshake, in seconds. Sockets may subscribe in another order."""
    close_code: int | None = None
    """The code that the socket is to close with, once `end` was called."""
    _messages: "queue.Queue[tuple[int, str] | int]" = field(default_factory=lambda: queue.Queue(QUEUE_LENGTH))
    _queued_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended_at: float = 0.0

    def put(self, message: "tuple[int, str] | int") -> None:
        """Queue a message or close code; disconnect when the queue is full. The client may resume with `?after=`.

        It is full at QUEUE_LENGTH messages, or at QUEUE_BYTES of several.
        """
        size = _size(message)
        try:
            with self._lock:
                if self._queued_bytes and self._queued_bytes + size > QUEUE_BYTES:
                    raise queue.Full
                self._messages.put_nowait(message)
                self._queued_bytes += size
        except queue.Full:
            self.disconnect()

    def get(self, seconds: float) -> "tuple[int, str] | int":
        """Return the next message or close code; raises queue.Empty if none is queued within that time."""
        message = self._messages.get(timeout=seconds)
        with self._lock:
            self._queued_bytes -= _size(message)
        return message

    def end(self, code: int) -> None:
        """Queue the close code on the first call; disconnect on a later call, once GRACE_SECONDS have passed."""
        if self.close_code is None:
            self.close_code, self._ended_at = code, time.monotonic()
            self.put(code)
        elif time.monotonic() - self._ended_at >= GRACE_SECONDS:
            self.disconnect()


def _size(message: "tuple[int, str] | int") -> int:
    """Return the memory of a queued message in bytes, 0 for a close code."""
    return 0 if isinstance(message, int) else sys.getsizeof(message[1])


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
    """The subscribers and the seats of this process. A seat is a place for one socket.

    `post_worker_init` in gunicorn.conf.py replaces `is_stopping`, and in gunicorn.live.conf.py `seats`.
    """

    def __init__(self, app: Flask, seats: int) -> None:
        self.seats = seats
        self.is_stopping: Callable[[], bool] = lambda: False
        self._app = app
        self._lock = threading.Lock()
        self._subscribers: set[Subscriber] = set()
        self._seats_taken = 0
        self._thread: threading.Thread | None = None

    def take_seat(self) -> bool:
        """Take a seat; return False when all are taken. The caller must return it with `give_seat_back`."""
        with self._lock:
            is_free = self._seats_taken < self.seats
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
        A candidate's sockets beyond MAX_PER_CANDIDATE end, the oldest first. They may take GRACE_SECONDS, so beyond
        twice that number they are disconnected at once.
        """
        with self._lock:
            self._subscribers.add(subscriber)
            candidate_id = subscriber.viewer.user_id
            own = [each for each in self._subscribers if each.viewer.user_id == candidate_id and each.is_open()]
            own.sort(key=lambda each: each.opened_at)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, args=(newest,), daemon=True, name="live")
                self._thread.start()
        for surplus in own[:-MAX_PER_CANDIDATE]:
            surplus.end(CLOSE_TOO_MANY)
        for surplus in own[: -2 * MAX_PER_CANDIDATE]:
            surplus.disconnect()

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
            elif subscriber.close_code is not None:
                subscriber.end(subscriber.close_code)
