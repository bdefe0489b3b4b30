"""Proofs with figures: a sample in `make test`, the full figure under `make proofs`, which prints a table of them."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

IS_FULL = os.environ.get("PROOFS") == "full"
TABLE: list[str] = []


def figure(*, sample: int, full: int) -> int:
    """How often: less in `make test`."""
    return full if IS_FULL else sample


@dataclass
class Proof:
    """What was asked, and what it came to."""

    result: str = ""


@contextmanager
def proof(name: str, backend: str, times: int) -> Iterator[Proof]:
    """A row of the table, written when the block ends well; a failure is the test's own."""
    start = time.monotonic()
    done = Proof()
    yield done
    TABLE.append(f"| {name} | {backend} | {times} | {done.result} | {time.monotonic() - start:.0f} s |")
