"""EXPLAIN of the statements that a test has recorded."""

from collections.abc import Iterator
from typing import Any

from psycopg import RawCursor

from interviews_api.db.connections import Database


def explain(database: Database, statement: str, parameters: Any) -> Any:
    """Return the lines of SQLite's plan, or the nodes of Postgres's."""
    with database.reads.connection() as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            return [row.detail for row in rows]
        driver: Any = connection.connection.driver_connection
        cursor: Any = driver.cursor() if isinstance(parameters, dict) else RawCursor(driver)  # as it was sent
        ((plan,),) = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchall()
        return list(nodes(plan[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of Postgres's plan and those within it."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)
