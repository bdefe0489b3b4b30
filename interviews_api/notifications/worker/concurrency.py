"""Concurrency of a channel worker: which originator gets the next slot, so that none starves others.

Another worker process may attempt the same target meanwhile.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from interviews_api.notifications.worker.delivery_repository import Claim, DueDelivery, Group

_RECENT_SECONDS = 60.0


class FairSlots:
    """The slots of a channel worker: up to `concurrency` groups in progress, and the paused targets.

    An originator is the company or user that causes a delivery. Originators take turns. The share of each is a quarter
    of the free slots, at least one while any outside of the reserve is free. The reserve is an eighth of all slots, for
    first attempts of originators without an attempt in the last minute. Methods may be called from any thread.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._reserve = concurrency // 8
        self._lock = threading.Lock()
        self._in_progress: set[Group] = set()
        self._paused_until: dict[str, float] = {}  # by target, on the monotonic clock
        self._last_start: dict[str, float] = {}  # by originator, within the last minute

    def is_any_free(self) -> bool:
        """Return whether another group may start."""
        with self._lock:
            return len(self._in_progress) < self._concurrency

    def in_turn(self, originators: Iterable[str]) -> list[str]:
        """Return the originators that may get a slot: new ones first, then by the time of their last attempt."""
        with self._lock:
            earliest = time.monotonic() - _RECENT_SECONDS
            self._last_start = {originator: start for originator, start in self._last_start.items() if start > earliest}
            with_room = [
                originator for originator in originators if self._has_room(self._in_progress, originator, is_first=True)
            ]
            return sorted(with_room, key=lambda originator: self._last_start.get(originator, 0.0))

    def blocked_targets(self, originator: str) -> set[str]:
        """Return the targets that get no delivery of the originator now: paused ones, and those in progress."""
        with self._lock:
            present = time.monotonic()
            self._paused_until = {target: end for target, end in self._paused_until.items() if end > present}
            return self._paused_until.keys() | {target for target, holder in self._in_progress if holder == originator}

    def has_room(self, originator: str, admitted: Sequence[DueDelivery]) -> bool:
        """Return whether the originator may get one more slot beside the deliveries admitted before."""
        with self._lock:
            groups = self._in_progress | {delivery.group for delivery in admitted}
            return self._has_room(groups, originator, is_first=True)

    def admit(self, due: Iterable[DueDelivery], admitted: Sequence[DueDelivery]) -> list[DueDelivery]:
        """Return the due deliveries that fit beside those admitted before, judged in order; takes no slot yet."""
        with self._lock:
            groups = self._in_progress | {delivery.group for delivery in admitted}
            fitting = []
            for delivery in due:
                is_first = delivery.attempts == 0
                if delivery.group in groups or self._has_room(groups, delivery.originator_id, is_first=is_first):
                    groups.add(delivery.group)
                    fitting.append(delivery)
            return fitting

    def acquire(self, claims: Iterable[Claim]) -> None:
        """Take a slot for each group of the claims."""
        with self._lock:
            for claim in claims:
                self._in_progress.add(claim.group)
                self._last_start[claim.originator_id] = time.monotonic()

    def release(self, group: Group) -> None:
        """Free the slot of the group."""
        with self._lock:
            self._in_progress.remove(group)

    def pause(self, target_id: str, seconds: float) -> None:
        """Block the target for that time, whatever the originator."""
        with self._lock:
            self._paused_until[target_id] = time.monotonic() + seconds

    def _has_room(self, groups: set[Group], originator: str, *, is_first: bool) -> bool:
        free = self._concurrency - len(groups)
        reserved = 0 if is_first and originator not in self._last_start else self._reserve
        return free > reserved and Counter(holder for _, holder in groups)[originator] < max(1, free // 4)
