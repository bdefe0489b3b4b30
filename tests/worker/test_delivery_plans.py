"""EXPLAIN of the statements that claim deliveries and count mails: they read index ranges, never the whole table."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from interviews_api.accounts.models import Role, User
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.notifications.webhook_delivery_repository import WebhookDeliveryRepository
from interviews_api.notifications.worker.delivery_context_repository import DeliveryContextRepository
from interviews_api.notifications.worker.delivery_repository import DeliveryRepository, Queue
from interviews_api.notifications.worker.fan_out import delivery_values
from interviews_api.notifications.worker.mail_limit_repository import MailLimitRepository

ROWS = 20_000
USERS, ORIGINATORS = 50, 40


@pytest.fixture
def crowd(app: Flask, database: Database) -> Iterator[tuple[list[str], list[str]]]:
    """Store 20,000 mails, one in ten pending, of 40 originators to 50 users; yield ids of users and originators."""
    users, originators = [new_id() for _ in range(USERS)], [new_id() for _ in range(ORIGINATORS)]
    present = now()
    with database.engine.begin() as connection:
        connection.execute(
            insert(User),
            [{"id": user, "role": Role.COMPANY, "email": user, "email_key": user, "created_at": present}
             for user in users],
        )  # fmt: skip
        connection.execute(
            insert(Delivery),
            [
                {"channel": Channel.EMAIL, "target_id": users[number % USERS],
                 "originator_id": originators[number % ORIGINATORS], "recipient": "x", "key": str(number),
                 "priority": 0 if number % 1000 == 0 else 4, "attempts": 0,
                 "status": "pending" if number % 10 == 0 else "sent",
                 "sent_at": None if number % 10 == 0 else present - timedelta(minutes=number),
                 "due_at": present, "give_up_at": present + timedelta(days=1)}
                for number in range(ROWS)
            ],
        )  # fmt: skip
    with database.reads.connection() as connection:
        connection.exec_driver_sql("ANALYZE")
    database.dispose()  # a connection to SQLite reads the statistics when it opens
    yield users, originators
    if database.engine.dialect.name == "sqlite":
        with database.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM sqlite_stat1")
        database.dispose()


def explained(database: Database, statements: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return each statement about deliveries with its plan."""
    prefix = "EXPLAIN QUERY PLAN" if database.engine.dialect.name == "sqlite" else "EXPLAIN"
    plans = []
    for sql, parameters in statements:
        if "deliveries" not in sql or not sql.startswith(("SELECT", "WITH")):
            continue
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql(f"{prefix} {sql}", parameters).all()
        plans.append((sql, "\n".join(str(row[-1]) for row in rows)))
    return plans


@pytest.mark.parametrize("is_about_accounts", [False, True])
def test_claims_and_counts_read_index_ranges(
    is_about_accounts: bool, app: Flask, database: Database, crowd: tuple[list[str], list[str]],
    statements: list[tuple[str, Any]],
) -> None:  # fmt: skip
    users, originators = crowd
    queue = Queue(Channel.EMAIL, is_about_accounts)
    statements.clear()
    with database.engine.begin() as connection:
        repository = DeliveryRepository(connection)
        assert not repository.is_any_due(queue, now() - timedelta(hours=1))
        assert len(repository.due_originators(queue, now=now(), limit=500)) == (
            1 if is_about_accounts else ORIGINATORS / 10
        )
        due = repository.lock_due(queue, originators[0], now=now(), limit=20, without_targets=users[1:3])
        assert len(due) == 20
        if not is_about_accounts:
            MailLimitRepository(connection).within_limits(due, now())
        DeliveryContextRepository(connection).context(due[0].id, now=now())
    plans = explained(database, statements)
    assert len(plans) == (4 if is_about_accounts else 6)
    for sql, plan in plans:
        assert "Seq Scan on deliveries" not in plan, (sql, plan)
        assert "SCAN deliveries" not in plan.replace("SCAN deliveries USING COVERING", ""), (sql, plan)
        if "ORDER BY deliveries.attempts" in sql:
            assert "Sort" not in plan, (sql, plan)
            assert "B-TREE" not in plan, (sql, plan)


def test_deliveries_of_a_webhook_are_an_index_range(
    app: Flask, database: Database, crowd: tuple[list[str], list[str]], statements: list[tuple[str, Any]]
) -> None:
    users, originators = crowd
    with database.engine.begin() as connection:
        connection.execute(
            insert(Delivery),
            [
                delivery_values(
                    Channel.WEBHOOK, users[number % USERS], "x", originators[0], key=f"w{number}", now=now()
                )
                for number in range(ROWS // 4)
            ],
        )
    with database.reads.connection() as connection:
        connection.exec_driver_sql("ANALYZE")
    database.dispose()
    statements.clear()
    with database.engine.connect() as connection:
        page = WebhookDeliveryRepository(connection).page(users[0], limit=10, skip=20)
    assert (len(page.rows), page.total) == (10, ROWS // 4 // USERS)
    ((sql, plan),) = explained(database, statements)
    assert "ix_deliveries_webhook" in plan, (sql, plan)
    for scan in ("Seq Scan on deliveries", "SCAN deliveries", "Sort", "B-TREE"):
        assert scan not in plan, (sql, plan)
