"""Rate limits that are counted from the rows that a change inserts anyway, in the transaction that inserts the next."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, SQLColumnExpression, select

from interviews_api.config.limits import Limit
from interviews_api.errors import TooManyRequests

ActiveLimits = Mapping[str, Limit] | None
"""The limits by name, or None when nothing is counted."""


def refuse_when_reached(
    connection: Connection,
    limit: Limit,
    time: SQLColumnExpression[datetime] | SQLColumnExpression[datetime | None],
    *conditions: ColumnElement[bool],
    now: datetime,
    values: Mapping[str, object] | None = None,
) -> None:
    """Raise TooManyRequests when the window holds as many rows as the limit allows.

    `time` is when a row was inserted. `values` are the conditions' parameters. The caller holds a lock that keeps
    others from inserting.
    """
    start = now - timedelta(seconds=limit.seconds)
    rows = select(time).where(*conditions, time > start).order_by(time.desc())
    oldest: datetime | None = connection.execute(rows.offset(limit.allowed - 1).limit(1), values or {}).scalar()
    if oldest is not None:
        seconds = (min(oldest, now) - start).total_seconds()
        raise TooManyRequests(max(1, -int(-seconds // 1)))
