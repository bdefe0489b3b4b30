"""Ids: 24 hex digits, ordered by the second."""

import time

from interviews_api.ids import is_id, new_id


def test_ids_are_ordered_by_the_second() -> None:
    earlier = new_id()
    time.sleep(1.1)
    later = new_id()
    assert is_id(earlier)
    assert earlier < later
    assert abs(int(later[:8], 16) - time.time()) < 5
    assert len({new_id() for _ in range(10_000)}) == 10_000
    for wrong in ("", "a" * 23, "a" * 25, "A" * 24, "g" * 24, "a" * 24 + "\n", "\uff11" * 24, None, 5):
        assert not is_id(wrong)
