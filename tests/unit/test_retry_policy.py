"""Backoff between attempts."""

from datetime import timedelta

from interviews_api.notifications.worker.retry_policy import FIRST_BACKOFF, LONGEST_BACKOFF, backoff


def test_backoff_grows_from_half_a_minute() -> None:
    pauses = [[backoff(attempt) for _ in range(200)] for attempt in range(1, 12)]
    assert max(pauses[0]) <= FIRST_BACKOFF < timedelta(seconds=30)
    assert max(max(sample) for sample in pauses) <= LONGEST_BACKOFF
    assert all(min(sample) >= max(sample) / 2.1 for sample in pauses)
    middles = [sorted(sample)[100] for sample in pauses]
    assert middles[:6] == sorted(middles[:6])
    assert len(set(pauses[0])) > 100  # not all at the same moment
