"""The SQL of seeding: upserts by id, look-ups of references, and bulk inserts."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import JSON, ColumnElement, Connection, Table, Text, cast, func, insert, or_, select

from interviews_api.accounts.models import Company, CompanyUser, PasswordReset, User
from interviews_api.db.types import Base
from interviews_api.db.upsert import dialect_insert
from interviews_api.hiring.models import Application, Job

BATCH = 5_000
"""Rows per statement, and keys per look-up: SQLite takes at most 32,766 parameters."""

Row = Mapping[str, Any]
T = TypeVar("T")


Merge = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]
"""Makes one value of a new and a stored one."""


def new_or_stored(new: ColumnElement[Any], stored: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the new value, or the stored one if there is no new one."""
    return func.coalesce(new, stored)


def stored_or_new(new: ColumnElement[Any], stored: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the stored value, or the new one if none is stored."""
    return func.coalesce(stored, new)


class SeedRepository:
    """Seed records in the database. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_postgres = connection.dialect.name == "postgresql"

    def lock(self, model: type[Base], ids: Iterable[str]) -> None:
        """Lock the rows with these ids, as far as they exist, until the commit."""
        key = _table(model).c.id
        for batch in batches(sorted(ids)):
            self._connection.execute(select(key).where(key.in_(batch)).order_by(key).with_for_update())

    def lock_accounts(self, user_ids: Collection[str]) -> None:
        """Lock the resets of all these users, then their companies, then the users, in the order of registrations.

        A lock of one account after the other could deadlock with the registration of a colleague.
        """
        resets = select(PasswordReset.id).join(User, User.email_key == PasswordReset.email_key)
        companies = select(CompanyUser.company_id)
        reset_ids = self._rows(resets.where(User.id.in_(batch)) for batch in batches(user_ids))
        company_ids = self._rows(companies.where(CompanyUser.id.in_(batch)) for batch in batches(user_ids))
        self.lock(PasswordReset, {id_ for (id_,) in reset_ids})
        self.lock(Company, {id_ for (id_,) in company_ids})
        self.lock(User, user_ids)

    def upsert(
        self,
        model: type[Base],
        rows: Sequence[Row],
        *,
        keep: Iterable[str] = (),
        merge: Mapping[str, Merge] | None = None,
        stamps: Iterable[str] = (),
    ) -> None:
        """Insert the rows, or update them by id; an update does not change the columns in `keep`.

        `merge` has the columns that an update makes of the new and the stored value. `stamps` names columns with the
        time of a change: a row that differs only in them is not updated.
        """
        if not rows:
            return
        table = _table(model)
        statement = dialect_insert(self._connection, table)
        changes: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name not in {"id", *keep}}
        for name, merged in (merge or {}).items():
            changes[name] = merged(statement.excluded[name], table.c[name])
        differs = [
            _as_text(table.c[name]).is_distinct_from(_as_text(new))
            for name, new in changes.items()
            if name not in stamps
        ]
        # Sorted, because two loads that lock rows in opposite orders would deadlock.
        in_order = sorted(rows, key=itemgetter("id"))
        update = statement.on_conflict_do_update(
            index_elements=["id"], set_=changes, where=or_(*differs) if stamps else None
        )
        self._connection.execute(update, in_order)

    def insert(self, model: type[Base], rows: Sequence[Row]) -> None:
        """Insert new rows: by COPY on Postgres, by one INSERT on SQLite."""
        table = _table(model)
        if not self._is_postgres:
            self._connection.execute(insert(table), rows)
            return
        columns = list(rows[0])
        cursor: Any = self._connection.connection.cursor()  # psycopg's cursor, because COPY is no part of the DB-API
        with cursor, cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row[column] for column in columns])

    def refresh_statistics(self) -> None:
        """Refresh the query planner's statistics (ANALYZE)."""
        self._connection.exec_driver_sql("ANALYZE")

    def existing(self, model: type[Base], ids: Iterable[str]) -> set[str]:
        """Return which of these ids the table has."""
        key = _table(model).c.id
        return {id_ for (id_,) in self._rows(select(key).where(key.in_(batch)) for batch in batches(ids))}

    def roles(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the roles of these users by id, as far as they exist."""
        return dict(self._rows(select(User.id, User.role).where(User.id.in_(batch)) for batch in batches(ids)))

    def owners_of_emails(self, keys: Iterable[str], *, only_unverified: bool = False) -> dict[str, str]:
        """Return the ids of the users with these e-mail keys, by key."""
        statement = select(User.email_key, User.id)
        if only_unverified:
            statement = statement.where(User.email_verified_at.is_(None))
        return dict(self._rows(statement.where(User.email_key.in_(batch)) for batch in batches(keys)))

    def application_ids(self, candidate_ids: Iterable[str]) -> dict[tuple[str, str], str]:
        """Return the ids of these candidates' applications, by candidate id and job id."""
        columns = (Application.candidate_id, Application.job_id, Application.id)
        rows = self._rows(
            select(*columns).where(Application.candidate_id.in_(batch)) for batch in batches(candidate_ids)
        )
        return {(candidate_id, job_id): application_id for candidate_id, job_id, application_id in rows}

    def companies_of_jobs(self, job_ids: Iterable[str]) -> dict[str, str]:
        """Return the company ids of these jobs, by job id."""
        return dict(self._rows(select(Job.id, Job.company_id).where(Job.id.in_(batch)) for batch in batches(job_ids)))

    def applications(self, ids: Iterable[str]) -> dict[str, tuple[str, str, str]]:
        """Return candidate id, company id and the company's time zone of these applications, by id."""
        statement = select(Application.id, Application.candidate_id, Company.id, Company.time_zone).join(
            Company, Company.id == Application.company_id
        )
        rows = self._rows(statement.where(Application.id.in_(batch)) for batch in batches(ids))
        return {id_: (candidate_id, company_id, time_zone) for id_, candidate_id, company_id, time_zone in rows}

    def _rows(self, statements: Iterable[Any]) -> list[Any]:
        return [tuple(row) for statement in statements for row in self._connection.execute(statement)]


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield lists of at most BATCH values."""
    iterator = iter(values)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _as_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Cast JSON to text, because Postgres cannot compare JSON."""
    return cast(column, Text) if isinstance(column.type, JSON) else column


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101  # for mypy: every model has one table
    return table
