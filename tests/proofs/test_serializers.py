"""Proof: compiled serializers and marshmallow write the same bytes for each schema of the application."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields

from interviews_api import create_app
from interviews_api.clock import EARLIEST, format_instant
from interviews_api.interviews.candidate_schemas import CandidateInterviews, InterviewDetails
from interviews_api.interviews.models import InterviewStatus
from interviews_api.web.fields import FlatNested, Instant, WallTime
from interviews_api.web.route_contract import contract_of
from interviews_api.web.serializers import compile_serializer
from tests.support.proof_table import figure
from tests.support.schema import outcome
from tests.support.settings import SETTINGS

NONE = st.none()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(InterviewStatus)
INSTANTS = st.integers(0, 250_000_000_000_000).map(lambda number: EARLIEST + timedelta(milliseconds=number))
ZONES = st.sampled_from(["Asia/Kolkata", "America/Vancouver", "Australia/Lord_Howe", "UTC"])
FLAT = {"time_zone": ZONES, "starts_at": INSTANTS, "first_name": TEXT, "last_name": TEXT}
PLAIN = st.recursive(
    NONE | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda children: st.lists(children, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Schema]:
    """Return a schema of each class that a route of the application answers with."""
    app = create_app(SETTINGS | {"DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('dump') / 'no.sqlite3'}"})
    schemas = {type(schema): schema for schema in _schemas(app)}
    assert {CandidateInterviews, InterviewDetails} < schemas.keys()
    return list(schemas.values())


def _schemas(app: Flask) -> Iterator[Schema]:
    for view in app.view_functions.values():
        contract = contract_of(view)
        yield from contract.schemas if contract else ()


def rows(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of rows for the schema, also with unexpected nulls and missing keys."""
    columns = _columns(schema) | FLAT
    whole = st.fixed_dictionaries(columns)
    partial = st.fixed_dictionaries(FLAT, optional={name: columns[name] for name in columns if name not in FLAT})
    return st.one_of(whole, whole, whole, partial)


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


@settings(max_examples=figure(sample=15, full=300), deadline=None)
@given(data=st.data())
def _check(schema: Schema, data: st.DataObject) -> None:
    row = data.draw(rows(schema))
    assert outcome(compile_serializer(schema), row) == outcome(schema.dump, row)


@pytest.mark.proof
def test_compiled_serializers_equal_marshmallow(answers: list[Schema]) -> None:
    assert len(answers) > 25
    for schema in answers:
        _check(schema)
