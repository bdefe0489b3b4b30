"""Input of requests: ids in the path, query parameters and JSON bodies."""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Request, Response, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Map, UnicodeConverter

from interviews_api.errors import (
    BadRequest,
    BodyTooLarge,
    InputRefused,
    InvalidInput,
    UnsupportedMediaType,
)
from interviews_api.ids import MALFORMED_ID, is_id
from interviews_api.web import strict_json
from interviews_api.web.error_responses import JSON
from interviews_api.web.fields import flatten

MAX_BODY_BYTES = 64 * 1024
MAX_BODY_VALUES = 1000  # each costs some µs to check, and no route takes a tenth as many
FORM = "application/x-www-form-urlencoded"
_MAX_CACHED_QUERY = 100  # bytes
_MAX_DISCARDED = 1024 * 1024  # bytes
_MAX_DISCARDING = 0.1  # seconds of CPU
_BLOCK = 4096  # bytes
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_MAX_FORM_FIELDS = 100
_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES // 1024} KiB"
_TRUNCATED = "The body could not be read to its end"


class IdConverter(UnicodeConverter):
    """Converter `<id:name>`: a malformed id becomes MALFORMED_ID, so that the view answers 404 after 401 and 403.

    `<id(besides="word"):name>` does not match `word`, which is a route of its own.
    """

    def __init__(self, map: Map, besides: str = "") -> None:
        super().__init__(map)
        if besides:
            self.regex = f"(?!{besides}$){self.regex}"

    def to_python(self, value: str) -> str:
        """Return the id, or MALFORMED_ID, which no row has."""
        return value if is_id(value) else MALFORMED_ID


def load_query(schema: Schema) -> dict[str, Any]:
    """Return the query's parameters without unknown ones; raises InvalidInput, also for a repeated parameter."""
    query = request.query_string
    load = _load_cached_query if len(query) <= _MAX_CACHED_QUERY else _load_query
    return {**load(schema, query)}


def _load_query(schema: Schema, query: bytes) -> dict[str, Any]:
    arguments = Request({"QUERY_STRING": query.decode("latin-1")}).args  # WSGI strings are latin-1 (PEP 3333)
    names = [field.data_key or name for name, field in schema.load_fields.items()]
    parameters = {name: arguments.getlist(name) for name in names if name in arguments}
    repeated = {name: ["Must not be given more than once."] for name, values in parameters.items() if len(values) > 1}
    if repeated:
        raise InvalidInput(repeated)
    return _load(schema, {name: values[0] for name, values in parameters.items()})


_load_cached_query = lru_cache(1024)(_load_query)  # clients repeat a few queries: pages of ten


def read_body() -> bytes:
    """Return the request's body, also when called again; raises InputRefused if it is too large or truncated."""
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        raise BodyTooLarge(_TOO_LARGE) from None
    except Exception:  # each WSGI server has its own errors for a short body or a broken chunk
        raise InputRefused(_TRUNCATED) from None
    if len(raw) > MAX_BODY_BYTES:  # Werkzeug cuts a chunked body at its limit and raises nothing
        raise BodyTooLarge(_TOO_LARGE)
    if request.content_length is not None and len(raw) != request.content_length:
        raise InputRefused(_TRUNCATED)
    return raw


def prefers_html() -> bool:
    """Return whether the client prefers HTML: unless Accept names JSON with at least the quality of HTML."""
    for media_range, quality in request.accept_mimetypes:  # by quality, then in the order of the header
        media_type = media_range.partition(";")[0].strip().lower()
        if quality > 0 and media_type in (JSON, "text/html", "application/xhtml+xml"):
            return media_type != JSON
    return True


def wants_page() -> bool:
    """Return whether to answer with a page: unless the client sends JSON, as `prefers_html`."""
    return request.mimetype != JSON and prefers_html()


def load_body(schema: Schema, *, ignores_form: bool = False, takes_form: bool = False) -> dict[str, Any]:
    """Return the JSON object in the request's body, `{}` if it is absent; raises InputRefused.

    With `ignores_form`, the body of an HTML form counts as absent; with `takes_form` its fields are the object.
    """
    raw = read_body()
    if raw and request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed")
    if takes_form and request.mimetype == FORM:
        return _load(schema, _read_form(raw))
    if ignores_form and request.mimetype == FORM:
        raw = b""
    if raw and request.mimetype != JSON:
        raise UnsupportedMediaType("The body must be application/json")
    try:
        body = strict_json.loads(raw or b"{}", max_values=MAX_BODY_VALUES)
    except strict_json.JSONRefused as error:
        raise InputRefused(str(error)) from None
    if not isinstance(body, dict):
        raise InputRefused("The body must be a JSON object")
    return _load(schema, body)


def _read_form(raw: bytes) -> dict[str, str]:
    """Return the fields of an HTML form; raises InputRefused."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS)
    except ValueError:  # UnicodeError is one
        raise InputRefused("The body is not a form in UTF-8") from None
    values = dict(pairs)
    if len(values) < len(pairs) or any("\0" in text for pair in pairs for text in pair):
        raise InputRefused("The form has a field twice, or a NUL")
    return values


def peek_body_field(name: str) -> Any:
    """Return a field of a body that validation refused; None if the body is no JSON object."""
    try:
        body = strict_json.loads(read_body(), max_values=MAX_BODY_VALUES)
    except (strict_json.JSONRefused, InputRefused):
        return None
    return body.get(name) if isinstance(body, dict) else None


def _load(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise InvalidInput({".".join(map(str, path)): problems for path, problems in flatten(error.messages)}) from None
    return loaded


def _check_host() -> None:
    """Raise BadRequest for an invalid Host, or HTTP/1.1 without one (RFC 9112, section 3.2)."""
    environ = request.environ
    host = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        raise BadRequest("The Host header is missing")
    if host is not None and not _HOST.fullmatch(host):
        raise BadRequest("The Host header is invalid")


def _discard_body(response: Response) -> Response:
    """Read the rest of the body, up to 1 MiB, and throw it away.

    A client that is still sending would otherwise find its connection reset, and not read the response. gunicorn reads
    less than 64 KiB itself; with more it closes a connection on which a proxy may be sending another client's request.
    Another server's stream may not end, unless it has `wsgi.input_terminated`. Chunks of a byte cost far more than the
    bytes, so it stops after 100 ms of CPU as well.
    """
    environ = request.environ
    has_body = "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ
    if has_body and "wsgi.input_terminated" in environ:
        ends_at = time.thread_time() + _MAX_DISCARDING
        remaining = _MAX_DISCARDED
        with suppress(Exception):  # each WSGI server has its own errors for a short body or a broken chunk
            while remaining > 0 and time.thread_time() < ends_at and (chunk := environ["wsgi.input"].read(_BLOCK)):
                remaining -= len(chunk)
    return response


def init_app(app: Flask) -> None:
    """Install the id converter, the check of Host, and the limit on bodies."""
    app.before_request(_check_host)
    app.after_request(_discard_body)
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1  # the extra byte shows that the body is too large
