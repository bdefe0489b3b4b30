"""Blueprint `live`: the changes of a candidate's interviews over a WebSocket (RFC 6455), resumable with `?after=`."""

import queue
import socket
import struct
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from flask_sock import Sock
from simple_websocket import Server
from sqlalchemy.exc import SQLAlchemyError
from wsproto.utilities import ProtocolError

from interviews_api.accounts.email_verification import refuse_unverified
from interviews_api.accounts.errors import EmailNotVerified
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.tokens import read_access_token, token_end
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.errors import ServiceUnavailable, Unauthorized
from interviews_api.live.handshake import (
    PROTOCOL,
    close_after_response,
    handshake_environ,
    is_handshake,
    offered_protocols,
)
from interviews_api.live.hub import (
    CHECK_SECONDS,
    CLOSE_TRY_AGAIN_LATER,
    CLOSE_UNAUTHORIZED,
    GRACE_SECONDS,
    Hub,
    Subscriber,
    as_message,
)
from interviews_api.live.repository import LiveRepository
from interviews_api.live.schemas import UpdatesQuery
from interviews_api.services import register_services, service
from interviews_api.web.error_responses import error_response
from interviews_api.web.http import load_query
from interviews_api.web.route_contract import websocket_contract

blueprint = Blueprint("live", __name__, url_prefix="/candidate/interviews")

_BEARER = "bearer."
_CLOSE_FORBIDDEN = 4403
_PING_SECONDS = 25
_LINGER_ZERO = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds
_SEND_BUFFER = 64 * 1024  # bytes, by which the kernel goes beyond what the client reads
_REPLAY_BATCH = 5  # changes, whose memory a client that does not read holds
_REPLAYED_CHANGES = 1000
_OPTIONS = {
    "subprotocols": [PROTOCOL],
    "ping_interval": _PING_SECONDS,
    "max_message_size": 4096,
    "thread_class": partial(threading.Thread, daemon=True),  # a reading thread must not keep the process alive
}


_UPDATES_QUERY = UpdatesQuery()


