"""Processes of `flask worker` that are killed and started again."""

import queue
import subprocess
import sys
import threading
from typing import Any

from sqlalchemy import func, select

from interviews_api.db.connections import Database
from interviews_api.notifications.models import Delivery
from tests.support.gunicorn_server import clean_environment
from tests.support.settings import ROOT


def count(database: Database, model: Any) -> int:
    with database.reads.connection() as connection:
        return int(connection.execute(select(func.count()).select_from(model)).scalar_one())


class WorkerProcesses:
    """Worker processes; a killed one is started again."""

    def __init__(self, number: int, settings: dict[str, str], *module: str) -> None:
        self._environment = clean_environment(settings)
        self._module = module or ("-m", "tests.support.worker_process")
        self._lines: queue.SimpleQueue[tuple[subprocess.Popen[bytes], bytes]] = queue.SimpleQueue()
        self.processes = [self._start() for _ in range(number)]

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen([sys.executable, *self._module], cwd=ROOT, env=self._environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        return process

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._lines.put((process, line.strip()))

    def wait_for_word(self, word: bytes) -> int:
        """Wait for a living worker to print the word; return its index."""
        while not self._lines.empty():
            self._lines.get()
        while True:
            process, line = self._lines.get(timeout=120)
            if line == word and process in self.processes:
                return self.processes.index(process)

    def kill(self, index: int) -> None:
        self.processes[index].kill()
        self.processes[index].wait()
        self.processes[index] = self._start()

    def stop(self) -> list[int]:
        for process in self.processes:
            process.terminate()
        return [process.wait(30) for process in self.processes]


def unsent(database: Database) -> int:
    with database.reads.connection() as connection:
        waiting = select(func.count()).select_from(Delivery).where(Delivery.status != "sent")
        return int(connection.execute(waiting).scalar_one())
