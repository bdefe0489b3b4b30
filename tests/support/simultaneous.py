"""Requests sent at one moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.support.gunicorn_server import GunicornServer

Call = tuple[str, str, dict[str, str], Any]  # method, path, headers, body


def at_once(server: GunicornServer, calls: list[Call]) -> list[tuple[int, bytes]]:
    """Send all requests at one moment and return status and body of each."""
    barrier = Barrier(len(calls))

    def send(call: Call) -> tuple[int, bytes]:
        barrier.wait(30)
        status, _, body = server.request(*call)
        return status, body

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(send, calls))
