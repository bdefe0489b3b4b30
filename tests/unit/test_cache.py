"""The LRU cache, and the freshness of a cached response."""

import random
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta

from interviews_api.cache import CachedResponse, Freshness, LRUCache
from interviews_api.clock import EARLIEST, LATEST

TAG = "0123456789abcdef" * 2
NOW = datetime(2030, 3, 1, 9, tzinfo=UTC)


def cached_response(size: int) -> CachedResponse:
    return CachedResponse(random.Random(0).randbytes(size), TAG, Freshness((1, "a")))


def test_cache_evicts_the_least_recently_used() -> None:
    memory = LRUCache[CachedResponse](100_000, lambda cached: cached.size)
    for number in range(20):
        memory.put(number, cached_response(5_000))
        memory.get(0)
    numbers = [number for number in range(20) if memory.get(number)]
    assert 10 < len(numbers) < 20
    assert numbers == [0, *range(21 - len(numbers), 20)]
    for _ in range(100):
        memory.put(0, cached_response(5_000))  # again and again takes its place but once
    assert memory.get(19)
    memory.put("larger than all of it", cached_response(100_000))
    assert [number for number in [*range(20), "larger than all of it"] if memory.get(number)] == numbers
    memory.put("there is room again", cached_response(90_000))
    assert memory.get("there is room again")


def test_cached_response_size_matches_its_memory() -> None:
    """The size is within a fifth of the memory, keys and table included."""
    memory, count = LRUCache[CachedResponse](10**9, lambda cached: cached.size), 5_000
    tracemalloc.start()
    try:
        for number in range(count):
            version = (10**6 + number, sys.intern("f" * 24))
            validity = Freshness(version, NOW + timedelta(seconds=number), NOW + timedelta(days=number))
            response = CachedResponse(b"answer", f"{number:032x}", validity)
            memory.put((cached_response, f"{number:024x}", None, 10, 0), response)
            size = response.size
            del version, validity, response
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.8 < taken / (count * size) < 1.2


def test_cached_response_is_fresh_within_its_validity() -> None:
    body = b'{"a": "\xc3\xa9"}' * 100
    validity = Freshness((5, "import"), since=NOW, until=NOW + timedelta(minutes=1))
    cached = CachedResponse(body, TAG, validity)
    assert (cached.body, cached.etag) == (body, TAG)
    assert cached.is_fresh((5, "import"), NOW)
    assert cached.is_fresh((5, "import"), NOW + timedelta(minutes=1))
    assert not cached.is_fresh((5, "import"), NOW + timedelta(minutes=1, milliseconds=1))
    assert not cached.is_fresh((5, "import"), NOW - timedelta(milliseconds=1))
    assert not cached.is_fresh((6, "import"), NOW)
    assert not cached.is_fresh((5, "another"), NOW)
    assert CachedResponse(b"", TAG, Freshness((None, None))).is_fresh((None, None), EARLIEST)
    assert CachedResponse(b"", TAG, Freshness((None, None))).is_fresh((None, None), LATEST)
