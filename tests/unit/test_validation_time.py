"""Validation of hostile text takes little time in each kind of field."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from marshmallow import Schema, ValidationError, fields

from interviews_api.web.fields import CamelSchema

MAX_DURATION = 64 * 1024  # bytes of a body
CPU_SECONDS = 0.05
PARTS = ("=?", "=?x", "?", '"\\', '"', "(", "a.", "a-", "a@", "ü.", " ", "\t;", "0", "-", "+", "https://", "x ,", "a/")
ENDS = ("", "@a.co", "@", ".co", "\x00", "!", '"@a.co', "Z", "\n")


def hostile_texts() -> Iterator[str]:
    """Return texts: each part repeated to the length of an address or of a body, with each end."""
    for part in PARTS:
        for length in (64, 253, MAX_DURATION):
            for end in ENDS:
                yield part * ((length - len(end)) // len(part)) + end
    yield "=?x" * 40 + "?" * 128 + "@a.co"
    yield "=?x" * 16 + "?" * 10 + "@a.co"


def all_fields(schema: type[Schema]) -> Iterator[fields.Field]:
    for field in schema().load_fields.values():
        yield field.inner if isinstance(field, fields.List) else field
    for child in schema.__subclasses__():
        yield from all_fields(child)


def judged_alike() -> dict[str, fields.Field]:
    """Return a field for each combination of a field class and validators."""
    kinds = {}
    for field in all_fields(CamelSchema):
        if not isinstance(field, fields.Nested):
            checks = [getattr(check, "__name__", repr(check)) for check in field.validators]
            kinds[f"{type(field).__name__} {' '.join(checks)}"] = field
    return kinds


def test_each_kind_of_field_is_tested() -> None:
    kinds = " ".join(judged_alike())
    for name in ("EmailAddress", "Instant", "LocalDate", "LocalTime", "String"):
        assert name in kinds


@pytest.mark.parametrize("kind", sorted(judged_alike()))
def test_hostile_text_is_validated_in_linear_time(kind: str) -> None:
    field = judged_alike()[kind]
    for text in hostile_texts():
        began = time.process_time()
        with suppress(ValidationError):
            field.deserialize(text)
        assert time.process_time() - began < CPU_SECONDS, f"{text[:20]!r}... of {len(text)} characters"
