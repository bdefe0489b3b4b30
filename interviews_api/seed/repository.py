"""The SQL of seeding: insert or update by id, look references up, and bulk inserts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import JSON, ColumnElement, Connection, Table, Text, cast, func, insert, or_, select

from interviews_api.accounts.models import Company, User
from interviews_api.db.types import Base
from interviews_api.db.upsert import dialect_insert
from interviews_api.hiring.models import Application, Job

BATCH = 5_000
"""Rows a statement; also keys a look-up, which keeps under SQLite's 32,766 parameters."""

Row = Mapping[str, Any]
T = TypeVar("T")


class SeedRepository:
    """Writes whole records. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_postgres = connection.dialect.name == "postgresql"

    def lock(self, model: type[Base], rows: Iterable[Row]) -> None:
        """Keep others from changing those of these records that exist, until the commit."""
        key = _table(model).c.id
        for ids in batches(sorted(row["id"] for row in rows)):
            self._connection.execute(select(key).where(key.in_(ids)).order_by(key).with_for_update())

    def upsert(
        self, model: type[Base], rows: Sequence[Row], *, keep: Iterable[str] = (), stamps: Iterable[str] = ()
    ) -> None:
        """Insert, or update by id; `keep` names columns that an update leaves as they are.

        `stamps` names columns that say when a row changed: one that is the same but for them is not touched.
        """
        if not rows:
            return
        table = _table(model)
        statement = dialect_insert(self._connection, table)
        changes: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name not in {"id", *keep}}
        if model is User:  # a record without a password leaves the one there is
            changes["password_hash"] = func.coalesce(statement.excluded.password_hash, table.c.password_hash)
        is_other = [
            _as_text(table.c[name]).is_distinct_from(_as_text(new))
            for name, new in changes.items()
            if name not in stamps
        ]
        in_order = sorted(rows, key=itemgetter("id"))  # two loads that lock rows in opposite orders wait for each other
        update = statement.on_conflict_do_update(
            index_elements=["id"], set_=changes, where=or_(*is_other) if stamps else None
        )
        self._connection.execute(update, in_order)

    def insert(self, model: type[Base], rows: Sequence[Row]) -> None:
        """Insert many new rows: COPY on Postgres, a batch on SQLite."""
        table = _table(model)
        if not self._is_postgres:
            self._connection.execute(insert(table), rows)
            return
        columns = list(rows[0])
        cursor: Any = self._connection.connection.cursor()  # psycopg's own: COPY is no part of the DB-API
        with cursor, cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row[column] for column in columns])

    def refresh_statistics(self) -> None:
        """Tell the planner what is there now."""
        self._connection.exec_driver_sql("ANALYZE")

    def existing(self, model: type[Base], ids: Iterable[str]) -> set[str]:
        """Which of these ids the table has."""
        key = _table(model).c.id
        return {found for (found,) in self._rows(select(key).where(key.in_(some)) for some in batches(ids))}

    def roles(self, ids: Iterable[str]) -> dict[str, str]:
        """The role of each of these users that exists."""
        return dict(self._rows(select(User.id, User.role).where(User.id.in_(some)) for some in batches(ids)))

    def owners_of_emails(self, keys: Iterable[str]) -> dict[str, str]:
        """By e-mail key, the id of the user that has it."""
        return dict(
            self._rows(select(User.email_key, User.id).where(User.email_key.in_(some)) for some in batches(keys))
        )

    def application_ids(self, candidate_ids: Iterable[str]) -> dict[tuple[str, str], str]:
        """By candidate and job, the id of the application between them."""
        columns = (Application.candidate_id, Application.job_id, Application.id)
        rows = self._rows(select(*columns).where(Application.candidate_id.in_(some)) for some in batches(candidate_ids))
        return {(candidate_id, job_id): application_id for candidate_id, job_id, application_id in rows}

    def companies_of_jobs(self, job_ids: Iterable[str]) -> dict[str, str]:
        """By job, its company's id."""
        return dict(self._rows(select(Job.id, Job.company_id).where(Job.id.in_(some)) for some in batches(job_ids)))

    def applications(self, ids: Iterable[str]) -> dict[str, tuple[str, str, str]]:
        """By application, its candidate's id, its company's id, and the company's time zone."""
        joined = select(Application.id, Application.candidate_id, Company.id, Company.time_zone).join(
            Company, Company.id == Application.company_id
        )
        return {
            key: (whose, company, zone)
            for key, whose, company, zone in self._rows(joined.where(Application.id.in_(some)) for some in batches(ids))
        }

    def _rows(self, statements: Iterable[Any]) -> list[Any]:
        return [tuple(row) for statement in statements for row in self._connection.execute(statement)]


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """Lists of at most BATCH values."""
    iterator = iter(values)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _as_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Postgres cannot compare JSON."""
    return cast(column, Text) if isinstance(column.type, JSON) else column


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101  # every model here is one table
    return table
