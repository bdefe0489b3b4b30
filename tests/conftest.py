"""Core fixtures: a test with `app` runs on SQLite and on Postgres, migrated and committed for real."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from coverage import Coverage
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from interviews_api import create_app
from interviews_api.accounts import passwords
from interviews_api.accounts.models import Role
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support import proof_table as proofs
from tests.support.databases import empty, migrated_database
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.markers import (
    TOOLS,
    is_covered,
    is_left_to_proofs,
    is_slow,
    lacks_tools,
    mark_matrices,
    missing_tools,
    runs_on_another_database,
)
from tests.support.postgres import stop_shared_postgres
from tests.support.settings import BACKENDS, SETTINGS
from tests.support.statements import hooked
from tests.support.tokens import Headers, begin_session

SHIPPED_HASHES = {name: getattr(passwords, name) for name in ("_HASHER", "_DUMMY_HASH")}
pytest_plugins = ("tests.support.fixtures",)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=(*BACKENDS, "both"), default="both", help="Run on this database alone.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proof: has a full figure, for `make proofs`")
    config.addinivalue_line("markers", "matrix: a proof, of which `make test` runs each case on one database")
    config.addinivalue_line("markers", "slow: starts a process or waits; set by what the test uses")
    for marker, tools in TOOLS.items():
        config.addinivalue_line("markers", f"{marker}: needs {', '.join(tools)}")
        if os.environ.get("CI") and missing_tools(marker):
            raise pytest.UsageError(f"CI lacks {', '.join(missing_tools(marker))}")
    config.add_cleanup(stop_shared_postgres)


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    backend = config.getoption("--database")
    mark_matrices(items)
    left_out = [
        item
        for item in items
        if lacks_tools(item)
        or (backend == "both" and is_left_to_proofs(item))
        or (backend != "both" and runs_on_another_database(item, backend))
    ]
    config.hook.pytest_deselected(items=left_out)
    excluded = set(left_out)
    items[:] = [item for item in items if item not in excluded]
    for item in items:
        if item.get_closest_marker("matrix"):
            item.add_marker("proof")
        if is_slow(item):
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run the test, without coverage where SQLite measures the same lines; coverage makes a test cost 1.6 times."""
    coverage = None if is_covered(item) else Coverage.current()
    if coverage is None:
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a process of xdist
        session.config.workeroutput["proofs"] = proofs.TABLE


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_testnodedown(node: Any) -> None:
    proofs.TABLE.extend(getattr(node, "workeroutput", {}).get("proofs", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if proofs.IS_FULL:
        terminalreporter.write_line("| proof | database | times | result | took |\n|---|---|---|---|---|")
        terminalreporter.write_line("\n".join(proofs.TABLE))
    for marker in TOOLS:
        if missing := ", ".join(missing_tools(marker)):
            terminalreporter.write_line(
                f"LEFT OUT: the tests marked {marker}, for this machine has no {missing}", red=True
            )


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Hash passwords with argon2's least parameters in this process, because 25 ms for each would take minutes."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_HASHER", hasher)
        patch.setattr(passwords, "_DUMMY_HASH", hasher.hash(""))
        yield


@pytest.fixture
def shipped_hashes(cheap_hashes: None) -> Iterator[None]:
    """Hash passwords in this test as the program does."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SHIPPED_HASHES.items():
            patch.setattr(passwords, name, value)
        yield


@pytest.fixture(scope="session", params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with migrated_database(request.param, tmp_path_factory.mktemp(request.param)) as url:
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
    """Return an empty world to fill and `load()`."""
    return World(app)


@pytest.fixture
def headers(app: Flask) -> Callable[..., Headers]:
    """Return a function that makes the Authorization header of a user in a new session."""

    def make(user_id: str, role: Role = Role.CANDIDATE) -> Headers:
        with app.app_context():
            return {"Authorization": f"Bearer {issue_access_token(begin_session(user_id, role))}"}

    return make


@pytest.fixture
def statements(database: Database) -> Iterator[list[tuple[str, object]]]:
    """Yield the statements sent to the database with their parameters, without BEGIN."""
    sent: list[tuple[str, object]] = []

    def record(statement: str, parameters: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    with hooked(database.engine, record):
        yield sent


@pytest.fixture(scope="session")
def session_gunicorn_server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GunicornServer]:
    server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
    yield server
    server.stop()


@pytest.fixture
def gunicorn_server(session_gunicorn_server: GunicornServer, app: Flask) -> GunicornServer:
    """Return gunicorn with two workers over the database of `app`."""
    return session_gunicorn_server
