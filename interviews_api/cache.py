"""What a worker remembers: verified tokens, and answers with what must still be so for them to be given again.

Nothing in it is ever believed by age: whoever takes an answer has first asked the database for the present version
(ADR 0019).
"""

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from interviews_api.clock import EARLIEST, LATEST

Version = tuple[Any, ...]
"""Of all that an answer may say: another one after every change that it might show."""

Value = TypeVar("Value")

_TAG = 16  # bytes of an ETag
_OVERHEAD = 550  # bytes that key, version and place take beside the packed answer, measured


@dataclass(frozen=True, slots=True)
class Freshness:
    """What an answer was read at: it stands while the version is the same and the time within these, both included."""

    version: Version
    since: datetime = EARLIEST
    until: datetime = LATEST


class CachedResponse:
    """An answer with its ETag (32 hex digits), packed: JSON shrinks to an eighth in 70 µs and is back in 5."""

    __slots__ = ("_packed", "_since", "_until", "_version")

    def __init__(self, answer: bytes, etag: str, validity: Freshness) -> None:
        self._packed = bytes.fromhex(etag) + zlib.compress(answer)
        self._version, self._since, self._until = validity.version, validity.since, validity.until

    def is_fresh(self, version: Version, now: datetime) -> bool:
        """Whether it would be said again."""
        return self._version == version and self._since <= now <= self._until

    @property
    def etag(self) -> str:
        """As it was."""
        return self._packed[:_TAG].hex()

    @property
    def answer(self) -> bytes:
        """As it was."""
        return zlib.decompress(memoryview(self._packed)[_TAG:])

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, about."""
        return len(self._packed) + _OVERHEAD


class LRUCache(Generic[Value]):
    """What was used last, up to a size that all of it weighs together. For all threads of a process."""

    def __init__(self, size: int, weigh: Callable[[Value], int] = lambda _value: 1) -> None:
        self._size = self._left = size
        self._weigh = weigh
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """What was kept under the key."""
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Hashable, value: Value) -> None:
        """In the place of what was there; the longest unused make room."""
        with self._lock:
            if (old := self._kept.pop(key, None)) is not None:
                self._left += self._weigh(old)
            if (weight := self._weigh(value)) > self._size:
                return
            self._kept[key] = value
            self._left -= weight
            while self._left < 0:
                self._left += self._weigh(self._kept.popitem(last=False)[1])
