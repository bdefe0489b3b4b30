"""Retry policy: the backoff after a failed attempt."""

import random
from datetime import timedelta

FIRST_BACKOFF = timedelta(seconds=25)
LONGEST_BACKOFF = timedelta(hours=4)


def backoff(attempts: int) -> timedelta:
    """Return the pause before the next attempt: threefold each time, from 25 seconds to four hours.

    Random jitter takes off up to half of it, so that deliveries that failed together do not return together.
    """
    longest: timedelta = min(FIRST_BACKOFF * 3 ** min(attempts - 1, 10), LONGEST_BACKOFF)
    return longest * random.uniform(0.5, 1)  # noqa: S311  # no secret
