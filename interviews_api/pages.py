"""Paged lists in one statement: how many there are, and some of them in order, beside the row that asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Subquery, bindparam, func

Key = Callable[[RowMapping], Any]
Statement = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Page:
    """Some rows in the order asked for, and how many there are before paging."""

    rows: list[RowMapping]
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many match the filter."""
        return self.counts["total"]


def count_where(condition: ColumnElement[bool], name: str) -> ColumnElement[int]:
    """A count for the tally."""
    return func.count().filter(condition).label(name)


def cut(rows: Statement, order: tuple[Any, ...]) -> Subquery:
    """The page of these rows; join it to the asking row with an outer join ON true, and what it needs to the page."""
    return rows.order_by(*order).limit(bindparam("limit")).offset(bindparam("skip")).subquery("page")


def tally(rows: Statement, *counts: ColumnElement[int]) -> Subquery:
    """The counts of these rows; by default their number. One row: join it ON true."""
    columns = counts or (func.count().label("total"),)
    return rows.with_only_columns(*columns, maintain_column_froms=True).subquery("tally")


def read_page(
    connection: Connection, statement: Statement, values: Mapping[str, Any], *, key: str, order: tuple[Key, bool]
) -> Page | None:
    """The page, or None when the asking row is not there. `key` is the page's id column, `order` (by, is descending).

    The page was cut in order; the joins after it usually keep that order, but SQL does not promise it.
    """
    found = connection.execute(statement, values).mappings().all()
    if not found:
        return None
    rows = sorted((row for row in found if row[key] is not None), key=lambda row: str(row[key]))
    by, is_descending = order
    rows.sort(key=by, reverse=is_descending)
    counts = {name: row for name, row in found[0].items() if name == "total" or name.endswith("_count")}
    return Page(rows, counts)
