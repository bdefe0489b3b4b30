"""A flood: `python -m tests.support.flooder` sends requests over eight connections, as fast as they are answered.

Reads a JSON object from stdin: `port`, `seconds`, and `requests` in latin-1. Prints an empty line when it begins, and
at the end a JSON object: the number of answers by "<status>", or "<status> later" for those with a Retry-After.

It is a process of its own with a low priority, because a flooder has another machine. Its address is 127.0.0.2, so that
nginx counts it apart from other clients.
"""

import json
import os
import re
import socket
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

CONNECTIONS = 8
ADDRESS = "127.0.0.2"
DROPPED = "dropped"
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)
_LATER = re.compile(rb"\r\nRetry-After: \d+\r\n", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nConnection: close\r\n", re.IGNORECASE)


def repeat(port: int, request: bytes, ends_at: float) -> Counter[str]:
    """Repeat a request over one connection until `ends_at`, a monotonic time; return the number of each status."""
    answers: Counter[str] = Counter()
    while time.monotonic() < ends_at:
        with socket.create_connection(("127.0.0.1", port), 60, source_address=(ADDRESS, 0)) as sock:
            try:
                while time.monotonic() < ends_at:
                    head = exchange(sock, request)
                    answers[head.split()[1].decode() + " later" * bool(_LATER.search(head))] += 1
                    if _CLOSE.search(head):
                        break
            except ConnectionError:
                answers[DROPPED] += 1
    return answers


def exchange(sock: socket.socket, request: bytes) -> bytes:
    """Send a request and read its response; return the response's head. Raises ConnectionError."""
    sock.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += receive(sock)
    head, _, body = answer.partition(b"\r\n\r\n")
    head += b"\r\n"
    length = _LENGTH.search(head)
    left = (int(length[1]) if length else 0) - len(body)
    while left > 0:
        left -= len(receive(sock))
    return head


def receive(sock: socket.socket) -> bytes:
    """Return the next bytes; raises ConnectionError at the end."""
    if part := sock.recv(65536):
        return part
    raise ConnectionResetError


if __name__ == "__main__":
    task = json.load(sys.stdin)
    os.nice(10)
    requests = [request.encode("latin-1") for request in task["requests"]]
    print(flush=True)
    ends_at = time.monotonic() + task["seconds"]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        floods = [
            pool.submit(repeat, task["port"], requests[number % len(requests)], ends_at)
            for number in range(CONNECTIONS)
        ]
        total = sum((future.result() for future in floods), Counter[str]())
    print(json.dumps(total))
