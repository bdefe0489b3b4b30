"""How long a push message is worth showing, and how urgent it is."""

from datetime import UTC, datetime, timedelta

import pytest

from interviews_api.notifications.channels.web_push import lifetime, urgency

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("event", "begins_in", "kept"),
    [
        ("interview.reminder", DAY, DAY),
        ("interview.reminder", HOUR, HOUR),
        ("interview.reminder", timedelta(seconds=30), timedelta(seconds=30)),
        ("interview.reminder", -HOUR, timedelta(0)),
        ("interview.nudge", 9 * DAY, 9 * DAY),
        ("interview.nudge", 90 * DAY, 28 * DAY),
        ("interview.scheduled", 9 * DAY, DAY),
        ("interview.scheduled", 2 * HOUR, 2 * HOUR),
        ("interview.rescheduled", 5 * HOUR, 5 * HOUR),
        ("interview.nudge", timedelta(0), timedelta(0)),
        ("interview.scheduled", timedelta(0), timedelta(0)),
        ("interview.rescheduled", -HOUR, timedelta(0)),
        ("interview.updated", timedelta(seconds=1), timedelta(seconds=1)),
        ("interview.updated", -HOUR, DAY),
        ("interview.cancelled", HOUR, HOUR),
        ("interview.cancelled", -HOUR, DAY),
        ("interview.completed", -HOUR, DAY),
        ("interview.confirmed", -HOUR, DAY),
    ],
)
def test_message_is_kept_while_it_is_worth_showing(event: str, begins_in: timedelta, kept: timedelta) -> None:
    assert lifetime({"event_type": event, "starts_at": NOW + begins_in}, NOW) == kept


@pytest.mark.parametrize(
    ("event", "begins_in", "expected"),
    [
        ("interview.reminder", HOUR, "high"),
        ("interview.reminder", HOUR / 2, "high"),
        ("interview.reminder", DAY, "normal"),
        ("interview.nudge", HOUR / 2, "normal"),
        ("interview.cancelled", HOUR / 2, "normal"),
    ],
)
def test_only_the_last_hours_reminder_is_urgent(event: str, begins_in: timedelta, expected: str) -> None:
    assert urgency({"event_type": event, "starts_at": NOW + begins_in}, NOW) == expected
