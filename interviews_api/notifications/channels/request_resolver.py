"""Look-ups of host names while a client waits: one at a time, for at most a second.

A host that is not found in that time is accepted unchecked, and so is one that comes while another is looked up. Each
connection checks its host again (`HttpsClient`).
"""

import threading

from interviews_api.notifications.channels.deadline import Resolve, look_up, resolve_host

_LOOK_UP_SECONDS = 1.0


class RequestResolver:
    """The look-ups of a process for its requests: one at a time, because a client chooses the name server.

    A name server that never answers holds one thread until the operating system gives it up. Meanwhile other names are
    not looked up.
    """

    def __init__(self, resolve: Resolve = resolve_host) -> None:
        self._resolve = resolve
        self._lock = threading.Lock()

    def look_up(self, host: str) -> list[str]:
        """Return the addresses of the host; raises OSError or UnicodeError if they are not known within a second."""
        return look_up(self._resolve_alone, host, _LOOK_UP_SECONDS)

    def _resolve_alone(self, host: str) -> list[str]:
        if not self._lock.acquire(blocking=False):
            raise BlockingIOError("another name is being looked up")
        try:
            return self._resolve(host)
        finally:
            self._lock.release()
