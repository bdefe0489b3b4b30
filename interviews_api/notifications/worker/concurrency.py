"""Whom a lane serves at present: no target twice, and no owner of many targets at the cost of everybody else."""

import threading
import time
from collections import Counter
from collections.abc import Iterable

from interviews_api.notifications.worker.delivery_repository import Claim


class FairSlots:
    """The `width` targets that may be served at once, and those that are left alone for a while.

    An owner (a company, a candidate) gets another slot only while it has fewer than a quarter of those that are free:
    whoever comes after it finds some, whatever its receivers do.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._lock = threading.Lock()
        self._owners: dict[str, str] = {}  # of the targets that are being served
        self._paused: dict[str, float] = {}

    def is_any_free(self) -> bool:
        """Whether another target may be served."""
        with self._lock:
            return len(self._owners) < self._width

    def blocked_targets(self) -> set[str]:
        """Those that are being served or paused."""
        with self._lock:
            present = time.monotonic()
            self._paused = {target: end for target, end in self._paused.items() if end > present}
            return self._owners.keys() | self._paused.keys()

    def blocked_owners(self) -> set[str]:
        """Those that have their share."""
        with self._lock:
            return {owner for owner in self._owners.values() if not self._has_room(self._owners, owner)}

    def choose(self, due: Iterable[Claim]) -> list[Claim]:
        """Those for which there is room, one after the other."""
        with self._lock:
            owners = dict(self._owners)
        chosen = []
        for one in due:
            if one.target_id in owners or self._has_room(owners, one.owner):
                owners[one.target_id] = one.owner
                chosen.append(one)
        return chosen

    def take(self, claims: Iterable[Claim]) -> None:
        """Their targets are being served."""
        with self._lock:
            self._owners |= {claim.target_id: claim.owner for claim in claims}

    def release_target(self, target_id: str) -> None:
        """It is served no more."""
        with self._lock:
            del self._owners[target_id]

    def pause(self, target_id: str, seconds: float) -> None:
        """Leave it alone for so long."""
        with self._lock:
            self._paused[target_id] = time.monotonic() + seconds

    def _has_room(self, owners: dict[str, str], owner: str) -> bool:
        free = self._width - len(owners)
        return free > 0 and Counter(owners.values())[owner] < max(1, free // 4)
