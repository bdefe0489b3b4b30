"""Input of requests: ids in the path, query parameters, and bodies of JSON or of a form."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Request, request
from marshmallow import Schema, ValidationError, fields
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Map, UnicodeConverter

from interviews_api.errors import BodyTooLarge, InputRefused, InvalidInput, UnsupportedMediaType
from interviews_api.ids import MALFORMED_ID, is_id
from interviews_api.web import strict_json
from interviews_api.web.error_responses import JSON
from interviews_api.web.fields import flatten
from interviews_api.web.request_limits import MAX_BODY_BYTES

MAX_BODY_VALUES = 1000  # each costs some µs to check, and no route takes a tenth as many
FORM = "application/x-www-form-urlencoded"
_MAX_CACHED_QUERY = 100  # bytes
_MAX_FORM_FIELDS = 100
_PARSED = "interviews_api.parsed_body"  # key in the WSGI environment
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


def load_body(schema: Schema, *, ignores_form: bool = False, form: Schema | None = None) -> dict[str, Any]:
    """Return the JSON object in the request's body, `{}` if it is absent; raises InputRefused.

    With `ignores_form`, the body of an HTML form counts as absent; `form` is the schema of its fields otherwise.
    """
    raw = read_body()
    if raw and not _is_plain(request.headers.get("Content-Encoding", "")):
        raise UnsupportedMediaType("The body must not be compressed")
    if form is not None and request.mimetype == FORM:
        return _load(form, _read_form(form, raw))
    if ignores_form and request.mimetype == FORM:
        raw = b""
    if raw and request.mimetype != JSON:
        raise UnsupportedMediaType("The body must be application/json")
    return _load(schema, _parse_body(raw or b"{}"))


def _parse_body(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of the request's body; raises InputRefused.

    The first call parses; later ones return its result, because a hostile body takes milliseconds.
    """
    if _PARSED not in request.environ:
        request.environ[_PARSED] = _parse(raw)
    body: dict[str, Any]
    body, refusal = request.environ[_PARSED]
    if refusal:
        raise InputRefused(refusal)
    return body


def _parse(raw: bytes) -> tuple[dict[str, Any], str]:
    """Return the JSON object and "", or an empty one and why the body is refused.

    An exception would keep alive, in a cycle with its frames, the thousands of values that were read.
    """
    try:
        body = strict_json.loads(raw, max_values=MAX_BODY_VALUES)
    except strict_json.JSONRefused as error:
        return {}, str(error)
    return (body, "") if isinstance(body, dict) else ({}, "The body must be a JSON object")


def _is_plain(content_encoding: str) -> bool:
    """Return whether the header's list of codings (RFC 9110, section 8.4) names none but `identity`."""
    return {coding.strip().lower() for coding in content_encoding.split(",")} <= {"identity", ""}


def _read_form(schema: Schema, raw: bytes) -> dict[str, str | list[str]]:
    """Return the fields of an HTML form, of a list all its values; raises InputRefused."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS)
    except ValueError:  # UnicodeError is one
        raise InputRefused("The body is not a form in UTF-8") from None
    lists = {field.data_key for field in schema.load_fields.values() if isinstance(field, fields.List)}
    single = [pair for pair in pairs if pair[0] not in lists]
    values: dict[str, Any] = dict(single)
    if len(values) < len(single) or any("\0" in text for pair in pairs for text in pair):
        raise InputRefused("The form has a field twice, or a NUL")
    for name, text in pairs:
        if name in lists:
            values.setdefault(name, []).append(text)
    return values


def peek_body_field(name: str) -> Any:
    """Return a field of a body that validation refused; None if the body is no JSON object."""
    try:
        return _parse_body(read_body() or b"{}").get(name)
    except InputRefused:
        return None


def _load(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise InvalidInput({".".join(map(str, path)): problems for path, problems in flatten(error.messages)}) from None
    return loaded


def init_app(app: Flask) -> None:
    """Install the id converter."""
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False
