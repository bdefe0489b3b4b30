"""`flask audit list`, its filters, and the plans of both reads of security events."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import insert

from interviews_api.accounts.audit_models import RETENTION, SecurityActor, SecurityEvent, SecurityEventType
from interviews_api.accounts.audit_repository import SecurityEventRepository
from interviews_api.clock import now
from interviews_api.db.connections import Database, read_connection
from interviews_api.ids import new_id
from tests.support.api import Caller
from tests.support.database_rows import everything_but_imports
from tests.support.databases import empty
from tests.support.factories import World
from tests.support.query_plans import explain
from tests.support.sessions import ACCOUNT
from tests.support.tokens import begin_session

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def listed(world: World, database: Database) -> dict[str, str]:
    """Store an event of an owner, one of a removed colleague and a counted failure; return the ids by name."""
    owner = world.company_user(world.company(), email="owner@company.example")
    candidate = world.candidate(email="Ada@example.com")
    world.load()
    ids = {"owner": owner["id"], "ada": candidate["id"], "gone": "f" * 24}
    with database.engine.begin() as connection:
        events = SecurityEventRepository(connection)
        events.record(
            SecurityEventType.COLLEAGUE_REMOVED, ids["gone"], actor=SecurityActor.COLLEAGUE, actor_id=ids["owner"],
            client_address="203.0.113.0/24", now=AT,
        )  # fmt: skip
        events.record(
            SecurityEventType.WEBHOOK_DELETED, ids["owner"], actor=SecurityActor.USER, client_address="2001:db8:1::/48",
            detail="a" * 24, now=AT + timedelta(days=1),
        )  # fmt: skip
        values = {"id": new_id(), "user_id": ids["ada"], "type": SecurityEventType.SIGN_IN_FAILED, "occurrences": 37}
        at = AT + timedelta(days=2)
        values |= {"actor": SecurityActor.UNKNOWN, "at": at, "expires_at": at + RETENTION}
        connection.execute(insert(SecurityEvent).values(values))
    return ids


def lines(runner: FlaskCliRunner, *arguments: str) -> list[str]:
    result = runner.invoke(args=["audit", "list", *arguments])
    assert result.exit_code == 0, result.output
    return list(result.output.splitlines())


def test_events_are_listed_newest_first(runner: FlaskCliRunner, listed: dict[str, str]) -> None:
    assert lines(runner) == [
        f"2026-03-03T09:00:00.000Z  sign_in.failed  {listed['ada']}  Ada@example.com  by unknown  -  37 times",
        f"2026-03-02T09:00:00.000Z  webhook.deleted  {listed['owner']}  owner@company.example  by user"
        f"  2001:db8:1::/48  {'a' * 24}",
        f"2026-03-01T09:00:00.000Z  colleague.removed  {listed['gone']}  -  by colleague {listed['owner']}"
        "  203.0.113.0/24",
        "3 security events",
    ]


@pytest.mark.parametrize(
    ("arguments", "days"),
    [
        (("--user", "ADA@example.com"), [3]),
        (("--user", "owner@company.example"), [2, 1]),
        (("--user", "f" * 24), [1]),
        (("--type", "webhook.deleted"), [2]),
        (("--since", "2026-03-02"), [3, 2]),
        (("--since", "2026-03-02T09:00:00Z"), [3, 2]),
        (("--since", "2026-03-02T10:00:00.001+01:00"), [3]),
        (("--limit", "1"), [3]),
        (("--user", "owner@company.example", "--type", "colleague.removed", "--since", "2026-03-01"), [1]),
        (("--user", "owner@company.example", "--since", "2026-03-03"), []),
    ],
)
def test_filters(arguments: tuple[str, ...], days: list[int], runner: FlaskCliRunner, listed: dict[str, str]) -> None:
    *rows, total = lines(runner, *arguments)
    assert [int(row[8:10]) for row in rows] == days
    assert total == f"{len(days)} security events"


def test_since_counts_back_from_now(runner: FlaskCliRunner, listed: dict[str, str]) -> None:
    runner.invoke(args=["tokens", "issue", "ada@example.com"])
    for ago, expected in (("1h", 1), ("1d", 1), ("9999d", 4)):
        assert lines(runner, "--since", ago)[-1] == f"{expected} security events", ago


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "2026-03-02T09:00:00", "7w", "-1d", "", "1899-01-01"])
def test_wrong_since_is_refused(since: str, runner: FlaskCliRunner, database: Database) -> None:
    result = runner.invoke(args=["audit", "list", "--since", since])
    assert result.exit_code == 2
    assert "Invalid value for '--since': neither 2025-05-15 nor" in result.output


def test_unknown_user_is_refused_in_one_line(runner: FlaskCliRunner, database: Database) -> None:
    result = runner.invoke(args=["audit", "list", "--user", "nobody@example.com"])
    assert (result.exit_code, result.output) == (1, "Error: no user has the address nobody@example.com\n")
    result = runner.invoke(args=["audit", "list", "--user", "\udcff@example.com"])
    assert (result.exit_code, result.output) == (1, "Error: the arguments are not UTF-8\n")


def test_operators_token_is_a_sign_in(runner: FlaskCliRunner, ada_client: Caller, database: Database) -> None:
    runner.invoke(args=["tokens", "issue", ACCOUNT["email"]])
    row, total = lines(runner)
    assert re.fullmatch(r"\S+  sign_in\.succeeded  \S{24}  ada@example\.com  by operator  -", row)
    assert total == "1 security events"


def test_purge_deletes_events_after_180_days(runner: FlaskCliRunner, database: Database) -> None:
    with database.engine.begin() as connection:
        for days in (179, 181, 182):
            SecurityEventRepository(connection).record(
                SecurityEventType.SIGNED_IN, f"{days:024x}", actor=SecurityActor.USER, now=now() - timedelta(days=days)
            )
    assert "2 security_events" in runner.invoke(args=["purge"]).output
    (row,) = everything_but_imports(database)["security_events"]
    assert f"{179:024x}" in row


EVENTS = 20_000
SECOND_USER = f"641a5f12{2:016x}"
"""Has 100 events, and caused 100 of another account."""


@pytest.fixture(scope="module")
def filled_app(session_app: Flask) -> Iterator[Flask]:
    """Store 20,000 events of 200 accounts over half a year."""
    empty(session_app)
    with session_app.app_context():
        world = World(session_app)
        users = [world.candidate()["id"] for _ in range(200)]
        world.load()
        start = now() - timedelta(days=170)
        rows = []
        for number in range(EVENTS):
            at = start + timedelta(minutes=10 * number)
            actor_id = users[(number + 1) % 200] if number % 20 == 0 else None
            rows.append(
                {"id": new_id(), "user_id": users[number % 200], "type": SecurityEventType.SIGNED_IN, "at": at,
                 "actor": SecurityActor.USER, "actor_id": actor_id, "occurrences": 1, "expires_at": at + RETENTION}
            )  # fmt: skip
        with read_connection() as connection:
            connection.execute(insert(SecurityEvent), rows)
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("VACUUM ANALYZE security_events, users")
            else:
                connection.exec_driver_sql("ANALYZE")
    yield session_app
    empty(session_app)


@pytest.fixture
def app(request: pytest.FixtureRequest, session_app: Flask) -> Iterator[Flask]:
    """Return the filled application to the tests of plans, and an empty one to the others."""
    if "plan" in request.node.name:
        yield request.getfixturevalue("filled_app")
    else:
        yield session_app
        empty(session_app)


def plans(database: Database, statements: list[tuple[str, Any]]) -> list[str]:
    """Return what the plans say about security events and about sorts."""
    found = []
    for statement, parameters in list(statements):  # EXPLAIN is recorded, too
        plan = explain(database, statement, parameters)
        if database.engine.dialect.name == "sqlite":
            found += [line for line in plan if "security_events" in line or "B-TREE" in line]
        else:
            found += [
                f"{node['Node Type']} {node.get('Index Name', '')}"
                for node in plan
                if node.get("Relation Name") == "security_events" or "Sort" in node["Node Type"]
            ]
    return found


def test_plan_of_the_activity_reads_index_ranges(
    app: Flask, database: Database, statements: list[tuple[str, Any]]
) -> None:
    with app.app_context():
        viewer = begin_session(SECOND_USER)
        statements.clear()
        with read_connection() as connection:
            page = SecurityEventRepository(connection).page(viewer, limit=10, skip=0)
    assert (page.total, len(page.rows)) == (200, 10)
    found = plans(database, statements)
    assert found
    assert not [line for line in found if "SCAN security_events" in line or "Seq Scan" in line], found
    assert not [line for line in found if "B-TREE" in line], found  # Postgres may sort the account's few rows


@pytest.mark.parametrize("condition", ["newest", "user", "since"])
def test_plan_of_the_list_sorts_nothing(
    condition: str, app: Flask, database: Database, statements: list[tuple[str, Any]]
) -> None:
    filters: dict[str, Any] = {"user_id": None, "event_type": None, "since": None}
    if condition == "user":
        filters["user_id"] = SECOND_USER
    if condition == "since":
        filters["since"] = now() - timedelta(days=40)
    with app.app_context(), read_connection() as connection:
        statements.clear()
        rows = SecurityEventRepository(connection).newest(**filters, limit=50)
    assert len(rows) == 50
    found = plans(database, statements)
    assert not [line for line in found if "Seq Scan" in line], found
    if condition != "user":
        assert any("ix_security_events_newest" in line for line in found), found
        assert not [line for line in found if "B-TREE" in line or "Sort" in line], found
