"""Times of calls that must not differ, compared while other programs use the processors as well."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def measure_in_turn(*calls: Callable[[], T], rounds: int) -> tuple[list[float], list[T]]:
    """Return the least time of each call in seconds, and all results.

    Another program delays some rounds. A cost of its own delays a call in every round.
    """
    results: list[T] = []
    least = [float("inf")] * len(calls)
    for _ in range(rounds):
        for number, call in enumerate(calls):
            began = time.perf_counter()
            results.append(call())
            least[number] = min(least[number], time.perf_counter() - began)
    return least, results
