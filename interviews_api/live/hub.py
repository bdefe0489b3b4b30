"""One thread a process reads the event log for all of its sockets, and puts each change into their queues.

Nothing is missed: it reads up to an id that it looked up before it asked who is connected, and a socket that connects
later reads the log itself up to its own moment (`handlers.py`).
"""

import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from flask import Flask
from psycopg import Error as PsycopgError
from sqlalchemy import RowMapping
from sqlalchemy.exc import SQLAlchemyError

from interviews_api.accounts.models import Viewer
from interviews_api.clock import format_instant, now
from interviews_api.db.connections import Database, read_connection
from interviews_api.events.wakeup import CommitListener, listen_for_commits
from interviews_api.ids import MALFORMED_ID
from interviews_api.interviews.candidate_schemas import ListedInterview
from interviews_api.live.repository import BATCH, LiveRepository

UNAUTHORIZED = 4401
GOING_AWAY = 1001  # RFC 6455, section 7.4.1
TRY_AGAIN_LATER = 1013
QUEUE_LENGTH = 1000
LOOK_EVERY = 1.0  # seconds: at sessions, tokens and whether the process is stopping
GRACE = 1.5  # seconds: to take the code that one is closed with
_INTERVIEW = ListedInterview()
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Listener:
    """One socket's side: (id, message) to send in order, or the code to close with."""

    viewer: Viewer
    token_ends_at: datetime
    page_subquery: Callable[[], None]
    """Ends the connection of who does not read."""
    messages: "queue.Queue[tuple[int, str] | int]" = field(default_factory=lambda: queue.Queue(QUEUE_LENGTH))
    _told_at: float | None = None

    def put(self, message: "tuple[int, str] | int") -> None:
        """Hand it over; who has fallen too far behind is cut off, and comes back with `?after=`."""
        try:
            self.messages.put_nowait(message)
        except queue.Full:
            self.page_subquery()

    def end(self, code: int) -> None:
        """Hand over the code to close with; asked again after GRACE, cut off who has not taken it."""
        if self._told_at is None:
            self._told_at = time.monotonic()
            self.put(code)
        elif time.monotonic() - self._told_at >= GRACE:
            self.page_subquery()


def as_message(change: RowMapping) -> tuple[int, str]:
    """The event's id, and what is sent."""
    shown = {
        "id": change["event_id"],
        "event": change["event_type"],
        "at": format_instant(change["event_at"]),
        "interview": _INTERVIEW.dump(change),
    }
    return change["event_id"], orjson.dumps(shown).decode()


class Hub:
    """The listeners of this process; `is_stopping` is set by gunicorn's hook."""

    def __init__(self, app: Flask) -> None:
        self.is_stopping: Callable[[], bool] = lambda: False
        self._app = app
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._seats_taken = 0
        self._thread: threading.Thread | None = None

    def take_seat(self, seats: int) -> bool:
        """Whether there was one left of so many; who took one gives it back."""
        with self._lock:
            is_free = self._seats_taken < seats
            self._seats_taken += is_free
            return is_free

    def give_seat_back(self) -> None:
        """See `take_seat`."""
        with self._lock:
            self._seats_taken -= 1

    def add(self, listener: Listener, newest: int) -> None:
        """From now on it is told of all that comes after `newest`, an id that was the last one before this call.

        The first one starts the thread, which begins there: what is committed while it starts is not missed.
        """
        with self._lock:
            self._listeners.add(listener)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, args=(newest,), daemon=True, name="live")
                self._thread.start()

    def remove(self, listener: Listener) -> None:
        """It is told no more."""
        with self._lock:
            self._listeners.discard(listener)

    def _present(self) -> list[Listener]:
        with self._lock:
            return list(self._listeners)

    def _run(self, reached: int) -> None:
        """Until nobody listens any more; after an error the log is read on from where it was."""
        signal: CommitListener | None = None
        looked_at = 0.0
        with self._app.app_context():
            database: Database = self._app.extensions["database"]
            while not self._is_idle():
                try:
                    signal = signal or listen_for_commits(database.engine)
                    reached = self._tell(reached)
                    if time.monotonic() - looked_at >= LOOK_EVERY:
                        self._close_ended()
                        looked_at = time.monotonic()
                    signal.wait(LOOK_EVERY)
                except Exception as error:  # whatever it is: the next look is a fresh one
                    is_away = isinstance(error, SQLAlchemyError | PsycopgError)
                    _log.warning("live updates wait: %s", type(error).__name__, exc_info=None if is_away else error)
                    _close(signal)
                    signal = None
                    self._close_expired()
                    time.sleep(0.5)
        _close(signal)

    def _is_idle(self) -> bool:
        """Whether the thread may end; decided under the lock, so that no new listener relies on it then."""
        with self._lock:
            if self._listeners:
                return False
            self._thread = None
            return True

    def _tell(self, reached: int) -> int:
        """Hand over what happened after `reached`; up to where the log is read now."""
        with read_connection() as connection:
            newest = LiveRepository(connection).newest()
        by_candidate = defaultdict(list)
        for listener in self._present():
            by_candidate[listener.viewer.user_id].append(listener)
        if newest == reached or not by_candidate:
            return newest
        with read_connection() as connection:
            changes = LiveRepository(connection).changes(by_candidate.keys(), after=reached, up_to=newest)
        for change in changes:
            message = as_message(change)
            for listener in by_candidate[change["event_candidate_id"]]:
                listener.put(message)
        return int(changes[-1]["event_id"]) if len(changes) == BATCH else newest

    def _close_ended(self) -> None:
        listeners = self._present()
        sessions = {one.viewer.session_id for one in listeners} - {MALFORMED_ID}
        with read_connection() as connection:
            living = LiveRepository(connection).living(sessions) | {MALFORMED_ID} if sessions else {MALFORMED_ID}
        for listener in listeners:
            if listener.viewer.session_id not in living:
                listener.end(UNAUTHORIZED)
        self._close_expired()

    def _close_expired(self) -> None:
        present, is_stopping = now(), self.is_stopping()
        for listener in self._present():
            if listener.token_ends_at <= present:
                listener.end(UNAUTHORIZED)
            elif is_stopping:
                listener.end(GOING_AWAY)


def _close(signal: CommitListener | None) -> None:
    if signal is not None:
        with suppress(SQLAlchemyError, PsycopgError):
            signal.close()
