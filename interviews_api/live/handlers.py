"""The blueprint `live`: a candidate's changes over a WebSocket (RFC 6455), resumable with `?after=`."""

import queue
import socket
import struct
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_sock import Sock
from simple_websocket import Server
from sqlalchemy.exc import SQLAlchemyError
from wsproto.utilities import ProtocolError

from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.tokens import read_access_token, token_end
from interviews_api.db.connections import read_connection
from interviews_api.errors import ServiceUnavailable, Unauthorized
from interviews_api.live.handshake import PROTOCOL, is_handshake, offered_protocols, readable_environ
from interviews_api.live.hub import GRACE, LOOK_EVERY, TRY_AGAIN_LATER, UNAUTHORIZED, Hub, Listener, as_message
from interviews_api.live.repository import BATCH, LiveRepository
from interviews_api.web.error_responses import error_response
from interviews_api.web.fields import CamelSchema, Digits
from interviews_api.web.http import load_query

blueprint = Blueprint("live", __name__, url_prefix="/candidate/interviews")

_BEARER = "bearer."
_FORBIDDEN = 4403
_PING_SECONDS = 25
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, for no time
_MANY = 1_000_000  # where greenlets carry the sockets, gunicorn's own worker_connections is the limit
_OPTIONS = {
    "subprotocols": [PROTOCOL],
    "ping_interval": _PING_SECONDS,
    "max_message_size": 4096,
    "thread_class": partial(threading.Thread, daemon=True),  # the process does not wait for who reads from a client
}


class UpdatesQuery(CamelSchema):
    """From where on."""

    after = Digits(
        0, 2**63 - 1, load_default=None, metadata={"description": "The id last seen: replays what came after."}
    )


def init_app(app: Flask) -> None:
    """Give the process its hub."""
    app.extensions["live"] = Hub(app)
    app.config["SOCK_SERVER_OPTIONS"] = _OPTIONS


def _hub() -> Hub:
    hub: Hub = current_app.extensions["live"]
    return hub


@blueprint.get("/updates")
def refuse_without_upgrade() -> Response:
    """Live updates of one's interviews: a WebSocket; the access token travels as the second subprotocol."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    return error_response(426, "Live updates need a WebSocket", headers=upgrade)


refuse_without_upgrade.upgrade = UpdatesQuery  # type: ignore[attr-defined]  # for the description


@blueprint.before_request
def _prepare() -> Response | None:
    """What can still be answered in HTTP: a wrong handshake or query, no seat, no database."""
    if not (request.url_rule and request.url_rule.websocket):
        return None
    if request.headers.get("Sec-WebSocket-Version") != "13":
        return refuse_without_upgrade()
    if not is_handshake():
        return error_response(400, "Not a WebSocket handshake (RFC 6455, section 4.1)")
    g.after = load_query(UpdatesQuery())["after"]
    if not _hub().take_seat(_seats()):
        raise ServiceUnavailable("No room for another socket: ask again, or read the list")
    g.has_seat = True
    with read_connection() as connection:
        g.newest = LiveRepository(connection).newest()  # before the handshake ends: from there on nothing is missed
    request.environ = readable_environ()
    return None


@blueprint.teardown_request
def _give_seat_back(_error: BaseException | None) -> None:
    if g.pop("has_seat", False):
        _hub().give_seat_back()


def _seats() -> int:
    """Half the threads of a worker; greenlets cost next to nothing."""
    if "gevent.monkey" in sys.modules and sys.modules["gevent.monkey"].is_module_patched("threading"):
        return _MANY
    return int(current_app.extensions["settings"].web_threads) // 2


@Sock().route("/updates", bp=blueprint)  # type: ignore[untyped-decorator]
def stream_updates(ws: Server) -> None:
    """Send each change from the handshake on, until somebody hangs up."""
    try:
        with suppress(OSError, ProtocolError):  # the client vanished or hung up while it was sent something
            _stream(ws)
    finally:
        _end(ws.sock)  # wakes the thread that reads, before the server closes the socket under it
        ws.thread.join(LOOK_EVERY)


def _stream(ws: Server) -> None:
    try:
        _stream_to(ws, *_viewer())
    except Unauthorized:
        _hang_up(ws, UNAUTHORIZED)
    except SQLAlchemyError:
        _hang_up(ws, TRY_AGAIN_LATER)


def _stream_to(ws: Server, viewer: Viewer, token: str) -> None:
    if viewer.role is not Role.CANDIDATE:
        _hang_up(ws, _FORBIDDEN)
        return
    listener = Listener(viewer, token_end(token), page_subquery=lambda: _cut(ws.sock))
    _hub().add(listener, g.newest)
    try:
        _serve(ws, listener, _replay(ws, viewer, g.newest if g.after is None else g.after))
    finally:
        _hub().remove(listener)


def _viewer() -> tuple[Viewer, str]:
    """Whom the token among the subprotocols names; raises Unauthorized."""
    protocols = offered_protocols()
    tokens = [one.removeprefix(_BEARER) for one in protocols if one.startswith(_BEARER)]
    if PROTOCOL not in protocols or len(tokens) != 1:
        raise Unauthorized
    viewer = read_access_token(tokens[0])
    with read_connection() as connection:
        UserRepository(connection).get(viewer)
    return viewer, tokens[0]


def _replay(ws: Server, viewer: Viewer, after: int) -> int:
    """Send what came after that id; the last id that was read."""
    with read_connection() as connection:
        newest = LiveRepository(connection).newest()
    while after < newest:
        with read_connection() as connection:
            changes = LiveRepository(connection).changes([viewer.user_id], after=after, up_to=newest)
        for change in changes:
            ws.send(as_message(change)[1])
        after = changes[-1]["event_id"] if len(changes) == BATCH else newest
    return newest


def _serve(ws: Server, listener: Listener, last: int) -> None:
    while True:
        while ws.receive(timeout=0) is not None:  # what clients say is not for us; raises when they hang up
            pass
        try:
            message = listener.messages.get(timeout=LOOK_EVERY)
        except queue.Empty:
            continue
        if isinstance(message, int):
            _hang_up(ws, message)
            return
        number, text = message
        if number > last:
            ws.send(text)


def _hang_up(ws: Server, code: int) -> None:
    """Say why; who does not even take that is cut off."""
    late = threading.Timer(GRACE, _cut, (ws.sock,))
    late.start()
    try:
        ws.close(code)
    finally:
        late.cancel()


def _end(sock: Any) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _cut(sock: Any) -> None:
    """End what is being sent too, and have nothing wait for who does not read: the server's close is a reset."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    _end(sock)
