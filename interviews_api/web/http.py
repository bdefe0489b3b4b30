"""The HTTP edge: the envelope, the one error shape for every failure, and what comes in by path, query and body."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Map, UnicodeConverter

from interviews_api.errors import (
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
FORM = "application/x-www-form-urlencoded"
_USUAL_QUERY = 100  # bytes: longer ones are not remembered
_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES // 1024} KiB"
_CUT = "The body could not be read to its end"


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
        return value if is_id(value) else MALFORMED_ID


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
    except Exception:  # the body ends too soon, or a chunk is broken: each WSGI server has errors of its own for it
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


def peek_body_field(name: str) -> Any:
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


def init_app(app: Flask) -> None:
    """Install the id converter and the limit of a body."""
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1  # one byte more tells that there is more
