"""Concurrency of a channel in this worker process: one attempt per target at a time, and no owner that starves others.

Another worker may attempt the same target meanwhile.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable

from interviews_api.notifications.worker.delivery_repository import Claim, DueDelivery


class FairSlots:
    """The slots of a channel worker: up to `concurrency` targets in progress, and the paused targets.

    An owner is a company or a candidate. Its share is a quarter of the free slots, at least one while any is free. An
    owner with its full share gets no further slot, so its hanging receivers leave slots for all others. Methods may be
    called from any thread.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._owner_of_target: dict[str, str] = {}  # only targets in progress
        self._paused_until: dict[str, float] = {}  # by target, on the monotonic clock

    def is_any_free(self) -> bool:
        """Return whether another target may start."""
        with self._lock:
            return len(self._owner_of_target) < self._concurrency

    def blocked_targets(self) -> set[str]:
        """Return the targets that are in progress or paused."""
        with self._lock:
            present = time.monotonic()
            self._paused_until = {target: end for target, end in self._paused_until.items() if end > present}
            return self._owner_of_target.keys() | self._paused_until.keys()

    def blocked_owners(self) -> set[str]:
        """Return the owners that have their full share of the slots."""
        with self._lock:
            owner_of_target = self._owner_of_target
            return {owner for owner in owner_of_target.values() if not self._has_room(owner_of_target, owner)}

    def admit(self, due: Iterable[DueDelivery]) -> list[DueDelivery]:
        """Return the due deliveries that fit, judged in order; takes no slot yet."""
        with self._lock:
            owner_of_target = dict(self._owner_of_target)
        admitted = []
        for delivery in due:
            if delivery.target_id in owner_of_target or self._has_room(owner_of_target, delivery.owner):
                owner_of_target[delivery.target_id] = delivery.owner
                admitted.append(delivery)
        return admitted

    def acquire(self, claims: Iterable[Claim]) -> None:
        """Take a slot for each target of the claims."""
        with self._lock:
            self._owner_of_target |= {claim.target_id: claim.owner for claim in claims}

    def release_target(self, target_id: str) -> None:
        """Free the slot of the target."""
        with self._lock:
            del self._owner_of_target[target_id]

    def pause(self, target_id: str, seconds: float) -> None:
        """Block the target for that time."""
        with self._lock:
            self._paused_until[target_id] = time.monotonic() + seconds

    def _has_room(self, owner_of_target: dict[str, str], owner: str) -> bool:
        free = self._concurrency - len(owner_of_target)
        return free > 0 and Counter(owner_of_target.values())[owner] < max(1, free // 4)
