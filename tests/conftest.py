"""Fixtures: each test that asks for `app` runs on SQLite and on Postgres, migrated, committed for real."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import event, select

from interviews_api import create_app, models
from interviews_api.accounts.models import Role, User, Viewer
from interviews_api.accounts.repository import SessionRepository
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.ids import new_id
from tests.support import proof_table as proofs
from tests.support.api import Caller
from tests.support.factories import World
from tests.support.live import LiveServer
from tests.support.live_sockets import DEPLOYED, IN_PROCESS, ServerHere
from tests.support.postgres import ThrowawayPostgres, create_database, drop_database

ROOT = Path(__file__).parent.parent
BACKENDS = ("sqlite", "postgresql")
SECRETS = {"JWT_SECRET_KEY": "j" * 40, "SECRET_KEY": "s" * 40}
SPEED = ("CACHE_BYTES", "VERIFIED_TOKENS", "COMPILED_DUMP")  # `CACHE_BYTES=0 make test` is the same suite without
SETTINGS = SECRETS | {"CORS_ORIGINS": "http://localhost:3000", "RATELIMIT_ENABLED": "false"}
SETTINGS |= {name: os.environ[name] for name in SPEED if name in os.environ}

# What needs programs that pip cannot install. Left out aloud where they are missing; CI must have them.
TOOLS = {"needs_node": ("node", "npm"), "needs_chromium": ("node", "npm", "chromium"), "needs_nginx": ("nginx",)}


def _missing(marker: str) -> list[str]:
    return [tool for tool in TOOLS[marker] if shutil.which(tool) is None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=(*BACKENDS, "both"), default="both", help="Run on this database alone.")


def _runs_elsewhere(item: pytest.Item, backend: str) -> bool:
    """Whether the item is for a database other than this one."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return not {params.get("database_url", backend), params.get("backend", backend)} <= {backend}


