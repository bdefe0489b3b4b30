"""Occasions of an interview: reminders and nudges by status and time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from interviews_api.interviews.reminders import coming_occasions, due_occasion, occasions

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_occasions_of_an_interview() -> None:
    row: dict[str, Any] = {"status": "confirmed", "starts_at": START, "invited_at": START - 100 * HOUR}
    row["notices_after"] = START - 24 * HOUR
    assert [occasion.name for occasion in occasions(row)] == ["1h"]
    assert due_occasion(row, [], START - HOUR) == occasions(row)[0]
    assert due_occasion(row, ["1h"], START - HOUR) is None
    assert due_occasion(row, [], START) is None
    assert coming_occasions(row, START - HOUR) == []
    assert occasions(row | {"status": "annule"}) == []


def test_request_for_another_time_ends_nudges_but_no_reminders() -> None:
    row: dict[str, Any] = {"starts_at": START, "invited_at": START - 100 * HOUR, "notices_after": START - 100 * HOUR}
    request = {"reason": None, "proposed_times": [], "requested_at": "2030-04-30T00:00:00.000Z"}
    for status, names in (("en_attente", ["unanswered", "24h"]), ("confirmed", ["24h", "1h"])):
        expected = [] if status == "en_attente" else names
        assert [each.name for each in occasions(row | {"status": status, "reschedule_request": request})] == expected
        assert [each.name for each in occasions(row | {"status": status, "reschedule_request": None})] == names
