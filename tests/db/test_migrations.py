"""Migrations go up, down and up again, with and without rows."""

import re
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import CheckConstraint, inspect, select, text

from interviews_api import models
from interviews_api.accounts.models import User
from interviews_api.db.connections import SCHEMA_REVISION, Database
from interviews_api.hiring.models import Application
from interviews_api.interviews.models import Interview
from tests.support.databases import alembic_config, fresh_database
from tests.support.settings import BACKENDS, ROOT


@pytest.mark.parametrize("backend", BACKENDS)
def test_migrations_go_up_down_and_up_again(backend: str, tmp_path: Path) -> None:
    with fresh_database(backend, tmp_path) as url:
        config = alembic_config(url)
        for step, target in ((command.upgrade, "head"), (command.downgrade, "base"), (command.upgrade, "head")):
            step(config, target)
        command.check(config)
        database = Database(url)
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), models.metadata) == []
        database.dispose()


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_survive_each_migration(backend: str, tmp_path: Path) -> None:
    """Migrate a database with a row of each kind from the first revision to the newest, back and again."""
    rows = (
        "INSERT INTO companies (id, name, time_zone) VALUES ('c', 'Tech', 'UTC')",
        "INSERT INTO users (id, role, email, email_key, created_at) VALUES ('u', 'candidate', 'a@b.c', 'a@b.c', :at)",
        "INSERT INTO candidates (id, first_name, last_name) VALUES ('u', 'Ada', 'Okafor')",
        "INSERT INTO jobs (id, company_id, title) VALUES ('j', 'c', 'Developer')",
        "INSERT INTO applications (id, candidate_id, job_id, status, applied_at) VALUES ('a', 'u', 'j', 'vu', :at)",
        "INSERT INTO interviews (id, application_id, candidate_id, status, type, starts_at, time_zone,"
        " duration_minutes, share_feedback, revision, created_at)"
        " VALUES ('i', 'a', 'u', 'confirmed', 'Phone', :at, 'UTC', 60, true, 3, :at)",
    )
    look = text(
        "SELECT i.revision, i.status, a.status, j.title, c.name FROM interviews i"
        " JOIN applications a ON a.id = i.application_id JOIN jobs j ON j.id = a.job_id"
        " JOIN companies c ON c.id = j.company_id"
    )
    with fresh_database(backend, tmp_path) as url:
        config = alembic_config(url)
        command.upgrade(config, "0001")
        database = Database(url)
        with database.engine.begin() as connection:
            for row in rows:
                connection.execute(text(row), {"at": datetime(2025, 5, 15, tzinfo=UTC)} if ":at" in row else {})
        for step, target in ((command.upgrade, "head"), (command.downgrade, "0001"), (command.upgrade, "head")):
            step(config, target)
            with database.engine.connect() as connection:
                assert [tuple(row) for row in connection.execute(look)] == [(3, "confirmed", "vu", "Developer", "Tech")]
        with database.engine.connect() as connection:
            owners = select(Interview.company_id, Application.company_id).join(
                Application, Application.id == Interview.application_id
            )
            assert [tuple(row) for row in connection.execute(owners)] == [("c", "c")]
            if backend == "sqlite":
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        database.dispose()


