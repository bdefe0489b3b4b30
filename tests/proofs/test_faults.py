"""Proof: faults of the machine. Requests are answered, what was acknowledged is kept, and no restart is needed."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import text

from interviews_api import create_app
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.acknowledged import UNAVAILABLE, KeepingClient, check_everything
from tests.support.crowd import load_crowd
from tests.support.databases import alembic_config
from tests.support.factories import World
from tests.support.full_disks import SmallDisk, bound_files, may_mount, small_disk
from tests.support.gunicorn_server import GunicornServer, clean_environment
from tests.support.metrics import parse, requests
from tests.support.postgres import ThrowawayPostgres
from tests.support.proof_table import figure, proof
from tests.support.receivers import wait_for
from tests.support.settings import BACKENDS, ROOT, SETTINGS

CANDIDATES = 60  # an application has 20 open interviews at most
TURNS = 4
GOOD = {200, 201}


@contextmanager
def full_temporary_folder(disk: SmallDisk | None, folder: Path) -> Iterator[None]:
    """Let no temporary file be made: leave no room for it, or where nothing can be mounted, move the folder away."""
    if disk:
        disk.fill(files=True)
        yield
        disk.free()
    else:
        moved = folder.rename(folder.with_suffix(".moved"))
        yield
        moved.rename(folder)


@pytest.mark.matrix
def test_full_temporary_folder_stops_nothing(
    app: Flask, world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    """There is neither room nor another file; meanwhile a worker is killed, and the workers are renewed."""
    times = figure(sample=1, full=5)
    crowd = load_crowd(app, world, CANDIDATES)
    folder = tmp_path / "temporary"
    folder.mkdir()
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(megabytes=8, files=100)) if may_mount() else None
        folder = disk.folder if disk else folder
        server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url, "TMPDIR": str(folder)})
        stack.callback(server.stop)
        client = KeepingClient(server, crowd)
        proof_row = stack.enter_context(proof("full temporary folders", database.engine.dialect.name, times))
        for _ in range(times):
            with full_temporary_folder(disk, folder):
                client.work(TURNS)
                server.kill_a_worker()
                client.work(TURNS)
                server.renew_workers()
                client.work(TURNS)
            server.renew_workers()
            client.work(TURNS)
        assert set(client.writes) | set(client.reads) == GOOD
        assert "no room for metrics" in server.log
        total = check_everything(database, client.confirmed, client.scheduled)
        proof_row.result = f"{client.writes.total()} writes and {client.reads.total()} reads: all 2xx; {total} kept"


@pytest.mark.matrix
def test_lost_metric_files_stop_nothing(app: Flask, world: World, database: Database, database_url: str) -> None:
    times = figure(sample=1, full=5)
    crowd = load_crowd(app, world, CANDIDATES)
    with ExitStack() as stack:
        server = GunicornServer(SETTINGS | {"DATABASE_URL": database_url})
        stack.callback(server.stop)
        client = KeepingClient(server, crowd)
        proof_row = stack.enter_context(proof("folders of metrics removed", database.engine.dialect.name, times))
        for _ in range(times):
            for folder in Path(tempfile.gettempdir()).glob(f"interviews-metrics-{server.process.pid}-*"):
                shutil.rmtree(folder)
            client.work(TURNS)
            server.kill_a_worker()
            client.work(TURNS)
            server.renew_workers()
            client.work(TURNS)
            samples = parse(server.request("GET", "/metrics", {})[2].decode())
            assert requests(samples, route="/interviews/schedule", method="POST", status="201") == TURNS
        assert set(client.writes) | set(client.reads) == GOOD
        assert "Traceback" not in server.log
        total = check_everything(database, client.confirmed, client.scheduled)
        proof_row.result = f"{client.writes.total()} writes and {client.reads.total()} reads: all 2xx; {total} kept"


@pytest.mark.matrix
def test_closed_log_stops_nothing(
    app: Flask, world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    """The reader of stdout and stderr ends; each write to them fails from then on."""
    times = figure(sample=1, full=5)
    crowd = load_crowd(app, world, CANDIDATES)
    settings = SETTINGS | {"DATABASE_URL": database_url, "MAIL_DIR": str(tmp_path)}
    with ExitStack() as stack:
        reader, writer = os.pipe()
        server = GunicornServer(settings, output=writer)
        stack.callback(server.stop)
        client = KeepingClient(server, crowd)
        client.work(TURNS)
        os.close(reader)
        worker = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT, env=clean_environment(settings), stdout=writer, stderr=writer, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(worker.wait, 20)
        stack.callback(worker.terminate)
        os.close(writer)
        proof_row = stack.enter_context(proof("logs without a reader", database.engine.dialect.name, times))
        for _ in range(times):
            client.work(TURNS)
            server.kill_a_worker()
            client.work(TURNS)
            server.renew_workers()
            client.work(TURNS)
        assert set(client.writes) | set(client.reads) == GOOD
        wait_for(lambda: len(list(tmp_path.glob("*.eml"))) >= len(client.scheduled))
        assert worker.poll() is None
        total = check_everything(database, client.confirmed, client.scheduled)
        proof_row.result = (
            f"{client.writes.total()} writes and {client.reads.total()} reads: all 2xx; {total} kept and mailed"
        )


_FULL = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON interviews EXECUTE FUNCTION fail()
"""


