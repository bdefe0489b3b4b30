"""A real nginx with the shipped configuration."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.postgres import free_port, unprivileged_account
from tests.support.settings import ROOT


def _replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class Nginx:
    """nginx as an ordinary process: deploy/nginx.conf with other ports and folders."""

    def __init__(self, api_port: int, live_port: int, certificate: tuple[Path, Path] | None = None) -> None:
        """Start it; with a certificate and its key also with deploy/tls.conf, on `tls_port`."""
        self.port, self.tls_port = free_port(), free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="interviews-nginx-"))
        shipped = (ROOT / "deploy" / "nginx.conf").read_text()
        folders = "".join(
            f"    {kind}_temp_path {self._folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        changes = {
            "listen 80;": f"listen 127.0.0.1:{self.port};", "/run/nginx.pid": "nginx.pid",
            "127.0.0.1:8000": f"127.0.0.1:{api_port}", "127.0.0.1:8001": f"127.0.0.1:{live_port}",
            "/var/log/nginx/error.log warn": "error.log warn", "/var/log/nginx/error.log alert": "error.log alert",
            "/var/log/nginx/access.log": "access.log",
            "http {\n": f"http {{\n{folders}",
        }  # fmt: skip
        configuration = self._folder / "nginx.conf"
        configuration.write_text(_replaced(shipped, changes))
        if certificate:
            self._add_tls(*certificate)
        program = shutil.which("nginx")
        assert program
        account = unprivileged_account()  # root's workers would be somebody else, who may not write into the folder
        if account:
            for path in (self._folder, *self._folder.rglob("*")):
                shutil.chown(path, account.pw_name)
        self.process = subprocess.Popen(
            [program, "-p", self._folder, "-c", configuration, "-e", self._folder / "error.log", "-g", "daemon off;"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **({"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}),
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, self.errors
                time.sleep(0.05)

    def _add_tls(self, certificate: Path, key: Path) -> None:
        changes = {
            "listen 443 ssl;": f"listen 127.0.0.1:{self.tls_port} ssl;",
            "/etc/ssl/interviews/fullchain.pem": "certificate.pem", "/etc/ssl/interviews/privkey.pem": "key.pem",
        }  # fmt: skip
        shutil.copy(certificate, self._folder / "certificate.pem")
        shutil.copy(key, self._folder / "key.pem")
        included = self._folder / "interviews.d"
        included.mkdir()
        (included / "tls.conf").write_text(_replaced((ROOT / "deploy" / "tls.conf").read_text(), changes))

    @property
    def errors(self) -> str:
        return (self._folder / "error.log").read_text()

    @property
    def accesses(self) -> str:
        return (self._folder / "access.log").read_text()

    def files_in(self, kind: str) -> list[str]:
        """Return files of this kind that its workers hold open; nginx has deleted their names."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        opened = [str(link.readlink()) for child in children for link in Path(f"/proc/{child}/fd").iterdir()]
        return [name for name in opened if name.startswith(f"{self._folder}/{kind}/")]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self._folder)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Any:
        """Return status, headers and JSON of the response to a request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        return response.status, dict(response.headers), json.loads(raw)

    def say(self, raw: bytes) -> tuple[int, Any]:
        """Return status and JSON of the response to these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as sock:
            sock.sendall(raw)
            answer = b""
            while part := sock.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)
