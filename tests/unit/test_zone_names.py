"""Time zones by the names that clients and Windows write."""

import re
from importlib import resources

import pytest
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from marshmallow import ValidationError

from interviews_api.clock import zone, zone_names
from interviews_api.web.zone_names import ZoneName, zone_name_schema


def refusal(text: object) -> list[str]:
    with pytest.raises(ValidationError) as error:
        ZoneName().deserialize(text)
    return error.value.messages  # type: ignore[return-value]


def test_each_iana_name_is_read_in_any_letter_case() -> None:
    for name in zone_names():
        for text in (name, name.lower(), name.upper(), name.swapcase()):
            assert ZoneName().deserialize(text) == name
        assert zone(name)


@pytest.mark.parametrize("name", ["W. Europe Standard Time", "w. europe standard time", "W. EUROPE STANDARD TIME"])
def test_windows_name_is_refused_with_its_iana_name(name: str) -> None:
    words = 'Must be an IANA time zone: the Windows name "W. Europe Standard Time" means Europe/Berlin.'
    assert refusal(name) == [words]


def test_each_windows_name_is_explained_by_a_present_name() -> None:
    assert len(WINDOWS_TO_OLSON) > 130
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text()
    present = {line.split("\t")[2] for line in table.splitlines() if not line.startswith("#")}
    for windows_name in WINDOWS_TO_OLSON.keys() - {"UTC"}:  # which is IANA's name, too
        (words,) = refusal(windows_name)
        name = re.fullmatch(r'Must be an IANA time zone: the Windows name "(.+)" means (\S+)\.', words)
        assert name is not None
        assert name[1] == windows_name
        assert name[2] in zone_names()
        assert name[2] in present or name[2].startswith("Etc/")


@pytest.mark.parametrize("text", [
    "Factory", "factory", "localtime", "posixrules", "posix/UTC", "right/UTC", "leapseconds", "tzdata.zi", "", " ",
    " UTC", "UTC ", "Europe/Paris\n", "Asia/To\u212ayo", "Europe/\u00dfk", "../UTC", "Paris", "GMT+25",
])  # fmt: skip
def test_other_names_are_no_zones(text: str) -> None:
    assert refusal(text) == ["Must be an IANA time zone like Asia/Kolkata."]


def test_json_schema_has_each_name_in_any_letter_case() -> None:
    pattern = re.compile(zone_name_schema()["anyOf"][1]["pattern"])
    assert all(pattern.search(text) for name in zone_names() for text in (name, name.lower(), name.swapcase()))
    others = ("Factory", "Asia/Nowhere", "Asia", "Asia/", "/UTC", "UTCUTC", "Asia/To\u212ayo", "America/Paris")
    assert not [text for text in others if pattern.search(text)]
