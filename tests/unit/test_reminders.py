"""Occasions of an interview: reminders and nudges by status and time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from interviews_api.interviews.reminders import coming, due, occasions

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_occasions_of_an_interview() -> None:
    row: dict[str, Any] = {"status": "confirmed", "starts_at": START, "invited_at": START - 100 * HOUR}
    row["notices_after"] = START - 24 * HOUR
    assert [one.name for one in occasions(row)] == ["1h"]
    assert due(row, [], START - HOUR) == occasions(row)[0]
    assert due(row, ["1h"], START - HOUR) is None
    assert due(row, [], START) is None
    assert coming(row, START - HOUR) == []
    assert occasions(row | {"status": "annule"}) == []
