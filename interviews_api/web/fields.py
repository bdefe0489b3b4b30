"""Base schema and fields that all schemas share: camelCase keys, ids, instants, bounded text."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate
from marshmallow.exceptions import SCHEMA

from interviews_api.clock import EARLIEST, LATEST, format_instant, parse_instant, wall_time
from interviews_api.errors import MAX_DETAILS
from interviews_api.ids import is_id
from interviews_api.web.bidirectional import BIDI_CONTROLS, without_bidi_controls
from interviews_api.web.text_rules import (
    MAX_NAME,
    MAX_TEXT,
    NAME_PATTERN,
    check_name,
    clean_inline_text,
    clean_text,
)
from interviews_api.web.zone_names import ZoneName

_BLANK = rf"\s\ufeff{BIDI_CONTROLS}"
_NOT_BLANK = rf"[^{_BLANK}\u0000-\u001f\u007f-\u009f]"  # what `clean_text` leaves, and is no blank
refuse_blank = validate.Regexp(rf"(?s).*[^{_BLANK}]", error="Must not be blank.")
DATE_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_PATTERN = r"([01][0-9]|2[0-3]):[0-5][0-9]"


def camel_case(name: str) -> str:
    """Return a snake_case name in camelCase: `interviewId` for `interview_id`."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


class CamelSchema(Schema):
    """Schema with snake_case names in Python and camelCase keys in JSON; refuses unknown keys."""

    has_optional_parts = False
    """Whether a response may leave keys out; otherwise a missing value is null."""

    any_required: tuple[str, ...] = ()
    """Keys of optional texts in a request, of which one must be there and not be empty."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Set the field's JSON key, unless the field names its own."""
        if field_obj.data_key is None:
            field_obj.data_key = camel_case(field_name)

    @pre_load
    def _drop_most_unknown_keys(self, data: Any, **_kwargs: object) -> Any:
        """Keep the first 50 unknown keys, because each costs time and a response names no more."""
        if not isinstance(data, Mapping) or len(data) <= MAX_DETAILS:
            return data
        keys = {field.data_key for field in self.load_fields.values()}
        dropped = set([key for key in data if key not in keys][MAX_DETAILS:])
        return {key: value for key, value in data.items() if key not in dropped}

    def handle_error(self, error: ValidationError, data: Any, **_kwargs: Any) -> None:
        """Sort the messages: known keys first, then unknown ones in the order of the input.

        For an input that is no object, the messages have no key.
        """
        messages: Any = error.messages
        if isinstance(data, Mapping):  # marshmallow reports unknown keys in the order of a set
            keys = {field.data_key for field in self.load_fields.values()}
            positions = {key: position for position, key in enumerate(data) if key not in keys}
            error.messages = dict(sorted(messages.items(), key=lambda item: positions.get(item[0], -1)))
        else:
            error.messages = messages.get(SCHEMA, messages)


class Nothing(CamelSchema):
    """An empty object: in a request absent or `{}`, in a response no data."""


class Instant(fields.Field[datetime]):
    """UTC instant, `2025-05-15T09:00:00.000Z` in JSON; text from the database is written unchanged."""

    default_error_messages = {"invalid": "Must be an instant like 2025-05-15T09:00:00.000Z."}

    def _serialize(self, value: datetime | str | None, attr: str | None, obj: object, **kwargs: object) -> str | None:
        return value if value is None or isinstance(value, str) else format_instant(value)

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> datetime:
        try:
            return parse_instant(value)  # type: ignore[arg-type]  # other types raise TypeError
        except (TypeError, ValueError):
            raise self.make_error("invalid") from None


class LocalDate(fields.Field[date]):
    """Local date like `2025-05-15`, in the years that an instant may have. For input only."""

    default_error_messages = {"invalid": "Must be a date like 2025-05-15."}

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> date:
        if not isinstance(value, str) or not re.fullmatch(DATE_PATTERN, value):
            raise self.make_error("invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise self.make_error("invalid") from None
        if not EARLIEST.year < day.year < LATEST.year:
            raise self.make_error("invalid")
        return day


class LocalTime(fields.Field[time]):
    """Local time of day like `14:30`, for input only; output has WallTime."""

    default_error_messages = {"invalid": "Must be a time like 14:30."}

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> time:
        if not isinstance(value, str) or not re.fullmatch(TIME_PATTERN, value):
            raise self.make_error("invalid")
        return time.fromisoformat(value)


class WallTime(fields.Field[str]):
    """Local time `HH:MM` of the row's `starts_at` in its `time_zone`, for output only; input has LocalTime."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dump_only=True, attribute="starts_at", **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: object) -> str:
        return wall_time(value, obj["time_zone"])


class FlatNested(fields.Nested):
    """Nested object whose values are columns of the parent's row."""

    def serialize(self, attr: str, obj: object, accessor: object = None, **kwargs: object) -> object:
        """Dump the parent's own row with the nested schema."""
        return self.schema.dump(obj)


class Digits(fields.Integer):
    """Whole number from a query string: ASCII digits only, no sign, space or underscore."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        self._complaint = f"Must be a whole number from {low} to {high}."
        self._digits = rf"[0-9]{{1,{max(10, len(str(high)))}}}"
        super().__init__(validate=validate.Range(low, high, error=self._complaint), **kwargs)

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> int:
        if not isinstance(value, str) or not re.fullmatch(self._digits, value):
            raise ValidationError(self._complaint)
        return int(value)


class WholeNumber(fields.Integer):
    """Whole number in JSON: 8 and 8.0 (which JSON Schema calls an integer), not "8", true or 8.5."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(low, high), **kwargs)

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        return value


class JsonBoolean(fields.Boolean):
    """Boolean in JSON: true and false only, not "yes" or 1."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryBoolean(fields.Boolean):
    """Boolean from a query string: `true` or `false`, in lower case."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Must be true or false.")
        return value == "true"


