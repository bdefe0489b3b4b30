"""A real Postfix, whose pipe runs the shipped program for each mail to reply addresses."""

import os
import shlex
import shutil
import smtplib
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.postgres import free_port, unprivileged_account
from tests.support.settings import ROOT

_MAIN = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.jobs.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
relay_domains = jobs.example
relay_transport = interviews
recipient_delimiter = +
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
"""
_SERVICES = """postlog unix-dgram n - n - 1 postlogd
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
retry unix - - n - - error
error unix - - n - - error
interviews unix - n n - 2 pipe
  flags=R user={user} directory={folder} argv={folder}/deploy/receive-mail
"""


class Postfix:
    """Postfix with its own configuration and queue. Only root can start it, as on a server."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Start it; `settings` are the environment of the shipped program."""
        account = unprivileged_account()
        assert account, "only root can start Postfix"
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="interviews-postfix-"))
        self._folder.chmod(0o755)
        (self._folder / "config").mkdir()
        for name in ("queue", "data"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "data", "postfix")
        (self._folder / "config" / "main.cf").write_text(_MAIN.format(folder=self._folder))
        services = _SERVICES.format(folder=self._folder, port=self.port, user=account.pw_name)
        (self._folder / "config" / "master.cf").write_text(services)
        self._install(settings)
        self._run("start")
        deadline = time.monotonic() + 60
        while True:
            try:
                smtplib.SMTP("127.0.0.1", self.port).quit()
                return
            except (OSError, smtplib.SMTPException):
                assert time.monotonic() < deadline, self.log
                time.sleep(0.1)

    def _install(self, settings: Mapping[str, str]) -> None:
        """Copy the shipped program beside a virtual environment's `flask`, as an installation has it.

        The pipe's account may not enter the home of root, where this Python may be. Then it is the machine's Python of
        the same version, with the same packages.
        """
        program = self._folder / "deploy" / "receive-mail"
        program.parent.mkdir()
        shutil.copy(ROOT / "deploy" / "receive-mail", program)
        flask = self._folder / ".venv" / "bin" / "flask"
        flask.parent.mkdir(parents=True)
        python = sys.executable if "/root/" not in os.path.realpath(sys.executable) else "/usr/bin/python3"
        packages = f"{ROOT}:{sysconfig.get_path('purelib')}"
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
        flask.write_text(
            f"#!/bin/sh\n{exports}export PYTHONPATH={packages} PYTHONDONTWRITEBYTECODE=1\n"
            f'cd {ROOT} && exec {python} -m flask "$@"\n'
        )
        flask.chmod(0o755)

    def _run(self, command: str) -> None:
        subprocess.run(
            ["postfix", "-c", self._folder / "config", command], check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    @property
    def log(self) -> str:
        path = self._folder / "log"
        return path.read_text() if path.exists() else ""

    def send(self, sender: str, recipient: str, raw: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.port) as server:
            server.sendmail(sender, [recipient], raw)

    def stop(self) -> None:
        self._run("stop")
        shutil.rmtree(self._folder)
