"""gunicorn's threaded worker with a shorter way to its threads (ADR 18)."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from typing import Any, NamedTuple

import gunicorn.util
from gunicorn.workers.gthread import ThreadWorker

_log = logging.getLogger(__name__)
_written_date = lru_cache(1)(formatdate)


def _http_date(timestamp: float | None = None) -> str:
    """The Date of a response (RFC 9110, section 5.6.7), written once a second."""
    return _written_date(int(time.time() if timestamp is None else timestamp), usegmt=True)


gunicorn.util.http_date = _http_date  # no setting for it


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Hands connections to its threads without a future and its locks for each: 20 µs of a request."""

    def get_thread_pool(self) -> "_Threads":
        """gunicorn's own place for another kind of pool."""
        return _Threads(self.cfg.threads, self._serve)

    def run(self) -> None:
        """Until it is told to stop; the process then waits for its threads."""
        try:
            self.tpool.start()
            super().run()
        finally:
            self.tpool.shutdown(wait=False)

    def enqueue_req(self, conn: Any) -> None:
        """A connection that a request has come on, to the next thread that is free."""
        self.tpool.waiting.put(conn)

    def _serve(self, conn: Any) -> None:
        """In a thread. The main one is told what came of it, and not left to wait for who does not hang up (2 s)."""
        keeps = False
        try:
            keeps = self.handle(conn)
        except BaseException:  # what would end the thread
            _log.exception("a connection is given up")
        if keeps:
            self.method_queue.defer(self.finish_request, conn, _Served(keeps))
        else:
            with suppress(OSError):
                conn.close(graceful=True)
            self.method_queue.defer(self._count_out)

    def _count_out(self) -> None:
        self.nr_conns -= 1


class _Served(NamedTuple):
    """What gunicorn asks of a future."""

    keeps: Any

    def cancelled(self) -> bool:
        """Never."""
        return False

    def result(self) -> Any:
        """Whether the connection stays open, or gunicorn's word for one on which nothing has come yet."""
        return self.keeps


class _Threads:
    """So many threads, which take what waits, one after the other."""

    def __init__(self, number: int, serve: Callable[[Any], None]) -> None:
        self.waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._serve = serve
        self._threads = [threading.Thread(target=self._run) for _ in range(number)]

    def start(self) -> None:
        """Now that there is something to serve."""
        for thread in self._threads:
            thread.start()

    def shutdown(self, *, wait: bool) -> None:
        """Each ends when it has done what it does. gunicorn never asks to `wait` for that."""
        for _ in self._threads:
            self.waiting.put(None)

    def _run(self) -> None:
        while (one := self.waiting.get()) is not None:
            self._serve(one)
