"""Times of calls that must not differ, compared while other programs use the processors as well."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def assert_equal_times(*calls: Callable[[], T], rounds: int) -> list[T]:
    """Make the calls in turn, check that their least times differ by at most a half, and return all results.

    Another program delays some rounds, so there are up to ten times as many. A cost of its own delays a call in each.
    """
    results: list[T] = []
    least = [float("inf")] * len(calls)
    for number in range(1, 10 * rounds + 1):
        for place, call in enumerate(calls):
            began = time.perf_counter()
            results.append(call())
            least[place] = min(least[place], time.perf_counter() - began)
        if number >= rounds and max(least) < min(least) * 1.5 + 0.002:
            return results
    raise AssertionError(f"the least times in seconds differ: {least}")
