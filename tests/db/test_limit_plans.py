"""EXPLAIN of the statements that count for limits: no table is scanned that grows with use."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from interviews_api.accounts.models import CompanyRole, Role
from interviews_api.accounts.repository import UserRepository
from interviews_api.db.connections import Database, read_connection, transaction
from interviews_api.seed.bulk import BulkWorld, write_bulk
from interviews_api.services import service
from tests.support.api import Caller, in_days, invitation, local
from tests.support.databases import empty
from tests.support.fixtures import MakeLimited
from tests.support.query_plans import explain
from tests.support.statements import hooked
from tests.support.tokens import Headers

_FILLED = r"\b(users|interviews|applications|events|deliveries)\b"
_WRITE_EVENTS = """
    INSERT INTO events (interview_id, type, at, actor, revision, candidate_id, company_id)
    SELECT id, 'interview.scheduled', created_at, 'company', 0, candidate_id, company_id FROM interviews
"""
_WRITE_DELIVERIES = """
    INSERT INTO deliveries (event_id, interview_id, channel, target_id, recipient, key, status, due_at, give_up_at,
      attempts) SELECT id, interview_id, 'email', candidate_id, 'a@b.example', id, 'sent', at, at, 1 FROM events
"""


@pytest.fixture(scope="module")
def filled_app(session_app: Flask) -> Iterator[Flask]:
    """Load 20,000 interviews with an event and a delivery each."""
    empty(session_app)
    with session_app.app_context():
        for _ in write_bulk(BulkWorld(2000, 20_000)):
            pass
        with transaction(no_timeouts=True) as connection:
            company_id = connection.execute(text("SELECT max(company_id) FROM interviews")).scalar_one()
            users = UserRepository(connection)
            owner = CompanyRole.OWNER
            users.add_company_user(company_id, "us@company.example", "no hash", owner, now=datetime.now(UTC))
            connection.execute(text(_WRITE_EVENTS))
            connection.execute(text(_WRITE_DELIVERIES))
            connection.execute(text("INSERT INTO distribution (id, event_id) SELECT 1, max(id) FROM events"))
        with read_connection() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("VACUUM ANALYZE")
    yield session_app
    empty(session_app)


@pytest.fixture
def app(filled_app: Flask) -> Flask:
    return filled_app


def scans(database: Database, statement: str, parameters: Any) -> list[str]:
    """Return the filled tables that the statement scans; a database scans a small one."""
    plan = explain(database, statement, parameters)
    if database.engine.dialect.name == "sqlite":
        return [line for line in plan if line.startswith("SCAN") and re.search(_FILLED, line)]
    names = [str(node["Relation Name"]) for node in plan if node["Node Type"] == "Seq Scan"]
    return [name for name in names if re.fullmatch(_FILLED, name)]


def test_counting_scans_no_table(
    make_limited: MakeLimited, database: Database, headers: Callable[..., Headers]
) -> None:
    with database.reads.connection() as connection:
        row = connection.execute(
            text(
                "SELECT i.id, i.candidate_id, i.application_id, c.id AS user_id, u.email FROM interviews i"
                " JOIN company_users c ON c.company_id = i.company_id JOIN users u ON u.id = i.candidate_id"
                " WHERE i.status = 'en_attente' LIMIT 1"
            )
        ).one()
    client = make_limited()
    us = Caller(client, headers(row.user_id, Role.COMPANY))
    candidate = Caller(client, headers(row.candidate_id))
    sent: list[tuple[str, Any]] = []

    def record(statement: str, parameters: object) -> None:
        if re.match(r"SELECT|INSERT|UPDATE|DELETE|WITH", statement):
            sent.append((statement, parameters))

    notice = us.ok("GET", f"/interviews/{row.id}/notices")["notices"][0]["id"]
    with hooked(service(Database, client.application).engine, record):
        us.ok("POST", f"/interviews/{row.id}/notices/{notice}/resend")
        candidate.ok("PUT", f"/candidate/interviews/{row.id}/request-reschedule")
        candidate.ok("PUT", f"/candidate/interviews/{row.id}/confirm")
        us.ok("PUT", f"/interviews/{row.id}/reschedule", local(in_days(900)))
        us.ok("POST", "/interviews/schedule", invitation(row.application_id, 901))
        for path in ("/auth/login", "/auth/password/forgot"):
            body = {"email": row.email} | ({"password": "x"} if "login" in path else {})
            assert client.post(path, json=body).status_code in (401, 202)
    assert len(sent) > 20
    for statement, parameters in sent:
        assert scans(database, statement, parameters) == [], statement
