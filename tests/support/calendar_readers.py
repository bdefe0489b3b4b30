"""Calendar files as programs and libraries read them: icalendar, vobject, ical.js, libical and khal."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from ctypes import CDLL, c_char_p, c_int, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import icalendar
import vobject

from tests.support.markers import LIBICAL

SUPPORT = Path(__file__).parent
FRONTEND = SUPPORT.parent / "frontend"


@dataclass(frozen=True)
class Entry:
    """What a program shows and keeps of an event; the last three are None where there is no attendee, or no place."""

    uid: str
    sequence: int
    status: str
    transparency: str
    summary: str
    starts_at: str
    organizer: str
    participation: str | None = None
    reply: str | None = None
    location: str | None = None


Calendars = Sequence[bytes]
Reader = Callable[[Calendars], list[list[Entry]]]
"""Reads each calendar to its entries; fails for one that the program cannot read."""


def read_by_icalendar(calendars: Calendars) -> list[list[Entry]]:
    return [[_from_icalendar(event) for event in icalendar.Calendar.from_ical(raw).walk("VEVENT")] for raw in calendars]


def _from_icalendar(event: Any) -> Entry:
    attendee = event["ATTENDEE"].params if "ATTENDEE" in event else {}
    return Entry(
        str(event["UID"]), int(event["SEQUENCE"]), str(event["STATUS"]), str(event["TRANSP"]), str(event["SUMMARY"]),
        f"{event.decoded('DTSTART'):%Y%m%dT%H%M%SZ}", str(event["ORGANIZER"]),
        attendee.get("PARTSTAT"), attendee.get("RSVP"), event.get("LOCATION"),
    )  # fmt: skip


def read_by_vobject(calendars: Calendars) -> list[list[Entry]]:
    return [
        [_from_vobject(event) for event in vobject.readOne(raw.decode(), validate=True).contents.get("vevent", ())]
        for raw in calendars
    ]


def _from_vobject(event: Any) -> Entry:
    attendee = event.attendee.params if hasattr(event, "attendee") else {}
    return Entry(
        event.uid.value, int(event.sequence.value), event.status.value, event.transp.value, event.summary.value,
        f"{event.dtstart.value:%Y%m%dT%H%M%SZ}", event.organizer.value,
        *(attendee.get(name, [None])[0] for name in ("PARTSTAT", "RSVP")),
        event.location.value if hasattr(event, "location") else None,
    )  # fmt: skip


def read_by_ical_js(calendars: Calendars) -> list[list[Entry]]:
    answer = _run(["node", "calendars.mjs"], [raw.decode() for raw in calendars], cwd=FRONTEND)
    return [[Entry(**entry) for entry in entries] for entries in answer]


def read_by_khal(calendars: Calendars) -> list[list[Entry]]:
    """Read what khal would store, by the icalendar package of this process."""
    program = Path(shutil.which("khal") or "")
    interpreter = program.read_text().partition("\n")[0].removeprefix("#!").split()
    answer = _run(
        [*interpreter, "-I", str(SUPPORT / "khal_reader.py")], [raw.decode() for raw in calendars], cwd=SUPPORT
    )
    return [[entry for text in texts for entry in read_by_icalendar([text.encode()])[0]] for texts in answer]


def _run(command: list[str], texts: list[str], cwd: Path) -> Any:
    finished = subprocess.run(command, cwd=cwd, input=json.dumps(texts), capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def read_by_libical(calendars: Calendars) -> list[list[Entry]]:
    """Read by the C library of Evolution, GNOME and KDE; it also checks the calendar against RFC 5545 and RFC 5546."""
    library = CDLL(LIBICAL)
    texts = ("icalproperty_get_value_as_string", "icalproperty_get_parameter_as_string", "icalcomponent_as_ical_string")
    for name in texts:
        getattr(library, name).restype = c_char_p
    for name in ("icalparser_parse_string", "icalcomponent_get_first_component", "icalcomponent_get_next_component",
                 "icalcomponent_get_first_property"):  # fmt: skip
        getattr(library, name).restype = c_void_p
    return [list(_from_libical(library, raw)) for raw in calendars]


def _from_libical(library: CDLL, raw: bytes) -> Iterator[Entry]:
    calendar = c_void_p(library.icalparser_parse_string(c_char_p(raw)))
    event_kind = c_int(library.icalcomponent_string_to_kind(b"VEVENT"))
    try:
        assert library.icalcomponent_count_errors(calendar) == 0
        assert library.icalrestriction_check(calendar) == 1, library.icalcomponent_as_ical_string(calendar).decode()
        event = library.icalcomponent_get_first_component(calendar, event_kind)
        while event:
            yield _entry_of_libical(library, c_void_p(event))
            event = library.icalcomponent_get_next_component(calendar, event_kind)
    finally:
        library.icalcomponent_free(calendar)


def _entry_of_libical(library: CDLL, event: c_void_p) -> Entry:
    def found(name: bytes) -> c_void_p | None:
        kind = c_int(library.icalproperty_string_to_kind(name))
        pointer = library.icalcomponent_get_first_property(event, kind)
        return c_void_p(pointer) if pointer else None

    def value(name: bytes) -> str:
        text: bytes = library.icalproperty_get_value_as_string(found(name))
        return icalendar.vText.from_ical(text.decode())

    def parameter(name: bytes) -> str | None:
        attendee = found(b"ATTENDEE")
        text: bytes | None = attendee and library.icalproperty_get_parameter_as_string(attendee, name)
        return text and text.decode()

    names = (b"UID", b"SEQUENCE", b"STATUS", b"TRANSP", b"SUMMARY", b"DTSTART", b"ORGANIZER")
    uid, sequence, *others = map(value, names)
    place = value(b"LOCATION") if found(b"LOCATION") else None
    return Entry(uid, int(sequence), *others, parameter(b"PARTSTAT"), parameter(b"RSVP"), place)
