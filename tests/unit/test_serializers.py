"""What is written for a schema says what the schema's own `dump` says, to the byte."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields, post_dump, pre_dump

from interviews_api import create_app
from interviews_api.clock import EARLIEST, format_instant
from interviews_api.interviews.candidate_schemas import CandidateInterviews, InterviewDetails
from interviews_api.interviews.models import InterviewStatus
from interviews_api.web.fields import FlatNested, Instant, WallTime
from interviews_api.web.serializers import UnsupportedSchema, compile_serializer, serializer_for
from tests.conftest import SETTINGS, Headers
from tests.support.factories import World
from tests.support.proof_table import figure

NONE = st.none()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(InterviewStatus)
INSTANTS = st.integers(0, 250_000_000_000_000).map(lambda number: EARLIEST + timedelta(milliseconds=number))
ZONES = st.sampled_from(["Asia/Kolkata", "America/Vancouver", "Australia/Lord_Howe", "UTC"])
FLAT = {"time_zone": ZONES, "starts_at": INSTANTS, "first_name": TEXT, "last_name": TEXT}
PLAIN = st.recursive(
    NONE | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, lambda one: st.lists(one, max_size=2), max_leaves=4
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Schema]:
    """Of every route of the application, what it answers."""
    app = create_app(SETTINGS | {"DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('dump') / 'no.sqlite3'}"})
    found = {type(one): one for one in _schemas(app)}
    assert {CandidateInterviews, InterviewDetails} < found.keys()
    return list(found.values())


def _schemas(app: Flask) -> Iterator[Schema]:
    for view in app.view_functions.values():
        operation = getattr(view, "operation", None)
        yield from operation.data if operation else ()


def rows(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """What a repository might hand to the schema: also with nulls where there should be none, and keys left out."""
    columns = _columns(schema) | FLAT
    whole = st.fixed_dictionaries(columns)
    some = st.fixed_dictionaries(FLAT, optional={name: columns[name] for name in columns if name not in FLAT})
    return st.one_of(whole, whole, whole, some)


def _columns(schema: Schema) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, field in schema.dump_fields.items():
        if isinstance(field, FlatNested):
            columns |= _columns(field.schema)
        elif not isinstance(field, WallTime | fields.Function):
            columns[field.attribute or name] = _values(field)
    return columns


def _values(field: Any) -> st.SearchStrategy[Any]:
    match field:
        case Instant():
            return NONE | INSTANTS | INSTANTS.map(format_instant)
        case fields.Nested():
            return NONE | rows(field.schema)
        case fields.List():
            return NONE | st.lists(_values(field.inner), max_size=3)
        case fields.Integer():
            return NONE | st.integers(-(2**53), 2**53)
        case fields.Boolean():
            return NONE | st.booleans()
        case fields.String():
            return NONE | TEXT
        case _:
            return PLAIN


def outcome(dump: Callable[[Any], Any], row: object) -> bytes | str:
    """The bytes that are sent, or what is raised."""
    try:
        return orjson.dumps(dump(row))
    except Exception as error:
        return repr(error)


@settings(max_examples=figure(sample=30, full=300), deadline=None)
@given(data=st.data())
def _check(schema: Schema, data: st.DataObject) -> None:
    row = data.draw(rows(schema))
    assert outcome(compile_serializer(schema), row) == outcome(schema.dump, row)


@pytest.mark.proof
def test_every_answer_is_the_same_either_way(answers: list[Schema]) -> None:
    assert len(answers) > 25
    for schema in answers:
        _check(schema)


class Colour(StrEnum):
    """Text that is not plain."""

    RED = "red"


@dataclass
class Thing:
    """What has attributes and no keys."""

    name: str
    inner: dict[str, Any]


class Odd(fields.String):
    """A field with a way of its own."""

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        """Another field's."""
        return f"odd {obj['name']}"


class Inner(Schema):
    """Nested."""

    number = fields.Integer(as_string=True)
    exact = fields.Decimal(places=2, as_string=True)


class Everything(Schema):
    """Fields that the writer does not know, or knows only some of."""

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
        """A method field's."""
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
def test_what_it_does_not_know_serializes_itself(row: object) -> None:
    assert outcome(compile_serializer(Everything()), row) == outcome(Everything().dump, row)


class _Hooked(Schema):
    name = fields.String()

    @post_dump
    def add(self, dumped: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Something more."""
        return dumped | {"more": 1}


class _Prepared(Schema):
    name = fields.String()

    @pre_dump
    def look_inside(self, row: Any, **_: Any) -> Any:
        """Somewhere else."""
        return row["inside"]


class _Reaching(Schema):
    name = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Its own way."""
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
def test_hooks_and_own_accessors_refuse_and_marshmallow_dumps(schema: Schema) -> None:
    with pytest.raises(UnsupportedSchema):
        compile_serializer(schema)
    assert serializer_for(schema) == schema.dump


def test_the_switch_turns_it_off(
    app: Flask, world: World, headers: Callable[..., Headers], monkeypatch: pytest.MonkeyPatch
) -> None:
    me = world.candidate_with({}, {"status": "confirmed"})
    world.load()
    used = []
    plain = CandidateInterviews.dump
    monkeypatch.setattr(CandidateInterviews, "dump", lambda self, row: used.append(1) or plain(self, row))
    monkeypatch.setitem(app.extensions, "memory", None)
    monkeypatch.setitem(app.config, "COMPILED_DUMP", True)  # whatever the suite runs with

    def ask() -> bytes:
        return app.test_client().get("/candidate/interviews", headers=headers(me["id"])).data

    compiled = ask()
    assert not used
    monkeypatch.setitem(app.config, "COMPILED_DUMP", False)
    assert (ask(), used) == (compiled, [1])
