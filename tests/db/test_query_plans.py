"""EXPLAIN of the statements that the routes send: index ranges only, and no sorts.

Counted and skipped rows are read from the index only. Shown rows are looked up in the table by key.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection

from interviews_api import create_app
from interviews_api.db.connections import Database, read_connection
from interviews_api.seed.bulk import BulkWorld, write_bulk
from interviews_api.services import service
from tests.support.databases import empty, migrated_database
from tests.support.query_plans import explain
from tests.support.receivers import wait_for
from tests.support.settings import BACKENDS, SETTINGS
from tests.support.tokens import Headers

VIEWS = ["", "?status=confirmed", "?limit=100&skip=15", "/pending", "/upcoming", "/history", "/history?skip=2"]


@pytest.fixture(scope="module", params=BACKENDS)
def own_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Yield an application with a database that no other test has used: plans depend on the state of its pages."""
    with migrated_database(request.param, tmp_path_factory.mktemp("plans")) as url:
        app = create_app(SETTINGS | {"DATABASE_URL": url})
        yield app
        service(Database, app).dispose()


@pytest.fixture(scope="module", params=[(2000, 20), (1000, 60)], ids="{0[0]} candidates x {0[1]}".format)
def bulk_app(request: pytest.FixtureRequest, own_app: Flask) -> Iterator[tuple[Flask, str]]:
    """Load 40,000 or 60,000 interviews; a database scans a smaller table."""
    candidates, each = request.param
    with own_app.app_context():
        for _ in write_bulk(BulkWorld(candidates, candidates * each)):
            pass
        with read_connection() as connection:
            candidate_id = connection.exec_driver_sql("SELECT max(candidate_id) FROM interviews").scalar_one()
            if connection.dialect.name == "postgresql":  # as autovacuum does: without, an index alone costs as much
                wait_for(lambda: vacuum(connection), seconds=60)
    yield own_app, candidate_id
    empty(own_app)


def vacuum(connection: Connection) -> bool:
    """Vacuum the tables and return whether the pages of interviews are marked as visible to all.

    A transaction of this database that began earlier prevents it, such as autovacuum's ANALYZE of any table. A page
    that was added and not used yet is never marked.
    """
    connection.exec_driver_sql("VACUUM ANALYZE interviews, applications, candidates, jobs, companies")
    marked = "SELECT relallvisible >= 0.95 * relpages FROM pg_class WHERE oid = 'interviews'::regclass"
    return bool(connection.exec_driver_sql(marked).scalar_one())


@pytest.fixture
def app(bulk_app: tuple[Flask, str]) -> Flask:
    return bulk_app[0]


def check_sqlite(plan: list[str]) -> None:
    assert not [line for line in plan if "B-TREE" in line], plan
    (looked_up,) = [line for line in plan if re.match(r"(SCAN|SEARCH) interviews USING .*\(id=\?\)", line)]
    ranges = [line for line in plan if re.match(r"(SCAN|SEARCH) interviews\b", line) and line != looked_up]
    assert ranges, plan
    for line in ranges:
        assert re.match(r"SEARCH interviews USING COVERING INDEX \w+ \(candidate_id=\?", line), line
    assert not [line for line in plan if line.startswith("SCAN") and re.search(r"applications|candidates", line)], plan


def check_postgres(plan: list[dict[str, Any]]) -> None:
    assert not [node for node in plan if "Sort" in node["Node Type"]], plan
    interviews = [node for node in plan if node.get("Relation Name") == "interviews"]
    (looked_up,) = [node for node in interviews if node.get("Index Name") == "pk_interviews"]
    assert looked_up["Node Type"] == "Index Scan", plan
    ranges = [node for node in interviews if node is not looked_up]
    assert ranges, plan
    for node in ranges:
        assert node["Node Type"] == "Index Only Scan", node
        assert "candidate_id" in node["Index Cond"], node
    scanned = [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"]
    assert not {"interviews", "applications", "candidates"} & set(scanned), plan


def plan_of_list(
    view: str, client: FlaskClient, database: Database, authorization: Headers, statements: list[tuple[str, Any]]
) -> Any:
    """Return the plan of the one statement that lists a candidate's interviews."""
    statements.clear()
    response = client.get(f"/candidate/interviews{view}", headers=authorization)
    assert response.json is not None
    assert response.json["data"]["interviews"]
    ((statement, parameters),) = statements
    return explain(database, statement, parameters)


def test_list_of_ongoing_interviews_reads_one_index_range_without_a_sort(
    bulk_app: tuple[Flask, str],
    client: FlaskClient,
    database: Database,
    headers: Callable[..., Headers],
    statements: list[tuple[str, Any]],
) -> None:
    """Durations are not in the index, so the rows of its range are looked up."""
    plan = plan_of_list("/upcoming?ongoing=true", client, database, headers(bulk_app[1]), statements)
    if database.engine.dialect.name == "sqlite":
        assert not [line for line in plan if "B-TREE" in line or re.match(r"SCAN (interviews|applications)", line)], (
            plan
        )
        ranges = [line for line in plan if line.startswith("SEARCH interviews") and "(id=?)" not in line]
        assert all(re.search(r"candidate_id=\? AND status=\? AND starts_at>\?", line) for line in ranges), plan
    else:
        assert not [node for node in plan if "Sort" in node["Node Type"] or (node["Node Type"] == "Seq Scan"
                    and node["Relation Name"] in ("interviews", "applications", "candidates"))], plan  # fmt: skip
        interviews = [node for node in plan if node.get("Relation Name") == "interviews"]
        ranges = [node for node in interviews if node.get("Index Name") != "pk_interviews"]
        assert all("starts_at >" in node["Index Cond"] for node in ranges), plan
    assert ranges, plan


@pytest.mark.parametrize("view", VIEWS)
def test_list_reads_one_index_range_without_a_sort(
    view: str,
    bulk_app: tuple[Flask, str],
    client: FlaskClient,
    database: Database,
    headers: Callable[..., Headers],
    statements: list[tuple[str, Any]],
) -> None:
    plan = plan_of_list(view, client, database, headers(bulk_app[1]), statements)
    (check_sqlite if database.engine.dialect.name == "sqlite" else check_postgres)(plan)
