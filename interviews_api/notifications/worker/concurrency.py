"""Concurrency of a channel: one attempt per target at a time, and no owner that starves the others."""

import threading
import time
from collections import Counter
from collections.abc import Iterable

from interviews_api.notifications.worker.delivery_repository import Claim


class FairSlots:
    """The slots of a channel worker: up to `concurrency` targets in progress, and the paused targets.

    An owner is a company or a candidate. It gets another slot only while it has fewer than a quarter of the free slots,
    so the hanging receivers of an owner leave slots for all others. Methods may be called from any thread.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._owners: dict[str, str] = {}  # by target in progress
        self._paused_until: dict[str, float] = {}  # by target, on the monotonic clock

    def is_any_free(self) -> bool:
        """Return whether another target may start."""
        with self._lock:
            return len(self._owners) < self._concurrency

    def blocked_targets(self) -> set[str]:
        """Return the targets that are in progress or paused."""
        with self._lock:
            present = time.monotonic()
            self._paused_until = {target: end for target, end in self._paused_until.items() if end > present}
            return self._owners.keys() | self._paused_until.keys()

    def blocked_owners(self) -> set[str]:
        """Return the owners that have their full share of the slots."""
        with self._lock:
            return {owner for owner in self._owners.values() if not self._has_room(self._owners, owner)}

    def admit(self, due: Iterable[Claim]) -> list[Claim]:
        """Return the claims that fit, judged in order; takes no slot yet."""
        with self._lock:
            owners = dict(self._owners)
        admitted = []
        for claim in due:
            if claim.target_id in owners or self._has_room(owners, claim.owner):
                owners[claim.target_id] = claim.owner
                admitted.append(claim)
        return admitted

    def acquire(self, claims: Iterable[Claim]) -> None:
        """Take a slot for each target of the claims."""
        with self._lock:
            self._owners |= {claim.target_id: claim.owner for claim in claims}

    def release_target(self, target_id: str) -> None:
        """Free the slot of the target."""
        with self._lock:
            del self._owners[target_id]

    def pause(self, target_id: str, seconds: float) -> None:
        """Block the target for that time."""
        with self._lock:
            self._paused_until[target_id] = time.monotonic() + seconds

    def _has_room(self, owners: dict[str, str], owner: str) -> bool:
        free = self._concurrency - len(owners)
        return free > 0 and Counter(owners.values())[owner] < max(1, free // 4)
