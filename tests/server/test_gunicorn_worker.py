"""gunicorn's worker class, with a slow application and clients that do not hang up."""

import email.utils
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import TCPSocket

from interviews_api.server import gunicorn_internals
from interviews_api.server.gunicorn_internals import WebWorker
from tests.support.gunicorn_server import clean_environment
from tests.support.postgres import free_port
from tests.support.receivers import wait_for
from tests.support.settings import ROOT

SLOW = 1.0  # seconds
LARGE = bytes(32 * 1024 * 1024)  # more than the buffers of a connection hold


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    if environ["PATH_INFO"] == "/slow":
        time.sleep(SLOW)
    body = LARGE if environ["PATH_INFO"] == "/large" else b"ok"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class Worker(WebWorker):  # type: ignore[misc]
    """A gunicorn worker in a thread of the tests' process; it installs no signal handlers."""

    def __init__(self, threads: int) -> None:
        config = Config()
        config.set("threads", threads)
        listener = TCPSocket(("127.0.0.1", 0), config, Logger(config))
        super().__init__(1, os.getppid(), [listener], None, 30, config, Logger(config))
        self.port: int = listener.getsockname()[1]
        self.thread = threading.Thread(target=self.init_process)

    def init_signals(self) -> None:
        """Do nothing: only the main thread may set signal handlers."""

    def load_wsgi(self) -> None:
        """Use the application above; gunicorn would import one."""
        self.wsgi = application

    def connect(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection("127.0.0.1", self.port, timeout=60))

    def stop(self) -> None:
        self.handle_exit(None, None)
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture(params=[1])
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    before = threading.active_count()
    worker = Worker(request.param)
    worker.thread.start()
    yield worker
    worker.stop()
    worker.tmp.close()
    wait_for(lambda: threading.active_count() <= before)


def ask(connection: HTTPConnection, path: str = "/") -> HTTPResponse:
    connection.request("GET", path)
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"ok")
    return response


def test_kept_connection_gets_a_current_date_header(worker: Worker) -> None:
    with worker.connect() as connection:
        for _ in range(3):
            response = ask(connection)
            assert response.headers["Connection"] == "keep-alive"
            written = email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp()
            assert written == pytest.approx(time.time(), abs=1.5)
            time.sleep(1.1)


def test_stop_waits_for_the_running_request(worker: Worker) -> None:
    with worker.connect() as connection:
        connection.request("GET", "/slow")
        time.sleep(SLOW / 2)
        threading.Thread(target=worker.stop).start()
        assert connection.getresponse().read() == b"ok"


@pytest.mark.parametrize("worker", [2], indirect=True)
def test_lingering_client_holds_up_only_its_thread(worker: Worker) -> None:
    """The client holds one thread for 2 s, while gunicorn waits for it to hang up."""
    with worker.connect() as another:
        ask(another)
        with worker.connect() as stays:
            began = time.monotonic()
            stays.request("GET", "/", headers={"Connection": "close"})
            unread = stays.getresponse()  # holds the socket open
            for _ in range(5):
                ask(another)
                with worker.connect() as third:
                    ask(third)
            assert time.monotonic() - began < 2
            assert unread.read() == b"ok"


def test_worker_that_cannot_load_its_application_exits(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('no application')")
    worker = "interviews_api.server.gunicorn_internals.WebWorker"
    options = ["--worker-class", worker, "--threads", "4", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "-c", os.devnull, "--bind", f"127.0.0.1:{free_port()}", *options]
    environment = clean_environment({"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    ended = subprocess.run([*command, "broken:app"], env=environment, capture_output=True, timeout=120)
    assert ended.returncode == 3, ended.stderr


def test_client_that_does_not_read_holds_a_thread_for_a_limited_time(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunicorn_internals, "SOCKET_SECONDS", 1)
    with worker.connect() as reader, worker.connect() as other:
        reader.request("GET", "/large")
        time.sleep(0.2)
        began = time.monotonic()
        ask(other)
        assert 0.5 < time.monotonic() - began < 20
        response = reader.getresponse()
        with pytest.raises(IncompleteRead):
            response.read()
