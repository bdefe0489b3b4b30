"""Canaries of SQLAlchemy's and psycopg's API for dialects, which db/prepared.py and db/psycopg_connection.py use.

A failure names the part of this project that an upgrade breaks.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import RawCursor
from sqlalchemy import Dialect, bindparam, create_engine, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError, OperationalError

from interviews_api.db.psycopg_connection import SilenceLimitedConnection
from interviews_api.events.models import Event
from tests.support.databases import fresh_database

STATEMENT = select(Event.at).where(Event.id == bindparam("event_id"), Event.type == bindparam("type"))


@pytest.fixture
def dialect() -> Dialect:
    return PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-any-return]


@pytest.fixture(params=["postgresql"])
def postgres_url(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as url:
        yield url


def test_parameters_in_the_server_s_style(dialect: Dialect) -> None:
    compiled: Any = STATEMENT.compile(dialect=dialect)
    assert "$1" in str(compiled), "SQLAlchemy no longer compiles $1 for numeric_dollar: prepared.py sends invalid SQL"
    assert list(compiled.positiontup) == ["event_id", "type"], (
        "SQLAlchemy no longer has the order of parameters in SQLCompiler.positiontup: prepared.py mixes them up"
    )
    assert set(compiled.binds) == set(compiled.params) == {"event_id", "type"}, (
        "SQLAlchemy no longer has all parameters in SQLCompiler.binds and .params: prepared.py leaves some out"
    )


def test_processors_of_types(dialect: Dialect) -> None:
    column: Any = STATEMENT.exported_columns["at"]
    implementation = column.type.dialect_impl(dialect)
    assert callable(implementation.bind_processor(dialect)), (
        "SQLAlchemy no longer converts values in TypeEngine.bind_processor: prepared.py sends unconverted ones"
    )
    implementation.result_processor(dialect, None)


def test_errors_of_the_driver() -> None:
    dialect: Any = create_engine("postgresql+psycopg://localhost/none").dialect
    driver_error = psycopg.OperationalError("server closed the connection unexpectedly")
    assert getattr(dialect, "loaded_dbapi", None) is psycopg, (
        "SQLAlchemy no longer has psycopg in Dialect.loaded_dbapi: prepared.py catches other errors"
    )
    assert dialect.is_disconnect(driver_error, None, None) is False, (
        "SQLAlchemy's Dialect.is_disconnect(error, connection, cursor) no longer answers without a connection"
    )
    error = DBAPIError.instance(
        "SELECT 1", None, driver_error, psycopg.Error,
        hide_parameters=True, connection_invalidated=True, dialect=dialect,
    )  # fmt: skip
    assert isinstance(error, OperationalError), (
        "SQLAlchemy's DBAPIError.instance no longer maps psycopg's errors: prepared.py raises a class without a handler"
    )
    assert error.connection_invalidated, (
        "SQLAlchemy's DBAPIError.instance no longer keeps connection_invalidated: ReadPool keeps dead connections"
    )


def test_psycopg_waits_in_one_method(postgres_url: str) -> None:
    waits = []

    class Connection(SilenceLimitedConnection):
        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            waits.append(timeout)
            return super().wait(gen, interval, timeout)

    with Connection.connect(postgres_url, autocommit=True) as connection:
        waits.clear()
        assert RawCursor(connection).execute(b"SELECT $1::int", (7,)).fetchone() == (7,), (
            "psycopg's RawCursor no longer takes $1: prepared.py sends invalid SQL"
        )
        assert waits, "psycopg no longer sends through Connection.wait: SilenceLimitedConnection has no effect"
    assert "timeout" in inspect.signature(psycopg.Connection.wait).parameters, (
        "psycopg's Connection.wait no longer has a timeout: SilenceLimitedConnection has no effect"
    )
