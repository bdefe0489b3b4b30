"""Figures of proofs: a sample in `make test`, the full figure in `make proofs`, which prints a table."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

IS_FULL = os.environ.get("PROOFS") == "full"
TABLE: list[str] = []
Number = TypeVar("Number", int, float)


def figure(*, sample: Number, full: Number) -> Number:
    """Return how often a proof repeats, or how long: `full` in `make proofs`, `sample` otherwise.

    Full figures of time are measured alone, while a sample shares the processors with other tests.
    """
    return full if IS_FULL else sample


@dataclass
class Proof:
    """A running proof, which writes its result."""

    result: str = ""


@contextmanager
def proof(name: str, backend: str, times: int) -> Iterator[Proof]:
    """Yield a proof and add its row to the table when the block succeeds."""
    start = time.monotonic()
    row = Proof()
    yield row
    TABLE.append(f"| {name} | {backend} | {times} | {row.result} | {time.monotonic() - start:.0f} s |")