class Text(fields.String):
    """Text whose length is judged before its contents: a text that is too long costs nothing else."""

    clean: Callable[[str], str] = staticmethod(str)
    """Normalize the text before it is stored."""

    def _deserialize(self, value: object, attr: str | None, data: Any, **kwargs: object) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        _check_length(self, text)
        return self.clean(text)

    def _validate(self, value: str) -> None:
        _check_length(self, value)
        super()._validate(value)


class CleanText(Text):
    """Text of several lines without control characters, except tabs and line breaks.

    Nobody sees them, iCalendar forbids them (RFC 5545, section 3.1), and each takes six bytes in JSON. Bidirectional
    controls stay as far as they are balanced.
    """

    clean = staticmethod(clean_text)


class InlineText(Text):
    """Text that stands within other lines, such as a phone number or an address: no controls, but for line breaks."""

    clean = staticmethod(clean_inline_text)


class Name(Text):
    """Name or title of one line, without bidirectional controls. Other hidden characters are refused."""

    clean = staticmethod(without_bidi_controls)


class ShortList(fields.List[Any]):
    """List whose length is judged before its elements, so that the problems of a long list are one line."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: object) -> Any:
        if isinstance(value, list):
            _check_length(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


def _check_length(field: fields.Field[Any], value: str | list[Any]) -> None:
    """Call the field's validators of length alone; raises ValidationError."""
    for check in field.validators:
        if isinstance(check, validate.Length):
            check(value)


def id_field(**kwargs: Any) -> fields.String:
    """Return the field of an id: 24 lower-case hex digits."""
    return fields.String(validate=_check_id, metadata={"component": "Id"}, **kwargs)


def text_field(maximum: int = MAX_TEXT, *, minimum: int = 0, **kwargs: Any) -> fields.String:
    """Return the field of a text of several lines; `minimum` and `maximum` are lengths in characters."""
    return CleanText(validate=validate.Length(min=minimum, max=maximum), **kwargs)


def filled_text_field(maximum: int, **kwargs: Any) -> fields.String:
    """Return the field of a text that is not blank, of at most `maximum` characters."""
    checks = [validate.Length(min=1, max=maximum), refuse_blank]
    pattern = rf"^[^\u0000]*{_NOT_BLANK}[^\u0000]*$"
    return CleanText(validate=checks, metadata={"pattern": pattern}, **kwargs)


def inline_text_field(maximum: int, **kwargs: Any) -> fields.String:
    """Return the field of an inline text of at most `maximum` characters."""
    return InlineText(validate=validate.Length(max=maximum), **kwargs)


def name_field(**kwargs: Any) -> fields.String:
    """Return the field of the name of a person or company, or of a title: one line of at most 200 characters."""
    checks: list[Callable[[str], Any]] = [validate.Length(min=1, max=MAX_NAME), check_name]
    return Name(validate=checks, metadata={"pattern": NAME_PATTERN}, **kwargs)


def time_zone_field(**kwargs: Any) -> fields.String:
    """Return the field of an IANA time zone name."""
    metadata = {"component": "TimeZone"} | kwargs.pop("metadata", {})
    return ZoneName(metadata=metadata, **kwargs)


def enum_field(
    enum: type[StrEnum],
    *,
    only: Collection[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> fields.String:
    """Return a field for the members of an enumeration, or for `only` those; its component is named after the class."""
    component = {"component": enum.__name__, "members": list(enum)}
    check = validate.OneOf(list(enum) if only is None else only)
    return fields.String(validate=check, metadata=component | dict(metadata or {}), **kwargs)


def _check_id(text: str) -> None:
    if not is_id(text):  # validate.Regexp would let a line break follow
        raise ValidationError("Must be 24 lower-case hex digits.")


def flatten(messages: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], list[str]]]:
    """Return marshmallow's nested messages as (path of keys and indices, problems), in order."""
    if not isinstance(messages, dict):
        return [(path, [str(message) for message in messages])]
    return [entry for name, inner in messages.items() for entry in flatten(inner, (*path, name))]
