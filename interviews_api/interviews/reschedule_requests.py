"""A candidate's request for another time, as the column `reschedule_request` holds it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from interviews_api.clock import format_instant, now


def new_request(reason: str | None, proposed_times: Sequence[datetime]) -> dict[str, Any]:
    """Return the request, made now, with instants as text."""
    return {
        "reason": reason,
        "proposed_times": [format_instant(time) for time in proposed_times],
        "requested_at": format_instant(now()),
    }
