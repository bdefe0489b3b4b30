"""The HTTP edge: the envelope, the one error shape for every failure, and what comes in by path, query and body."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, request
from gunicorn.http.errors import ParseException
from marshmallow import Schema, ValidationError
from psycopg.errors import IdleInTransactionSessionTimeout, UndefinedColumn, UndefinedTable
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import Map, UnicodeConverter

from interviews_api import logs, strict_json
from interviews_api.db import OUTDATED
from interviews_api.errors import (
    ApiError,
    BodyTooLarge,
    InputRefused,
    InvalidInput,
    TooManyRequests,
    UnsupportedMediaType,
)
from interviews_api.ids import NO_ID, is_id
from interviews_api.lean import Answer

MAX_BODY_BYTES = 64 * 1024
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
RETRY_AFTER_SECONDS = 1
_USUAL_QUERY = 100  # bytes: longer ones are not remembered
_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES // 1024} KiB"
_CUT = "The body could not be read to its end"
_log = logging.getLogger(__name__)


class IdConverter(UnicodeConverter):
    """`<id:name>` in a route: a malformed id is an id that nothing has, so its 404 comes in its turn.

    `<id(besides="word"):name>` leaves a word to the route of that name, with whatever methods that has.
    """

    def __init__(self, map: Map, besides: str = "") -> None:
        super().__init__(map)
        if besides:
            self.regex = f"(?!{besides}$){self.regex}"

    def to_python(self, value: str) -> str:
        """The id, or the one that no row can have."""
        return value if is_id(value) else NO_ID


def json_response(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Any payload as a JSON answer."""
    return Answer(orjson.dumps(payload), status, headers, mimetype=JSON)


def error_response(
    status: int,
    message: str,
    *,
    details: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The one error shape."""
    payload: dict[str, object] = {"statusCode": status, "message": message, "error": HTTP_STATUS_CODES[status]}
    if details is not None:
        payload["details"] = details
    response = json_response(payload, status, headers)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return response


def load_query(schema: Schema) -> dict[str, Any]:
    """The query's known parameters; raises InvalidInput, also for one given twice. Others are ignored."""
    query = request.query_string
    load = _load_usual if len(query) <= _USUAL_QUERY else _load_query
    return {**load(schema, query)}


def _load_query(schema: Schema, _query: bytes) -> dict[str, Any]:
    names = [field.data_key or name for name, field in schema.load_fields.items()]
    given = {name: request.args.getlist(name) for name in names if name in request.args}
    repeated = {name: ["Must not be given more than once."] for name, values in given.items() if len(values) > 1}
    if repeated:
        raise InvalidInput(repeated)
    return _load(schema, {name: values[0] for name, values in given.items()})


_load_usual = lru_cache(1024)(_load_query)  # most are one of a few: pages of ten


def read_body() -> bytes:
    """The request's body, as often as one asks; raises InputRefused when it is too large or cut."""
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        raise BodyTooLarge(_TOO_LARGE) from None
    except (ClientDisconnected, ParseException):  # a body that ends too soon, or gunicorn's word for a broken chunk
        raise InputRefused(_CUT) from None
    if len(raw) > MAX_BODY_BYTES:  # a chunked one: Werkzeug stops at its limit without a word
        raise BodyTooLarge(_TOO_LARGE)
    if request.content_length is not None and len(raw) != request.content_length:
        raise InputRefused(_CUT)
    return raw


def prefers_page() -> bool:
    """Whether the client would rather have a page: unless it asks for JSON by name, and not less than for HTML."""
    for written, quality in request.accept_mimetypes:  # by quality, and then as written
        media_type = written.partition(";")[0].strip().lower()
        if quality > 0 and media_type in (JSON, "text/html", "application/xhtml+xml"):
            return media_type != JSON
    return True


def load_body(schema: Schema, *, ignores_form: bool = False) -> dict[str, Any]:
    """The JSON object in the request's body, an absent one counting as `{}`; raises InputRefused.

    `ignores_form`: what a form sends counts as absent.
    """
    raw = read_body()
    if ignores_form and request.mimetype == FORM:
        raw = b""
    if raw and request.mimetype != JSON:
        raise UnsupportedMediaType("The body must be application/json")
    try:
        body = strict_json.loads(raw or b"{}")
    except strict_json.JSONRefused as error:
        raise InputRefused(str(error)) from None
    if not isinstance(body, dict):
        raise InputRefused("The body must be a JSON object")
    return _load(schema, body)


def peek(name: str) -> Any:
    """What a body that was refused says under that name; None where it is no JSON object."""
    try:
        body = strict_json.loads(read_body())
    except (strict_json.JSONRefused, InputRefused):
        return None
    return body.get(name) if isinstance(body, dict) else None


def _load(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise InvalidInput({".".join(map(str, path)): problems for path, problems in flatten(error.messages)}) from None
    return loaded


def flatten(messages: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], list[str]]]:
    """marshmallow's nested messages as (names and indices that lead there, problems), in order."""
    if not isinstance(messages, dict):
        return [(path, [str(message) for message in messages])]
    return [found for name, inner in messages.items() for found in flatten(inner, (*path, name))]


def init_app(app: Flask) -> None:
    """Install the id converter, the body limit and the error shape."""
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1  # one byte more tells that there is more
    app.register_error_handler(ApiError, answer_api_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    for error in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(error, _answer_unavailable)
    app.register_error_handler(InternalError, _answer_internal_error)
    app.register_error_handler(ProgrammingError, _answer_wrong_tables)
    app.register_error_handler(NotSupportedError, _answer_wrong_tables)
    app.register_error_handler(Exception, _answer_unexpected)


def answer_api_error(error: ApiError) -> Answer:
    """A refusal in the one error shape."""
    details = error.details if isinstance(error, InvalidInput) else None
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else None
    return error_response(error.status, error.message, details=details, headers=headers)


def _answer_http_exception(error: HTTPException) -> Answer:
    """Flask's and Werkzeug's own refusals, with their headers (Allow, Retry-After)."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return error_response(status, HTTP_STATUS_CODES[status], headers=headers)


def _answer_unavailable(error: DBAPIError | PoolTimeout) -> Answer:
    """The database is away, or too busy for its time limits: the client may try again."""
    _log.warning("database unavailable", exc_info=error)
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, "Service temporarily unavailable")


def _answer_internal_error(error: InternalError) -> Answer:
    """Postgres's word for a transaction that stood still for too long and was given up on; else it is our own fault."""
    was_too_slow = isinstance(error.orig, IdleInTransactionSessionTimeout)
    return _answer_unavailable(error) if was_too_slow else _answer_unexpected(error)


def _answer_wrong_tables(error: DBAPIError) -> Answer:
    """Postgres's word for tables that are not migrated, or were just now; else it is our own fault."""
    is_passing = isinstance(error.orig, (UndefinedTable, UndefinedColumn, *OUTDATED))
    return _answer_unavailable(error) if is_passing else _answer_unexpected(error)


def _answer_unexpected(error: Exception) -> Answer:
    """Nothing of the cause for the client but the request's id; all of it, under that id, for the operator."""
    what = logs.request_id(request), logs.method(request), logs.route(request)
    _log.error("request %s failed: %s %s", *what, exc_info=error)
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")