def init_app(app: Flask) -> None:
    """Create the hub of the process. Half of its threads may serve sockets."""
    register_services(app, Hub(app, service(Settings, app).web_threads // 2))
    app.config["SOCK_SERVER_OPTIONS"] = _OPTIONS


@blueprint.get("/updates")
@websocket_contract(UpdatesQuery)
def refuse_without_upgrade() -> Response:
    """Open a WebSocket for live updates of the viewer's interviews; the access token is the second subprotocol.

    Answers 426; `stream_updates` serves the upgrade.
    """
    # The summary describes the route in OpenAPI; the function's name is the operationId there, so it must stay.
    load_query(_UPDATES_QUERY)
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    return error_response(426, "Live updates need a WebSocket", headers=upgrade)


@blueprint.before_request
def _prepare() -> Response | None:
    """Check the handshake, take a seat, and note the newest event id; refusals are HTTP responses."""
    if not (request.url_rule and request.url_rule.websocket):
        return None
    if request.headers.get("Sec-WebSocket-Version") != "13":
        return refuse_without_upgrade()
    if not is_handshake():
        return error_response(400, "Not a WebSocket handshake (RFC 6455, section 4.1)")
    if PROTOCOL not in offered_protocols():
        return error_response(400, f"The client must offer the subprotocol {PROTOCOL}")
    g.after = load_query(_UPDATES_QUERY)["after"]
    if not service(Hub).take_seat():
        close_after_response()
        raise ServiceUnavailable("No room for another socket: ask again, or read the list")
    g.has_seat, g.opened_at = True, time.monotonic()
    with read_connection() as connection:
        g.newest = LiveRepository(connection).newest()  # read before the handshake ends, so no later change is missed
    request.environ = handshake_environ()
    return None


@blueprint.teardown_request
def _give_seat_back(_error: BaseException | None) -> None:
    """Free the seat that the request took, at its end; do nothing if it took none."""
    if g.pop("has_seat", False):
        service(Hub).give_seat_back()


@Sock().route("/updates", bp=blueprint)  # type: ignore[untyped-decorator]
def stream_updates(ws: Server) -> None:
    """Send each change from the handshake on, until the client or the server closes."""
    try:
        with suppress(OSError, ProtocolError):  # the client disconnected during a send
            ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            _authenticate_and_stream(ws)
    finally:
        _shut_down(ws.sock)  # wakes the reading thread, which must end before the server closes the socket
        ws.thread.join(CHECK_SECONDS)


def _authenticate_and_stream(ws: Server) -> None:
    try:
        _subscribe_and_stream(ws, *authenticate())
    except Unauthorized:
        _hang_up(ws, CLOSE_UNAUTHORIZED)
    except EmailNotVerified:
        _hang_up(ws, _CLOSE_FORBIDDEN)
    except SQLAlchemyError:
        _hang_up(ws, CLOSE_TRY_AGAIN_LATER)


def _subscribe_and_stream(ws: Server, viewer: Viewer, token: str) -> None:
    if viewer.role is not Role.CANDIDATE:
        _hang_up(ws, _CLOSE_FORBIDDEN)
        return
    subscriber = Subscriber(
        viewer,
        token_end(token),
        disconnect=lambda: _reset(ws.sock),
        is_open=lambda: bool(ws.connected),
        opened_at=g.opened_at,
    )
    service(Hub).add(subscriber, g.newest)
    try:
        last = _replay(ws, subscriber, g.newest if g.after is None else g.after)
        _send_queued(ws, subscriber, last)
    finally:
        service(Hub).remove(subscriber)


def authenticate() -> tuple[Viewer, str]:
    """Return the viewer and the access token from the subprotocols; raises Unauthorized or EmailNotVerified."""
    tokens = [protocol.removeprefix(_BEARER) for protocol in offered_protocols() if protocol.startswith(_BEARER)]
    if len(tokens) != 1:
        raise Unauthorized
    viewer = read_access_token(tokens[0])
    with read_connection() as connection:
        refuse_unverified(UserRepository(connection).get(viewer))
    return viewer, tokens[0]


def _replay(ws: Server, subscriber: Subscriber, after: int) -> int:
    """Send the changes after that event id, in small batches; return the last event id that was sent or passed over.

    After _REPLAYED_CHANGES, send the last change of each interview alone. Ids rise all the time, so that a client may
    resume after any of them. Ends early when the socket is to close.
    """
    with read_connection() as connection:
        newest = LiveRepository(connection).newest()
    sent = 0
    while after < newest and subscriber.close_code is None:
        with read_connection() as connection:
            changes = LiveRepository(connection).changes(
                [subscriber.viewer.user_id],
                after=after,
                up_to=newest,
                limit=_REPLAY_BATCH,
                is_last_only=sent >= _REPLAYED_CHANGES,
            )
        for change in changes:
            ws.send(as_message(change)[1])
        sent += len(changes)
        after = changes[-1]["event_id"] if len(changes) == _REPLAY_BATCH else newest
    return after


def _send_queued(ws: Server, subscriber: Subscriber, last: int) -> None:
    """Send the queued changes after event id `last`, until the socket is to close or the client closes."""
    while subscriber.close_code is None:
        while ws.receive(timeout=0) is not None:  # messages of clients are ignored; raises ConnectionClosed
            pass
        ws.sock.forget_received()
        try:
            message = subscriber.get(CHECK_SECONDS)
        except queue.Empty:
            continue
        if not isinstance(message, int) and message[0] > last:
            ws.send(message[1])
    _hang_up(ws, subscriber.close_code)


def _hang_up(ws: Server, code: int) -> None:
    """Send the close code; reset the socket if the client does not read it within GRACE_SECONDS."""
    timer = threading.Timer(GRACE_SECONDS, _reset, (ws.sock,))
    timer.start()
    try:
        ws.close(code)
    finally:
        timer.cancel()


def _shut_down(sock: Any) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _reset(sock: Any) -> None:
    """Shut the socket down; SO_LINGER 0 discards unsent data, and the server's close then sends RST."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    _shut_down(sock)
