"""Fixtures: each test that asks for `app` runs on SQLite and on Postgres, migrated, committed for real."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from alembic import command
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from interviews_api import create_app
from interviews_api.accounts.models import Role
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support import proof_table as proofs
from tests.support.databases import alembic_config, empty, fresh_database
from tests.support.factories import World
from tests.support.live import LiveServer
from tests.support.postgres import ThrowawayPostgres
from tests.support.settings import BACKENDS, SETTINGS
from tests.support.statements import hooked
from tests.support.tokens import Headers, begin_session

pytest_plugins = ("tests.support.fixtures",)

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


@pytest.fixture(scope="session", params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fresh_database(request.param, tmp_path_factory.mktemp(request.param)) as url:
        command.upgrade(alembic_config(url), "head")
        yield url


@pytest.fixture(scope="session")
def session_app(database_url: str) -> Iterator[Flask]:
    app = create_app(SETTINGS | {"DATABASE_URL": database_url})
    yield app
    service(Database, app).dispose()


@pytest.fixture
def app(session_app: Flask) -> Iterator[Flask]:
    yield session_app
    empty(session_app)


@pytest.fixture
def database(app: Flask) -> Database:
    return service(Database, app)


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


@pytest.fixture
def headers(app: Flask) -> Callable[..., Headers]:
    """Make the Authorization header of a user in a session of its own; there is none where there is no user."""

    def make(user_id: str, role: Role = Role.CANDIDATE) -> Headers:
        with app.app_context():
            return {"Authorization": f"Bearer {issue_access_token(begin_session(user_id, role))}"}

    return make


@pytest.fixture
def statements(database: Database) -> Iterator[list[tuple[str, object]]]:
    """What was sent to the database, with its parameters; BEGIN is not counted."""
    sent: list[tuple[str, object]] = []

    def record(statement: str, parameters: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    with hooked(database.engine, record):
        yield sent


@pytest.fixture(scope="session")
def session_live(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(SETTINGS | {"DATABASE_URL": database_url})
    yield server
    server.stop()


@pytest.fixture
def live(session_live: LiveServer, app: Flask) -> LiveServer:
    """gunicorn with two workers over the same database as `app`."""
    return session_live
