"""deploy/postgres-role.sh, with a real Postgres: the programs' role owns its database and nothing else."""

import os
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from alembic import command

from tests.support.databases import alembic_config
from tests.support.postgres import ThrowawayPostgres
from tests.support.settings import ROOT

PASSWORD = "a'b\\c\"d$(e) 'f"


@pytest.fixture(scope="module")
def server() -> Iterator[ThrowawayPostgres]:
    server = ThrowawayPostgres()
    yield server
    server.stop()


def create_role(server: ThrowawayPostgres, password: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": f"{server.binaries}:{os.environ['PATH']}", "PGHOST": "127.0.0.1", "PGPORT": str(server.port),
        "INTERVIEWS_PASSWORD": password,
    }  # fmt: skip
    script = ROOT / "deploy" / "postgres-role.sh"
    return subprocess.run([script], env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_script_creates_a_role_that_owns_its_database_alone(server: ThrowawayPostgres) -> None:
    assert "INTERVIEWS_PASSWORD: is missing" in create_role(server, "").stderr
    result = create_role(server, PASSWORD)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    command.upgrade(alembic_config(f"postgresql://interviews@127.0.0.1:{server.port}/interviews"), "head")
    with psycopg.connect(server.url) as connection:
        role = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin"
            " FROM pg_roles WHERE rolname = 'interviews'"
        ).fetchone()
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'interviews'"
        ).fetchone()
        stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'interviews'").fetchone()
    assert role == (False, False, False, False, False, True)
    assert owner == ("interviews",)
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(f"postgresql://interviews@127.0.0.1:{server.port}/postgres")
