"""Paged lists in one statement: the count of all rows and a page of them.

A viewer's list joins both to the viewer's own row, which also proves that the viewer is signed in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, bindparam, func

from interviews_api.errors import Unauthorized

SortKey = Callable[[Mapping[Any, Any]], Any]
SelectStatement = Select[*tuple[Any, ...]]

MAX_ROWS = 1000
"""The rows of a list without a limit. Its total is the number of all rows."""


@dataclass(frozen=True)
class Page:
    """A page of a list: its rows in order, the number of all rows before paging, and named counts beside it."""

    rows: list[Mapping[Any, Any]]
    total: int
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_mapping(self) -> Mapping[str, Any]:
        """Return rows, total and counts by name, as schemas read them."""
        return {"rows": self.rows, "total": self.total, **self.counts}


def count_where(condition: ColumnElement[bool], name: str) -> ColumnElement[int]:
    """Return a labelled `COUNT(*) FILTER (WHERE condition)` column."""
    return func.count().filter(condition).label(name)


def page_subquery(rows: SelectStatement, order: tuple[Any, ...]) -> Subquery:
    """Return at most `limit` rows after the first `skip`, as a subquery.

    Outer join it ON true to the viewer's row or to the counts, so that an empty page still yields a row.
    """
    return rows.order_by(*order).limit(bindparam("limit")).offset(bindparam("skip")).subquery("page")


def count_subquery(rows: SelectStatement, *counts: ColumnElement[Any]) -> Subquery:
    """Return the counts of these rows, by default `total`, as a subquery of a single row: join it ON true."""
    columns = counts or (func.count().label("total"),)
    return rows.with_only_columns(*columns, maintain_column_froms=True).subquery("counts")


def read_page(
    connection: Connection,
    statement: SelectStatement,
    values: Mapping[str, Any],
    *,
    id_column: str,
    sort: tuple[SortKey, bool],
) -> Page:
    """Return the page that the statement selects; raises Unauthorized when the viewer's row is not there."""
    rows = connection.execute(statement, values).mappings().all()
    if not rows:
        raise Unauthorized
    return build_page(rows, id_column=id_column, sort=sort)


def build_page(
    rows: Sequence[Mapping[Any, Any]], *, id_column: str, sort: tuple[SortKey, bool], counts: Sequence[str] = ()
) -> Page:
    """Build the page from the statement's rows; `rows` is not empty.

    `id_column` names the column of a row's id, which is None when the page is empty. `sort` is (key, is_descending).
    `counts` names columns that are the same in every row. The rows are sorted again, because SQL does not promise the
    order of a subquery after joins.
    """
    key, is_descending = sort
    page = sorted((row for row in rows if row[id_column] is not None), key=itemgetter(id_column))
    page.sort(key=key, reverse=is_descending)
    return Page(page, rows[0]["total"], {name: rows[0][name] for name in counts})
