"""Paged lists in one statement: how many there are, and some of them in order, beside the row that asks."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, bindparam, func

Key = Callable[[Mapping[Any, Any]], Any]
SelectStatement = Select[*tuple[Any, ...]]


Page = dict[str, Any]
"""`rows` in the order asked for, `total`, which is how many there are before paging, and what else was read once."""

_BESIDE = ("total", "last_event", "last_import", "turns_at")


def count_where(condition: ColumnElement[bool], name: str) -> ColumnElement[int]:
    """A count for the tally."""
    return func.count().filter(condition).label(name)


def page_subquery(rows: SelectStatement, order: tuple[Any, ...]) -> Subquery:
    """The page of these rows; join it to the asking row with an outer join ON true, and what it needs to the page."""
    return rows.order_by(*order).limit(bindparam("limit")).offset(bindparam("skip")).subquery("page")


def count_subquery(rows: SelectStatement, *counts: ColumnElement[int]) -> Subquery:
    """The counts of these rows; by default their number. One row: join it ON true."""
    columns = counts or (func.count().label("total"),)
    return rows.with_only_columns(*columns, maintain_column_froms=True).subquery("tally")


def read_page(
    connection: Connection, statement: SelectStatement, values: Mapping[str, Any], *, key: str, order: tuple[Key, bool]
) -> Page | None:
    """The page that `as_page` makes of what the statement finds, or None when the asking row is not there."""
    found = connection.execute(statement, values).mappings().all()
    return build_page(found, key=key, order=order) if found else None


def build_page(found: Sequence[Mapping[Any, Any]], *, key: str, order: tuple[Key, bool]) -> Page:
    """The page in these rows: at least one. `key` is the page's id column, `order` (by, is descending).

    The page was cut in order; the joins after it usually keep that order, but SQL does not promise it.
    """
    rows = sorted((row for row in found if row[key] is not None), key=itemgetter(key))
    by, is_descending = order
    rows.sort(key=by, reverse=is_descending)
    beside = {name: value for name, value in found[0].items() if name in _BESIDE or name.endswith("_count")}
    return {"rows": rows, **beside}
