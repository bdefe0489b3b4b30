"""Receivers on this machine: SMTP servers, and an HTTPS server that behaves as its paths say."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask

from interviews_api.notifications.channels.https_client import HttpsClient
from interviews_api.notifications.delivery_errors import Sender
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.channel_worker import make_channel_workers
from interviews_api.notifications.worker.worker import Worker
from tests.support.certificates import make_certificate
from tests.support.postgres import free_port

PUBLIC_ADDRESS = "93.184.215.14"  # what the receivers' names mean to the resolver of the tests
DRIP_SECONDS = 20
DEFERRED = "greylisted"
MAX_LINE = 998  # octets; RFC 5322, section 2.1.1


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Wait until the condition holds; fail the test when it does not in so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def working(app: Flask, senders: dict[Channel, Sender], *, concurrency: int = 8, **options: Any) -> Iterator[Worker]:
    """Run a worker with these channels in a thread until the end of the block."""
    concurrencies = dict.fromkeys(senders, concurrency)
    worker = Worker(app, list(make_channel_workers(app, senders, concurrencies, **options)))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


class Mailbox:
    """A strict SMTP server: without 8BITMIME (RFC 6152), it answers 554 to a byte beyond ASCII and to a long line.

    An address that begins with refuse-, later-, hang-, drop- or reject- is treated so. A message with the word DEFERRED
    gets a 451. A message takes `seconds`.
    """

    def __init__(self, *, seconds: float = 0, **options: Any) -> None:
        self._seconds = seconds
        self.messages: list[EmailMessage] = []
        self.arrivals: list[tuple[float, str]] = []
        self.attempts: list[str] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a sender to this server."""
        return {"smtp_host": "127.0.0.1", "smtp_port": self.port, "smtp_tls": "none"}

    def stop(self) -> None:
        self._controller.stop()

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages if message["To"] == address]

    async def handle_EHLO(  # aiosmtpd's name
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in responses if "8BITMIME" not in line and "SMTPUTF8" not in line]

    async def handle_RCPT(  # aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        self.attempts.append(address)
        if address.startswith("refuse-"):
            return "550 5.1.1 No such user"
        if address.startswith("later-"):
            return "451 4.3.0 Try again"
        if address.startswith("hang-"):
            await asyncio.sleep(DRIP_SECONDS)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        if envelope.rcpt_tos[0].startswith("drop-"):
            server.transport.abort()
            return "451 gone"
        if envelope.rcpt_tos[0].startswith("reject-"):
            return "554 5.6.0 Not this one"
        if not envelope.content.isascii():
            return "554 5.6.3 Conversion required but not supported"
        if max(map(len, envelope.content.split(b"\r\n"))) > MAX_LINE:
            return "554 5.6.0 Line too long"
        if DEFERRED.encode() in envelope.content:
            return "451 4.7.1 Not this one yet"
        await asyncio.sleep(self._seconds)
        message = message_from_bytes(envelope.content, policy=modern)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.arrivals.append((time.monotonic(), envelope.rcpt_tos[0]))
        return "250 OK"


@dataclass
class Request:
    """A request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


class _Handler(BaseHTTPRequestHandler):
    """Answers by path: /ok, /<status>, /hang, /drip[/<how>] (5 bytes/s), /gigabyte, /redirect[/<status>/<where>]."""

    def setup(self) -> None:
        receiver: HttpsReceiver = self.server.receiver  # type: ignore[attr-defined]
        receiver.is_over.wait(receiver.handshake_seconds)
        super().setup()

    def do_POST(self) -> None:
        receiver: HttpsReceiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        receiver.requests.append(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        what, _, how = self.path.strip("/").partition("/")
        if what == "hang":
            receiver.is_over.wait(DRIP_SECONDS)
            return
        if what == "redirect":
            status, _, location = how.partition("/")
            self.send_response(int(status or 302))
            self.send_header("Location", location or "https://canary.hooks.example/ok")
            self.end_headers()
            return
        if how in ("keep-alive", "close"):
            self.protocol_version = "HTTP/1.1"
        if how == "status":
            self.wfile.write(b"HTTP/1.1 ")
        else:
            self.send_response(int(what) if what.isdigit() else 200)
            self.send_header("Content-Length", str(2**30 if what in ("gigabyte", "drip") else 0))
            self.send_header("Connection", how)
            self.end_headers()
        try:
            began = time.monotonic()
            while what == "drip" and time.monotonic() < began + DRIP_SECONDS and not receiver.is_over.wait(0.2):
                self.wfile.write(b"x")
            while what == "gigabyte" and not receiver.is_over.is_set():
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def log_message(self, *_anything: Any) -> None:
        """Print no line for a request."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_anything: Any) -> None:
        """Ignore clients that hang up."""


class HttpsReceiver:
    """A web server with a certificate for each name under hooks.example; `https_client` connects to it."""

    def __init__(self, folder: Path, *, seconds: float = 15) -> None:
        certificate, key = make_certificate(folder)
        self.requests: list[Request] = []
        self.is_over = threading.Event()
        self.connect_seconds = self.handshake_seconds = 0.0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self  # type: ignore[attr-defined]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.trust = ssl.create_default_context(cafile=str(certificate))
        self.https_client = HttpsClient(lambda _host: [PUBLIC_ADDRESS], self.connect, self.trust, seconds)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        assert (address, port) == (PUBLIC_ADDRESS, 443)
        time.sleep(self.connect_seconds)
        return socket.create_connection(self._server.server_address[:2], seconds)  # type: ignore[arg-type]

    def stop(self) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()


class _DrippingMail(StreamRequestHandler):
    """Speaks SMTP up to a point and sends a byte at a time from there on."""

    def handle(self) -> None:
        server: DrippingMailServer = self.server  # type: ignore[assignment]
        server.visits.append(time.monotonic())
        if server.point == "tls":
            return self._drip(_TLS_RECORD)
        if server.point == "greeting":
            return self._drip(b"220-")
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-here\r\n250 STARTTLS\r\n")
            elif verb == b"STAR":
                self.wfile.write(b"220 go\r\n")
                return self._drip(_TLS_RECORD)
            elif verb == b"DATA":
                self.wfile.write(b"354 go\r\n")
                while self.rfile.readline() != b".\r\n":
                    pass
                return self._drip(b"250-")
            else:
                self.wfile.write(b"250 so\r\n")
        return None

    def _drip(self, lead: bytes) -> None:
        server: DrippingMailServer = self.server  # type: ignore[assignment]
        self.wfile.write(lead)
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() < began + DRIP_SECONDS and not server.is_over.wait(0.2):
                self.wfile.write(b"\0")


_TLS_RECORD = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0"  # the beginning of 16 KiB of server hello


class DrippingMailServer(ThreadingTCPServer):
    """An SMTP server that drips bytes from a point on: `tls`, `greeting`, `starttls` or `data`."""

    daemon_threads = True

    def __init__(self, point: str) -> None:
        super().__init__(("127.0.0.1", 0), _DrippingMail)
        self.point = point
        self.visits: list[float] = []
        self.is_over = threading.Event()
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.is_over.set()
        self.shutdown()
        self.server_close()


def part(message: Any, kind: str) -> str:
    return str(next(child for child in message.walk() if child.get_content_type() == kind).get_content())