@pytest.mark.parametrize("backend", BACKENDS)
def test_deliveries_get_their_originator_and_priority(backend: str, tmp_path: Path) -> None:
    """A mail's originator is the other party, a push message's the candidate, a webhook's the company."""
    rows = (
        "INSERT INTO companies (id, name, time_zone) VALUES ('c', 'Tech', 'UTC')",
        "INSERT INTO users (id, role, email, email_key, created_at) VALUES ('u', 'candidate', 'a@b.c', 'a@b.c', :at)",
        "INSERT INTO candidates (id, first_name, last_name) VALUES ('u', 'Ada', 'Okafor')",
        "INSERT INTO jobs (id, company_id, title, created_at) VALUES ('j', 'c', 'Developer', :at)",
        "INSERT INTO applications (id, candidate_id, job_id, company_id, status, applied_at)"
        " VALUES ('a', 'u', 'j', 'c', 'vu', :at)",
        "INSERT INTO interviews (id, application_id, candidate_id, company_id, status, type, starts_at, time_zone,"
        " duration_minutes, share_feedback, revision, created_at, updated_at, invited_at, notices_after)"
        " VALUES ('i', 'a', 'u', 'c', 'annule', 'Phone', :at, 'UTC', 60, true, 3, :at, :at, :at, :at)",
        "INSERT INTO events (id, interview_id, type, at, actor, revision, candidate_id, company_id)"
        " VALUES (1, 'i', 'interview.cancelled', :at, 'company', 3, 'u', 'c')",
        *(
            "INSERT INTO deliveries (event_id, interview_id, reset_id, channel, target_id, recipient, key, status,"
            " due_at, give_up_at, attempts)"
            f" VALUES ({event}, '{channel}', '{target}', 'x', 'k', 'pending', :at, :at, 0)"
            for event, channel, target in (
                ("1, 'i', NULL", "email", "u"), ("1, 'i', NULL", "email", "v"), ("1, 'i', NULL", "push", "s"),
                ("1, 'i', NULL", "webhook", "w"), ("NULL, NULL, 'r'", "email", "x"),
            )
        ),
    )  # fmt: skip
    look = text("SELECT target_id, originator_id, priority FROM deliveries ORDER BY id")
    with fresh_database(backend, tmp_path) as url:
        config = alembic_config(url)
        command.upgrade(config, "0004")
        database = Database(url)
        with database.engine.begin() as connection:
            for row in rows:
                connection.execute(text(row), {"at": datetime(2025, 5, 15, tzinfo=UTC)} if ":at" in row else {})
        for step, target in ((command.upgrade, "head"), (command.downgrade, "0004"), (command.upgrade, "head")):
            step(config, target)
        with database.engine.connect() as connection:
            assert [tuple(row) for row in connection.execute(look)] == [
                ("u", "c", 1), ("v", "u", 1), ("s", "u", 4), ("w", "c", 4), ("x", "x", 0),
            ]  # fmt: skip
        database.dispose()


@pytest.mark.parametrize("backend", BACKENDS)
def test_interviews_that_the_candidate_confirmed_are_accepted(backend: str, tmp_path: Path) -> None:
    """Confirmed by the candidate, also at an earlier time, or by a seed file; not by the company alone."""
    interviews = {
        "p": ("en_attente", "NULL", ()), "s": ("confirmed", ":at", ()), "o": ("annule", "NULL", ()),
        "y": ("confirmed", ":at", ("candidate",)), "n": ("confirmed", ":at", ("company",)),
        "m": ("en_attente", "NULL", ("candidate", "company")), "b": ("confirmed", ":at", ("candidate", "company")),
    }  # fmt: skip
    rows = [
        "INSERT INTO companies (id, name, time_zone) VALUES ('c', 'Tech', 'UTC')",
        "INSERT INTO users (id, role, email, email_key, created_at) VALUES ('u', 'candidate', 'a@b.c', 'a@b.c', :at)",
        "INSERT INTO candidates (id, first_name, last_name) VALUES ('u', 'Ada', 'Okafor')",
        "INSERT INTO jobs (id, company_id, title, created_at) VALUES ('j', 'c', 'Developer', :at)",
        "INSERT INTO applications (id, candidate_id, job_id, company_id, status, applied_at)"
        " VALUES ('a', 'u', 'j', 'c', 'vu', :at)",
    ]
    for id_, (status, confirmed_at, actors) in interviews.items():
        rows.append(
            "INSERT INTO interviews (id, application_id, candidate_id, company_id, status, type, starts_at, time_zone,"
            " duration_minutes, share_feedback, revision, created_at, updated_at, invited_at, notices_after,"
            f" confirmed_at) VALUES ('{id_}', 'a', 'u', 'c', '{status}', 'Phone', :at, 'UTC', 60, true, 3, :at, :at,"
            f" :at, :at, {confirmed_at})"
        )
        rows += [
            "INSERT INTO events (interview_id, type, at, actor, revision, candidate_id, company_id)"
            f" VALUES ('{id_}', 'interview.confirmed', :at, '{actor}', 3, 'u', 'c')"
            for actor in actors
        ]
    with fresh_database(backend, tmp_path) as url:
        config = alembic_config(url)
        command.upgrade(config, "0007")
        database = Database(url)
        with database.engine.begin() as connection:
            for row in rows:
                connection.execute(text(row), {"at": datetime(2025, 5, 15, tzinfo=UTC)} if ":at" in row else {})
        command.upgrade(config, "head")
        with database.engine.connect() as connection:
            accepted = connection.execute(select(Interview.id).where(Interview.accepted_at.is_not(None))).scalars()
            assert sorted(accepted) == ["b", "m", "s", "y"]
        database.dispose()


