"""Compiled serializers write the bytes that the schema's own `dump` writes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from marshmallow import Schema, fields, post_dump, pre_dump

from interviews_api.web.fields import FlatNested
from interviews_api.web.serializers import UnsupportedSchema, compile_serializer, serializer_for
from tests.support.schema import outcome


class Colour(StrEnum):
    """An enum of strings, which are instances of str but not of its exact class."""

    RED = "red"


@dataclass
class Thing:
    """An object with attributes and no keys."""

    name: str
    inner: dict[str, Any]


class Odd(fields.String):
    """A field that overrides `serialize`."""

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        """Return the value of another field."""
        return f"odd {obj['name']}"


class Inner(Schema):
    """A nested schema."""

    number = fields.Integer(as_string=True)
    exact = fields.Decimal(places=2, as_string=True)


class Everything(Schema):
    """A schema with fields that the compiler knows in part or not at all."""

    name = fields.String(data_key="Name")
    odd = Odd()
    deep = fields.String(attribute="inner.number", dump_only=True)
    inner = fields.Nested(Inner)
    inners = fields.List(fields.Nested(Inner), attribute="inner_list")
    many = fields.Nested(Inner, many=True, attribute="inner_list", dump_only=True)
    plucked = fields.Pluck(Inner, "number", attribute="inner", dump_only=True)
    method = fields.Method("shout")
    function = fields.Function(lambda row: row["name"] * 2)
    constant = fields.Constant(7)
    usual = fields.String(dump_default="usual")
    secret = fields.String(load_only=True)
    day = fields.Date()
    whole = fields.Integer()
    truth = fields.Boolean()
    raw = fields.Raw()
    table = fields.Dict(keys=fields.String(), values=fields.Integer())

    def shout(self, row: Any) -> str:
        """Return the value of a method field."""
        return str(row["name"]).upper()


INNER = {"number": 3, "exact": "1.5"}
ROW: dict[str, Any] = {
    "name": "n", "inner": INNER, "inner_list": [INNER, {}, None], "usual": "u", "day": datetime(2026, 1, 2, tzinfo=UTC),
    "whole": 5, "truth": True, "raw": [1, {"a": None}], "table": {"a": 1}, "secret": "never",
}  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        {key: None for key in ROW if key != "name"} | {"name": "n"},
        {"name": "n"},
        {**ROW, "name": Colour.RED, "whole": True, "usual": 12},
        {**ROW, "name": 5, "whole": "7", "truth": "yes"},
        {**ROW, "whole": "no number"},
        {**ROW, "inner": Thing("inner", {})},
        {**ROW, "inner_list": ({"number": 1},)},
        Thing("a thing", INNER),
        {},
        None,
        7,
    ],
)
def test_unknown_fields_serialize_themselves(row: object) -> None:
    assert outcome(compile_serializer(Everything()), row) == outcome(Everything().dump, row)


class _Hooked(Schema):
    name = fields.String()

    @post_dump
    def add(self, dumped: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add a key after the dump."""
        return dumped | {"more": 1}


class _Prepared(Schema):
    name = fields.String()

    @pre_dump
    def look_inside(self, row: Any, **_: Any) -> Any:
        """Take the row from another place before the dump."""
        return row["inside"]


class _Reaching(Schema):
    name = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Read a value in another way than marshmallow does."""
        return obj["_" + attr]


class _Nesting(Schema):
    hooked = fields.Nested(_Hooked)


class _Parted(Schema):
    prepared = FlatNested(_Prepared)


class _Listing(Schema):
    all = fields.List(fields.Nested(_Reaching))


@pytest.mark.parametrize(
    "schema",
    [_Hooked(), _Prepared(), _Reaching(), _Nesting(), _Parted(), _Listing(), Inner(many=True)],
    ids=lambda schema: type(schema).__name__,
)
def test_schemas_with_hooks_fall_back_to_marshmallow(schema: Schema) -> None:
    with pytest.raises(UnsupportedSchema):
        compile_serializer(schema)
    assert serializer_for(schema) == schema.dump
