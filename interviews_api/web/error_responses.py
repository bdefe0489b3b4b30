"""Error responses: `{"statusCode", "message", "error"}`, and the handlers that turn exceptions into them."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

import orjson
from flask import Flask, request
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
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from interviews_api.db.psycopg_connection import STALE_PLAN_ERRORS
from interviews_api.errors import ApiError, InvalidInput, TooManyRequests
from interviews_api.web import logs
from interviews_api.web.responses import ApiResponse

_log = logging.getLogger(__name__)
JSON = "application/json"
RETRY_AFTER_SECONDS = 1
ERROR_CODE = "Error-Code"
"""The header that names a refusal, so that clients can explain it in their own language."""


def json_response(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> ApiResponse:
    """Serialize the payload with orjson, as `application/json`."""
    return ApiResponse(orjson.dumps(payload), status, headers, mimetype=JSON)


def status_code_name(status: int) -> str:
    """Return the reason phrase of the status as an error code, such as `method_not_allowed`."""
    return HTTP_STATUS_CODES[status].lower().replace(" ", "_")


def error_response(
    status: int,
    message: str,
    *,
    code: str | None = None,
    details: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiResponse:
    """Return an error response. A 401 names the Bearer scheme, a 503 has Retry-After in seconds.

    `code` is the value of the header Error-Code, by default the name of the status.
    """
    payload: dict[str, object] = {"statusCode": status, "message": message, "error": HTTP_STATUS_CODES[status]}
    if details is not None:
        payload["details"] = details
    response = json_response(payload, status, headers)
    response.headers[ERROR_CODE] = code or status_code_name(status)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return response


def answer_api_error(error: ApiError) -> ApiResponse:
    """Return the error's status and message, with `details` of invalid input and Retry-After of a 429 in seconds."""
    details = error.details if isinstance(error, InvalidInput) else None
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else None
    return error_response(error.status, error.message, code=error.code, details=details, headers=headers)


def _answer_http_exception(error: HTTPException) -> ApiResponse:
    """Return the response of an error of Flask or Werkzeug, with its headers (Allow, Retry-After)."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return error_response(status, HTTP_STATUS_CODES[status], headers=headers)


def _answer_unavailable(error: DBAPIError | PoolTimeout) -> ApiResponse:
    """Return 503: the database is away or reached a time limit, so the client may retry."""
    _log.warning("database unavailable", exc_info=error)
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, "Service temporarily unavailable")


def _answer_internal_error(error: InternalError) -> ApiResponse:
    """Return 503 if Postgres ended a transaction that was idle for too long, else 500."""
    is_timeout = isinstance(error.orig, IdleInTransactionSessionTimeout)
    return _answer_unavailable(error) if is_timeout else _answer_unexpected(error)


def _answer_wrong_tables(error: DBAPIError) -> ApiResponse:
    """Return 503 if tables are not migrated yet, or were migrated just now; else 500."""
    is_migrating = isinstance(error.orig, (UndefinedTable, UndefinedColumn, *STALE_PLAN_ERRORS))
    return _answer_unavailable(error) if is_migrating else _answer_unexpected(error)


def _answer_unexpected(error: Exception) -> ApiResponse:
    """Return 500 without the cause; log the cause under the request's id."""
    labels = logs.request_id(request), logs.method(request), logs.route(request)
    _log.error("request %s failed: %s %s", *labels, exc_info=error)
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")


def init_app(app: Flask) -> None:
    """Register the handlers of all exceptions."""
    app.register_error_handler(ApiError, answer_api_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    for error in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(error, _answer_unavailable)
    app.register_error_handler(InternalError, _answer_internal_error)
    app.register_error_handler(ProgrammingError, _answer_wrong_tables)
    app.register_error_handler(NotSupportedError, _answer_wrong_tables)
    app.register_error_handler(Exception, _answer_unexpected)
