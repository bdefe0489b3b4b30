"""The candidate's four lists: content, order, pages and number of statements."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interviews_api.cache import ResponseCache
from interviews_api.clock import format_instant, parse_instant
from interviews_api.db.connections import Database, read_connection
from interviews_api.seed.bulk import BulkWorld, write_bulk
from tests.support.databases import empty
from tests.support.factories import Record, World
from tests.support.golden import golden
from tests.support.proof_table import figure
from tests.support.services import replaced_services
from tests.support.tokens import Headers

NOW = datetime(2025, 5, 15, 9, tzinfo=UTC)
ID = "641a5f123456789012345678"
STATUSES = ["en_attente", "confirmed", "completed", "annule"]
LIST_KEYS = set(golden("list")["data"]["interviews"][0])

# Starts and ends lie within a few minutes of now, so that many of them are the same: ties are the point.
interviews = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "scheduledDate": (st.integers(-3, 3) | st.integers(-63, -57)).map(
            lambda minutes: format_instant(NOW + timedelta(minutes=minutes))
        ),
        "durationMinutes": st.sampled_from([5, 60]),
        "timeZone": st.sampled_from(["UTC", "Asia/Kolkata", "America/St_Johns"]),
        "id": st.from_regex(r"[0-9a-f]{24}", fullmatch=True),
    }
)
worlds = st.lists(st.lists(interviews, max_size=12, unique_by=lambda row: row["id"]), min_size=2, max_size=3)
pages = st.tuples(st.none() | st.integers(1, 100) | st.integers(1, 5), st.none() | st.integers(0, 14))


def newest_first(rows: list[Record]) -> list[str]:
    by_id = sorted(rows, key=lambda row: row["id"])
    return [row["id"] for row in sorted(by_id, key=lambda row: row["scheduledDate"], reverse=True)]


def soonest_first(rows: list[Record]) -> list[str]:
    return [row["id"] for row in sorted(rows, key=lambda row: (row["scheduledDate"], row["id"]))]


def is_upcoming(row: Record) -> bool:
    return row["status"] == "confirmed" and row["scheduledDate"] >= format_instant(NOW)


def expected(rows: list[Record], view: str, status: str | None) -> list[str]:
    if view == "/pending":
        return soonest_first([row for row in rows if row["status"] == "en_attente"])
    if view == "/upcoming":
        return soonest_first([row for row in rows if is_upcoming(row)])
    if view == "/upcoming?ongoing=true":
        confirmed = [row for row in rows if row["status"] == "confirmed"]
        return soonest_first([
            row for row in confirmed
            if parse_instant(row["scheduledDate"]) + timedelta(minutes=row["durationMinutes"]) > NOW
        ])  # fmt: skip
    if view == "/history":
        return newest_first([row for row in rows if row["status"] in ("completed", "annule")])
    return newest_first([row for row in rows if status in (None, row["status"])])


@pytest.mark.proof
@settings(
    max_examples=figure(sample=20, full=200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(worlds=worlds, page=pages)
def test_each_view_equals_a_model_in_plain_python(
    app: Flask, client: FlaskClient, headers: Callable[..., Headers], worlds: list[list[Record]], page: tuple[Any, Any]
) -> None:
    empty(app)
    world = World(app)
    taken: set[str] = set()
    rows_by_candidate = {}
    for rows in worlds:
        rows = [row for row in rows if row["id"] not in taken]
        taken |= {row["id"] for row in rows}
        rows_by_candidate[world.candidate_with(*rows)["id"]] = rows
    world.load()
    limit, skip = page
    query = {name: value for name, value in (("limit", limit), ("skip", skip)) if value is not None}
    with time_machine.travel(NOW, tick=False):
        for candidate_id, own_rows in rows_by_candidate.items():
            views: list[tuple[str, str | None]] = [("", None), *(("", status) for status in STATUSES)]
            for view, status in [
                *views, ("/pending", None), ("/upcoming", None), ("/history", None), ("/upcoming?ongoing=true", None),
            ]:  # fmt: skip
                route, _, ongoing = view.partition("?ongoing=")
                options = {name: value for name, value in (("status", status), ("ongoing", ongoing)) if value}
                response = client.get(
                    f"/candidate/interviews{route}",
                    query_string=query | options,
                    headers=headers(candidate_id),
                )
                assert response.json is not None
                data = response.json["data"]
                ids = expected(own_rows, view, status)
                default = 10 if view in ("", "/history") else 1000
                start = skip or 0
                page_ids = [interview["interviewId"] for interview in data["interviews"]]
                assert page_ids == ids[start : start + (limit or default)]
                assert data["total"] == len(ids)
                if view == "":
                    assert (data["pendingCount"], data["upcomingCount"], data["completedCount"]) == (
                        sum(row["status"] == "en_attente" for row in own_rows),
                        sum(is_upcoming(row) for row in own_rows),
                        sum(row["status"] == "completed" for row in own_rows),
                    )
                    assert all(set(interview) == LIST_KEYS for interview in data["interviews"])


def test_thousands_of_rows_are_in_order(app: Flask, client: FlaskClient, headers: Callable[..., Headers]) -> None:
    """With so many rows Postgres uses hash joins, which do not keep the order of the page."""
    with app.app_context():
        for _ in write_bulk(BulkWorld(5, 10_000)):
            pass
        with read_connection() as connection:
            me = connection.exec_driver_sql("SELECT max(candidate_id) FROM interviews").scalar_one()
    for view in ("/pending", "/upcoming"):
        interviews = client.get(f"/candidate/interviews{view}", headers=headers(me)).get_json()["data"]["interviews"]
        moments = [(interview["scheduledDate"], interview["interviewId"]) for interview in interviews]
        assert len(moments) > 400
        assert moments == sorted(moments)


@pytest.mark.parametrize("view", ["", "/pending", "/upcoming", "/history"])
@pytest.mark.parametrize(
    "query",
    [
        *(
            "limit=0",
            "limit=101",
            "limit=",
            "limit=1_0",
            "limit=%207",
            "limit=+7",
            "limit=-1",
            "limit=1.0",
            "limit=%EF%BC%91",
        ),
        *(
            "limit=00000000010",
            "limit=99999999999999999999",
            "limit=7%00",
            "limit=7%0A",
            "limit=5&limit=5",
            "limit=%ff",
        ),
        *("skip=-1", "skip=2147483648", "skip=x", "skip=1&skip=2"),
    ],
)
def test_invalid_page_names_its_parameter(
    client: FlaskClient, world: World, headers: Callable[..., Headers], view: str, query: str
) -> None:
    me = world.candidate()
    world.load()
    response = client.get(f"/candidate/interviews{view}?{query}", headers=headers(me["id"]))
    assert response.status_code == 400
    assert response.json is not None
    field = query.split("=")[0]
    assert list(response.json["details"]) == [field]
    assert response.json["message"].startswith(f"{field}: ")
    assert response.json["error"] == "Bad Request"


@pytest.mark.parametrize(
    "query", ["status=", "status=CONFIRMED", "status=confirmed&status=annule", "status=x%00", "status=%ED%A0%80"]
)
def test_invalid_status_names_its_parameter(
    client: FlaskClient, world: World, headers: Callable[..., Headers], query: str
) -> None:
    me = world.candidate()
    world.load()
    response = client.get(f"/candidate/interviews?{query}", headers=headers(me["id"]))
    assert response.status_code == 400
    assert response.json is not None
    assert list(response.json["details"]) == ["status"]


def test_unknown_parameters_and_the_largest_page_are_accepted(
    client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    me = world.candidate_with({}, {})
    world.load()
    response = client.get("/candidate/interviews?limit=100&skip=0&a=1&a=2", headers=headers(me["id"]))
    assert response.json is not None
    assert len(response.json["data"]["interviews"]) == 2
    response = client.get("/candidate/interviews?limit=1&skip=2147483647", headers=headers(me["id"]))
    assert response.json is not None
    assert (response.json["data"]["interviews"], response.json["data"]["total"]) == ([], 2)


@pytest.mark.parametrize(
    "path",
    ["", "?status=en_attente&limit=5&skip=1", "/pending", "/upcoming", "/upcoming?ongoing=true", "/history", f"/{ID}"],
)
def test_read_sends_one_statement_with_and_without_cache(
    app: Flask,
    client: FlaskClient,
    world: World,
    headers: Callable[..., Headers],
    statements: list[Any],
    path: str,
) -> None:
    me = world.candidate_with({"id": ID}, *({"status": status} for status in STATUSES * 5))
    world.load()
    authorization = headers(me["id"])

    def count() -> int:
        statements.clear()
        assert client.get(f"/candidate/interviews{path}", headers=authorization).status_code == 200
        return len(statements)

    with replaced_services(app, ResponseCache(0)):
        assert [count(), count()] == [1, 1]
    with replaced_services(app, ResponseCache(2**20)):
        assert [count(), count()] == [1, 1]
        assert client.put(f"/candidate/interviews/{ID}/confirm", headers=authorization).status_code == 200
        assert [count(), count()] == [2, 1], "the cached response is stale"


def test_confirm_is_one_statement_on_postgres_and_four_on_sqlite(
    client: FlaskClient, world: World, headers: Callable[..., Headers], statements: list[Any], database: Database
) -> None:
    me = world.candidate_with({"id": ID})
    world.load()
    authorization = headers(me["id"])
    statements.clear()
    assert client.put(f"/candidate/interviews/{ID}/confirm", headers=authorization).status_code == 200
    wanted = {"postgresql": ["WITH"], "sqlite": ["UPDATE", "UPDATE", "INSERT", "SELECT"]}[database.engine.dialect.name]
    assert [statement.split()[0] for statement, _ in statements] == wanted


def test_refused_confirm_is_two_statements(
    client: FlaskClient, world: World, headers: Callable[..., Headers], statements: list[Any], database: Database
) -> None:
    me = world.candidate_with({"id": ID, "status": "annule"})
    world.load()
    authorization = headers(me["id"])
    statements.clear()
    response = client.put(f"/candidate/interviews/{ID}/confirm", headers=authorization)
    assert response.status_code == 400
    first = "WITH" if database.engine.dialect.name == "postgresql" else "UPDATE"
    assert [statement.split()[0] for statement, _ in statements] == [first, "SELECT"]