@contextmanager
def full_disk(server: GunicornServer, disk: SmallDisk | None, database: Database) -> Iterator[None]:
    """Leave no room where the database is."""
    if disk:
        disk.fill()
        yield
        disk.free()
    elif database.engine.dialect.name == "sqlite":
        bound_files([server.process.pid, *server.workers], 4096)
        yield
        bound_files([server.process.pid, *server.workers], -1)
    else:
        with database.engine.begin() as connection:
            connection.execute(text(_FULL))
        yield
        with database.engine.begin() as connection:
            connection.execute(text("DROP FUNCTION fail CASCADE"))


@pytest.mark.matrix
@pytest.mark.parametrize("backend", BACKENDS)
def test_full_disk_stops_writes_alone(backend: str, tmp_path: Path) -> None:
    times = figure(sample=1, full=5)
    with ExitStack() as stack:
        megabytes = 16 if backend == "sqlite" else 256
        disk = stack.enter_context(small_disk(megabytes=megabytes)) if may_mount() else None
        if backend == "sqlite":
            url = f"sqlite:///{disk.folder if disk else tmp_path}/full.sqlite3"
        else:
            postgres = ThrowawayPostgres(disk.folder if disk else None, synchronous_commit="on")
            stack.callback(postgres.stop)
            url = postgres.url
        command.upgrade(alembic_config(url), "head")
        app = create_app(SETTINGS | {"DATABASE_URL": url})
        database = service(Database, app)
        stack.callback(database.dispose)
        crowd = load_crowd(app, World(app), CANDIDATES)
        server = GunicornServer(SETTINGS | {"DATABASE_URL": url})
        stack.callback(server.stop)
        workers, client, refused = server.workers, KeepingClient(server, crowd), 0
        proof_row = stack.enter_context(proof("disks of the database full", backend, times))
        for _ in range(times):
            client.work(TURNS)
            with full_disk(server, disk, database):
                client.forget_answers()
                while client.writes[UNAVAILABLE] < 10:
                    client.work(1)
                assert set(client.reads) == {200}
                refused += client.writes[UNAVAILABLE]
            client.forget_answers()
            client.work(TURNS)
            assert set(client.writes) | set(client.reads) == GOOD
        assert server.workers == workers
        database.dispose()
        total = check_everything(database, client.confirmed, client.scheduled)
        proof_row.result = f"{refused} writes: 503, all reads: 200; {total} interviews kept, writes again at once"