def pytest_configure(config: pytest.Config) -> None:
    for marker, tools in TOOLS.items():
        config.addinivalue_line("markers", f"{marker}: runs {', '.join(tools)}")
        if os.environ.get("CI") and _missing(marker):
            raise pytest.UsageError(f"CI lacks {', '.join(_missing(marker))}")
    config.addinivalue_line("markers", "proof: has a full figure, for `make proofs`")
    if "TEST_DATABASE_URL" not in os.environ:  # workers of xdist inherit it from the process that started it
        server = ThrowawayPostgres()
        os.environ["TEST_DATABASE_URL"] = server.url
        config.add_cleanup(lambda: os.environ.pop("TEST_DATABASE_URL"))
        config.add_cleanup(server.stop)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [
        item for item in items if any(_missing(mark.name) for mark in item.iter_markers() if mark.name in TOOLS)
    ]
    if (backend := config.getoption("--database")) != "both":
        left_out += [item for item in items if _runs_elsewhere(item, backend)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if proofs.IS_FULL:
        terminalreporter.write_line("| proof | database | times | result | took |\n|---|---|---|---|---|")
        terminalreporter.write_line("\n".join(proofs.TABLE))
    for marker in TOOLS:
        if missing := ", ".join(_missing(marker)):
            terminalreporter.write_line(
                f"LEFT OUT: the tests marked {marker}, for this machine has no {missing}", red=True
            )


def alembic_config(url: str) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


@contextmanager
def fresh_database(backend: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of that kind."""
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'test.sqlite3'}"
        return
    admin_url = os.environ["TEST_DATABASE_URL"]
    name = f"interviews_test_{secrets.token_hex(6)}"
    yield create_database(admin_url, name, "template0")
    drop_database(admin_url, name)


@pytest.fixture(scope="session", params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fresh_database(request.param, tmp_path_factory.mktemp(request.param)) as url:
        command.upgrade(alembic_config(url), "head")
        yield url


@pytest.fixture(scope="session")
def session_app(database_url: str) -> Iterator[Flask]:
    app = create_app(SETTINGS | {"DATABASE_URL": database_url})
    yield app
    app.extensions["database"].dispose()


def empty(app: Flask) -> None:
    """Delete every row of every table."""
    with app.app_context(), transaction() as connection:
        for table in reversed(models.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture
def app(session_app: Flask) -> Iterator[Flask]:
    yield session_app
    empty(session_app)


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions["database"]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


@pytest.fixture
def world(app: Flask) -> World:
    """An empty world to fill and then `load()`."""
    return World(app)


Headers = dict[str, str]


@pytest.fixture
def headers(app: Flask) -> Callable[..., Headers]:
    """Make the Authorization header of a user in a session of its own; there is none where there is no user."""

    def make(user_id: str, role: Role = Role.CANDIDATE) -> Headers:
        with app.app_context():
            return {"Authorization": f"Bearer {issue_access_token(begin_session(user_id, role))}"}

    return make


def begin_session(user_id: str, role: Role = Role.CANDIDATE) -> Viewer:
    with transaction() as connection:
        if connection.execute(select(User.id).where(User.id == user_id)).first() is None:
            return Viewer(user_id, role, new_id())
        expires_at = now() + timedelta(days=30)
        session_id, _ = SessionRepository(connection).begin(user_id, now=now(), expires_at=expires_at)
        return Viewer(user_id, role, session_id)


@pytest.fixture
def statements(database: Database) -> Iterator[list[tuple[str, object]]]:
    """What was sent to the database, with its parameters; BEGIN is not counted."""
    sent: list[tuple[str, object]] = []

    def record(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", record)
    yield sent
    event.remove(database.engine, "before_cursor_execute", record)


@pytest.fixture(scope="session")
def session_live(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    yield server
    server.stop()


@pytest.fixture
def live(session_live: LiveServer, app: Flask) -> LiveServer:
    """gunicorn with two workers over the same database as `app`."""
    return session_live


@pytest.fixture
def people(client: FlaskClient, world: World, headers: Callable[..., Headers]) -> dict[str, Any]:
    """Two companies with a user each, a candidate, and an application with each company."""
    made: dict[str, Any] = {}
    candidate = world.candidate(phone="+33 6")
    for name, zone in (("us", "Europe/Paris"), ("them", "UTC")):
        company = world.company(name=name, timeZone=zone)
        made[name] = world.company_user(company)
        made[f"{name} application"] = world.application(candidate, world.job(company))["id"]
        made[f"{name} company"] = company["id"]
    world.load()
    return {
        **made,
        "us": Caller(client, headers(made["us"]["id"], Role.COMPANY)),
        "them": Caller(client, headers(made["them"]["id"], Role.COMPANY)),
        "candidate": Caller(client, headers(candidate["id"])),
        "candidate id": candidate["id"],
        "us id": made["us"]["id"],
    }


@pytest.fixture(scope="module", params=(IN_PROCESS, *DEPLOYED))
def server(request: pytest.FixtureRequest, database_url: str) -> Iterator[LiveServer]:
    """Live sockets in this process, with threads, and with greenlets as in production."""
    settings = SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "8"}
    here = request.param == IN_PROCESS
    made = ServerHere(settings) if here else LiveServer(settings, config=request.param)
    yield made
    made.stop()


@pytest.fixture
def stage(app: Flask, world: World) -> dict[str, Any]:
    """A company, a candidate and an application; tokens for both."""
    company = world.company()
    user, person = world.company_user(company), world.candidate()
    application = world.application(person, world.job(company))
    world.load()

    def token(user_id: str, role: Role = Role.CANDIDATE) -> str:
        with app.app_context():
            return issue_access_token(begin_session(user_id, role))

    made = {"company": token(user["id"], Role.COMPANY), "candidate": token(person["id"]), "person": person["id"]}
    return made | {"application": application["id"], "token": token}
