"""The SQL of seeding: upserts by id, look-ups of references, and bulk inserts."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import JSON, ColumnElement, Connection, Table, Text, case, cast, func, insert, literal, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from interviews_api.accounts.models import Company, CompanyUser, PasswordReset, User
from interviews_api.db.types import Base, UtcDateTime
from interviews_api.db.upsert import dialect_insert
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.models import InterviewStatus
from interviews_api.interviews.rescheduling import APPOINTMENT_COLUMNS

BATCH = 5_000
"""Rows per statement, and keys per look-up: SQLite takes at most 32,766 parameters."""

Row = Mapping[str, Any]
T = TypeVar("T")

Columns = ReadOnlyColumnCollection[str, Any]

Merge = Callable[[Columns, Columns], ColumnElement[Any]]
"""Makes one value of a new and a stored row."""


def new_or_stored(name: str) -> Merge:
    """Return the merge that keeps the stored value of that column if there is no new one."""
    return lambda new, stored: func.coalesce(new[name], stored[name])


def stored_or_new(name: str) -> Merge:
    """Return the merge that takes the new value of that column if none is stored."""
    return lambda new, stored: func.coalesce(stored[name], new[name])


def set_instant(at: datetime) -> Merge:
    """Return the merge that sets the time of a change, in a column that is empty until the first one."""
    return lambda _new, _stored: literal(at, UtcDateTime)


def next_revision(new: Columns, stored: Columns) -> ColumnElement[int]:
    """Return the stored revision, or the next one if the new row has another appointment or link, or is cancelled.

    So links and mails sent earlier are superseded, as after a reschedule, an update or a cancellation.
    """
    is_cancelled = (new["status"] == InterviewStatus.CANCELLED) & _differs(new, stored, "status")
    is_superseded = is_cancelled | _differs(new, stored, *APPOINTMENT_COLUMNS, "meeting_link", "application_id")
    revision: ColumnElement[int] = stored["revision"] + case((is_superseded, 1), else_=0)
    return revision


def open_request(new: Columns, stored: Columns) -> ColumnElement[Any]:
    """Return the stored request for another time, or NULL if the new row answers it, as a transition does.

    The answer is another appointment or another status.
    """
    return case((~_differs(new, stored, *APPOINTMENT_COLUMNS, "status"), stored["reschedule_request"]))


def _differs(new: Columns, stored: Columns, *names: str) -> ColumnElement[bool]:
    return or_(*(stored[name].is_distinct_from(new[name]) for name in names))


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

        `merge` has the columns that an update makes of the new and the stored row. `stamps` names columns with the
        time of a change: a row that differs only in them is not updated.
        """
        if not rows:
            return
        table = _table(model)
        statement = dialect_insert(self._connection, table)
        changes: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name not in {"id", *keep}}
        for name, merged in (merge or {}).items():
            changes[name] = merged(statement.excluded, table.c)
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
