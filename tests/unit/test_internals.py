"""Canaries of private and undocumented API: marshmallow, prometheus_client, simple-websocket and the standard library.

A failure names the part of this project that an upgrade breaks.
"""

import http.client
import smtplib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, decorators, fields
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from simple_websocket import Server

from interviews_api.web.serializers import serializer_for


def raised_by(function: Callable[..., object], *arguments: object) -> Exception | None:
    try:
        function(*arguments)
    except Exception as error:
        return error
    return None


class Job(Schema):
    title = fields.String()

    @decorators.post_dump
    def add_nothing(self, job: dict[str, Any], **_: Any) -> dict[str, Any]:
        return job


def test_marshmallow_hooks() -> None:
    hooks: dict[str, Any] = getattr(Job, "_hooks", {})
    assert hooks.get(getattr(decorators, "POST_DUMP", None)), (
        "marshmallow no longer lists post_dump hooks in Schema._hooks[decorators.POST_DUMP]: serializers.py misses them"
    )
    assert not Job()._hooks[decorators.PRE_DUMP], (
        "marshmallow's Schema._hooks[decorators.PRE_DUMP] no longer is empty without hooks: no schema is compiled"
    )


@pytest.mark.parametrize("name", ["dump", "_serialize", "get_attribute"])
def test_marshmallow_schema_methods(name: str) -> None:
    assert hasattr(Schema, name), f"marshmallow no longer has Schema.{name}: serializers.py misses its overrides"


def test_marshmallow_field_serialize() -> None:
    assert fields.Integer()._serialize("7", "attribute", {}) == 7, (
        "marshmallow no longer converts values in Field._serialize(value, attr, obj): no field is compiled"
    )
    assert fields.Raw._serialize is fields.Field._serialize, (
        "marshmallow's plain fields no longer inherit Field._serialize: serializers.py converts values that need none"
    )


def test_marshmallow_check_attribute() -> None:
    assert fields.String()._CHECK_ATTRIBUTE, "marshmallow's String no longer reads an attribute: nothing is compiled"
    assert not fields.Constant(1)._CHECK_ATTRIBUTE, (
        "marshmallow's Constant no longer has _CHECK_ATTRIBUTE = False: serializers.py reads a key that no row has"
    )


def test_marshmallow_dumps_without_its_private_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(decorators, "PRE_DUMP")
    schema = Job()
    assert serializer_for(schema) == schema.dump, "a renamed private name of marshmallow breaks responses"


def test_prometheus_value_class_and_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.MultiProcessValue(lambda: 7))
    registry = CollectorRegistry()
    Counter("canary_requests", "Canary.", registry=registry)
    Histogram("canary_seconds", "Canary.", registry=registry)
    assert {path.name for path in tmp_path.iterdir()} == {"counter_7.db", "histogram_7.db"}, (
        "prometheus_client no longer counts in <kind>_<number>.db: metric_files.py allocates other files"
    )


def test_prometheus_value_in_memory() -> None:
    value = values.MutexValue("counter", "canary", "canary", (), (), "Canary.")
    value.inc(2)
    assert value.get() == 2, "prometheus_client no longer counts in memory with values.MutexValue: see metric_files.py"


@pytest.mark.parametrize("key", ["gunicorn.socket", "werkzeug.socket"])
def test_simple_websocket_server(key: str) -> None:
    ours, theirs = socket.socketpair()
    environ = {
        key: ours, "HTTP_HOST": "localhost", "HTTP_CONNECTION": "Upgrade", "HTTP_UPGRADE": "websocket",
        "HTTP_SEC_WEBSOCKET_VERSION": "13", "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    with theirs:
        server = Server(environ)
        assert server.sock is ours, "simple-websocket no longer keeps the socket of the environment in Server.sock"
        assert isinstance(server.thread, threading.Thread), "simple-websocket no longer has its reader in Server.thread"
        ours.shutdown(socket.SHUT_RDWR)
        server.thread.join(10)
        assert not server.thread.is_alive(), "simple-websocket's reader no longer ends when its socket is shut down"


def test_http_client_uses_the_socket_it_is_given() -> None:
    ours, theirs = socket.socketpair()
    connection = http.client.HTTPSConnection("receiver.example")
    connection.auto_open = 0
    with ours, theirs:
        connection.sock = ours
        connection.request("POST", "/", b"body")
        assert theirs.recv(4), "http.client no longer sends through HTTPConnection.sock: https_client.py checks nothing"
    connection.close()
    error = raised_by(connection.request, "POST", "/", b"body")
    assert isinstance(error, http.client.NotConnected), (
        "http.client connects in spite of auto_open = 0: https_client.py sends to unchecked addresses"
    )


def test_smtplib_connects_by_its_hook() -> None:
    class Connection(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            raise LookupError(host)

    error = raised_by(Connection, "localhost", 1, "local.example")
    assert isinstance(error, LookupError), "smtplib no longer connects by SMTP._get_socket: smtp.py has no deadline"
