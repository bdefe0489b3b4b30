"""The LRU cache, and the cached responses of one gunicorn worker (verified tokens are in accounts/tokens.py).

No response is trusted for its age: the reader first asks the database for the current version (ADR 19).
"""

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from interviews_api.clock import EARLIEST, LATEST

Version = tuple[Any, ...]
"""Opaque version of everything a response depends on; changes after every relevant write."""

Value = TypeVar("Value")

_ETAG_BYTES = 16
_LARGE = 256 * 1024  # bytes
_OVERHEAD = 550  # bytes: key, version and cache entry of one response, measured


@dataclass(frozen=True, slots=True)
class Freshness:
    """The version that a response was built from, and the first and last UTC instant at which it is valid."""

    version: Version
    since: datetime = EARLIEST
    until: datetime = LATEST


class Versioned(NamedTuple, Generic[Value]):
    """A value that was read in the same statement as the version of everything it depends on."""

    value: Value
    freshness: Freshness


class CachedResponse:
    """A compressed response body with its ETag (32 hex digits) and its freshness.

    For JSON, compression takes 70 µs and leaves an eighth; decompression takes 5 µs. Large bodies, of up to 25,407 KiB
    (docs/limits.md), are compressed less: that would otherwise take more than half of the request's time.
    """

    __slots__ = ("_packed", "_since", "_until", "_version")

    def __init__(self, body: bytes, etag: str, freshness: Freshness) -> None:
        self._packed = bytes.fromhex(etag) + zlib.compress(
            body, zlib.Z_BEST_SPEED if len(body) > _LARGE else zlib.Z_DEFAULT_COMPRESSION
        )
        self._version, self._since, self._until = freshness.version, freshness.since, freshness.until

    def is_fresh(self, version: Version, now: datetime) -> bool:
        """Return whether the response is valid for this current version at this instant."""
        return self._version == version and self._since <= now <= self._until

    @property
    def etag(self) -> str:
        """The ETag, 32 hex digits without quotes."""
        return self._packed[:_ETAG_BYTES].hex()

    @property
    def body(self) -> bytes:
        """The decompressed body of the response."""
        return zlib.decompress(memoryview(self._packed)[_ETAG_BYTES:])

    @property
    def size(self) -> int:
        """The approximate memory use in bytes."""
        return len(self._packed) + _OVERHEAD


class LRUCache(Generic[Value]):
    """Thread-safe cache that evicts the least recently used values when their total weight exceeds `size`.

    `weigh` returns the weight of a value; by default each value weighs 1.
    """

    def __init__(self, size: int, weigh: Callable[[Value], int] = lambda _value: 1) -> None:
        self._size = self._free = size
        self._weigh = weigh
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return the value of the key and mark it as used, or None if the cache has none."""
        with self._lock:
            if (value := self._values.get(key)) is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: Hashable, value: Value) -> None:
        """Replace the value of the key; evict others to make room. A value heavier than `size` is not stored."""
        with self._lock:
            if (old := self._values.pop(key, None)) is not None:
                self._free += self._weigh(old)
            if (weight := self._weigh(value)) > self._size:
                return
            self._values[key] = value
            self._free -= weight
            while self._free < 0:
                self._free += self._weigh(self._values.popitem(last=False)[1])


class ResponseCache(LRUCache[CachedResponse]):
    """The cached responses of a gunicorn worker; `size` is in bytes, and 0 caches nothing."""

    def __init__(self, size: int) -> None:
        super().__init__(size, lambda response: response.size)
        self.is_enabled = size > 0
