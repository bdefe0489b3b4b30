"""Names of time zones as clients write them: IANA names in any letter case, and those of Windows to explain them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from marshmallow import fields

from interviews_api.clock import zone_names

_RENAMED = {
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Europe/Kiev": "Europe/Kyiv",
}
"""Names that CLDR keeps for ever, with IANA's present ones."""

_IANA_NAMES = {name.lower(): name for name in zone_names()}
_WINDOWS_NAMES = {name.lower(): name for name in WINDOWS_TO_OLSON}


class ZoneName(fields.String):
    """IANA time zone name, read without regard to letter case and stored in IANA's own spelling.

    A Windows name is refused, because it stands for the zones of several countries. The refusal has the IANA name that
    Unicode's CLDR maps it to where no country is known.
    """

    default_error_messages = {
        "unknown": "Must be an IANA time zone like Asia/Kolkata.",
        "windows": 'Must be an IANA time zone: the Windows name "{windows_name}" means {iana_name}.',
    }

    def _deserialize(self, value: object, attr: str | None, data: Any, **kwargs: object) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not text.isascii():  # `lower` makes an ASCII letter of the Kelvin sign
            raise self.make_error("unknown")
        if name := _IANA_NAMES.get(text.lower()):
            return name
        if windows_name := _WINDOWS_NAMES.get(text.lower()):
            cldr_name = WINDOWS_TO_OLSON[windows_name]
            iana_name = _RENAMED.get(cldr_name, cldr_name)
            raise self.make_error("windows", windows_name=windows_name, iana_name=iana_name)
        raise self.make_error("unknown")


def zone_name_schema() -> dict[str, Any]:
    """Return the JSON Schema of IANA names: each in its own spelling, or in any letter case."""
    names = sorted(zone_names())
    return {
        "description": "An IANA time zone, without regard to letter case.",
        "anyOf": [{"type": "string", "enum": names}, {"type": "string", "pattern": _any_case_pattern(names)}],
    }


def _any_case_pattern(names: Iterable[str]) -> str:
    """Return a pattern of the names in any letter case, for which JSON Schema has no flag; areas are not repeated."""
    places = defaultdict(list)
    for name in names:
        area, slash, place = name.rpartition("/")
        places[area + slash].append(_any_case(place))
    return "^(" + "|".join(f"{_any_case(area)}({'|'.join(words)})" for area, words in places.items()) + ")$"


def _any_case(text: str) -> str:
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else f"[{c}]" if c == "+" else c for c in text)
