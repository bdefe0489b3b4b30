"""Reads iCalendar objects with khal: JSON texts on stdin, what khal would store of each on stdout.

A program of its own, for the Python that khal is installed for; `calendar_readers.py` runs it.
"""

import json
import sys

import pytz
from khal.icalendar import split_ics
from khal.khalendar.event import Event

LOCALE = {
    "default_timezone": pytz.UTC, "local_timezone": pytz.UTC, "unicode_symbols": False, "firstweekday": 0,
    "weeknumbers": False, "dateformat": "%Y%m%d", "longdateformat": "%Y%m%d", "timeformat": "%H%M%S",
    "datetimeformat": "%Y%m%dT%H%M%SZ", "longdatetimeformat": "%Y%m%dT%H%M%SZ",
}  # fmt: skip

json.dump(
    [
        [Event.fromString(entry, calendar="interviews", locale=LOCALE).raw for entry in split_ics(text)]
        for text in json.load(sys.stdin)
    ],
    sys.stdout,
)