def test_new_migration_gets_the_next_number(tmp_path: Path) -> None:
    """`make revision` writes into migrations/, so the test does the same in a copy."""
    with fresh_database("sqlite", tmp_path) as url:
        config = alembic_config(url)
        config.set_main_option("script_location", str(copytree(ROOT / "migrations", tmp_path / "migrations")))
        command.upgrade(config, "head")
        script = command.revision(config, "add x", autogenerate=True)
    assert isinstance(script, Script)
    assert (script.revision, script.down_revision) == (f"{int(SCHEMA_REVISION) + 1:04}", SCHEMA_REVISION)
    assert Path(script.path).name == f"{script.revision}_add_x.py"


def test_database_has_the_constraints_of_the_models(database: Database) -> None:
    """Compare CHECKs and names, which `alembic check` does not."""
    inspector = inspect(database.engine)
    for table in models.metadata.sorted_tables:
        checks = {
            str(check.name): numbers_and_words(str(check.sqltext))
            for check in table.constraints
            if isinstance(check, CheckConstraint)
        }
        constraints = inspector.get_check_constraints(table.name)
        assert checks == {str(check["name"]): numbers_and_words(check["sqltext"]) for check in constraints}
        names = [key["name"] for key in inspector.get_foreign_keys(table.name)]
        assert sorted(map(str, names)) == sorted(str(key.name) for key in table.foreign_key_constraints)


def numbers_and_words(condition: str) -> list[str]:
    """Return the words and numbers of a CHECK, whatever its spelling in a database."""
    noise = {"in", "any", "array", "text", "between", "and", "varying", "character"}
    return sorted(set(re.findall(r"\w+", condition.lower())) - noise)


@pytest.mark.parametrize("backend", BACKENDS)
def test_addresses_of_before_count_as_verified_and_those_of_after_a_downgrade_do_not(
    backend: str, tmp_path: Path
) -> None:
    row = "INSERT INTO users (id, role, email, email_key, created_at) VALUES (:id, 'candidate', :email, :email, :at)"
    at = datetime(2025, 5, 15, tzinfo=UTC)
    with fresh_database(backend, tmp_path) as url:
        config = alembic_config(url)
        database = Database(url)
        for id_, next_revision in (("before", "head"), ("stranger", "0004"), ("between", "head")):
            if id_ == "before":
                command.upgrade(config, "0004")
            with database.engine.begin() as connection:
                connection.execute(text(row), {"id": id_, "email": id_, "at": at})
            (command.downgrade if next_revision == "0004" else command.upgrade)(config, next_revision)
        with database.engine.connect() as connection:
            verified = connection.execute(select(User.id, User.email_verified_at).order_by(User.id)).all()
            assert [tuple(row) for row in verified] == [("before", at), ("between", None), ("stranger", None)]
        database.dispose()
