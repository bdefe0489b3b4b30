"""The exceptions of the domain. Each one carries the HTTP status and the message of its response.

The features derive named errors from these classes, in `errors.py` of their package::

    ApiError
    ├── BadRequest              400
    │   └── IllegalTransition   400
    ├── Unauthorized            401
    ├── Forbidden               403
    ├── NotFound                404
    ├── Conflict                409
    ├── PreconditionFailed      412
    ├── IdempotencyKeyReused    422
    ├── TooManyRequests         429
    ├── ServiceUnavailable      503
    └── InputRefused            400
        ├── InvalidInput        400, with `details`
        ├── BodyTooLarge        413
        └── UnsupportedMediaType 415

    SeedRefused                 no response: the command line prints it
"""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, ClassVar, TypeVar

_WORD_STARTS = re.compile("(?<!^)(?=[A-Z])")


class ApiError(Exception):
    """Base class of errors that end a request with a status and a message for the client."""

    status: int = 500
    code: ClassVar[str]
    """The value of the header `Error-Code`: the name of the class, such as `interview_not_pending`."""
    message: str = "Internal Server Error"
    description: str | None = None
    """The text of the API's documentation, where it says more than the message."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = _WORD_STARTS.sub("_", cls.__name__).lower()

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)


class BadRequest(ApiError):
    """400: the request cannot be fulfilled, and no field of its input is the cause.

    Guards catch InputRefused, but not this error.
    """

    status = 400
    message = "Bad Request"


class IllegalTransition(BadRequest):
    """400: the present state does not allow the transition."""


class Unauthorized(ApiError):
    """401: the token is missing or invalid, or its user or session is gone. The message is the same for all."""

    status = 401
    message = "Unauthorized"


class Forbidden(ApiError):
    """403: the token is valid, but the viewer may not do this."""

    status = 403
    message = "Forbidden"


class NotFound(ApiError):
    """404: nothing has this id, or the id is malformed."""

    status = 404
    message = "Not Found"


class Conflict(ApiError):
    """409: stored data rules the change out."""

    status = 409
    message = "Conflict"


class PreconditionFailed(ApiError):
    """412: If-Match names an ETag that is not the current one (RFC 9110, section 13.1.1)."""

    status = 412
    message = "It has changed since you read it"


class IdempotencyKeyReused(ApiError):
    """422: an earlier request used the Idempotency-Key with another body."""

    status = 422
    message = "This Idempotency-Key was used with another body"


class TooManyRequests(ApiError):
    """429: a rate limit is reached; the next attempt is allowed in `retry_after` seconds."""

    status = 429
    message = "Too many attempts, try again later"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class ServiceUnavailable(ApiError):
    """503: the cause will pass; the client may try again after some seconds."""

    status = 503
    message = "Service temporarily unavailable"


class InputRefused(ApiError):
    """400, or 413 and 415 in subclasses: the input is refused. Guards answer 401, 403 and 404 before it."""

    status = 400
    message = "Bad Request"


MAX_DETAILS = 50
_MAX_FIELD_NAME = 64  # characters; unknown fields have the names that the client makes up


class InvalidInput(InputRefused):
    """400 with `details`: the problems of the first 50 fields, by dotted name. The message names the first problem.

    Longer names are cut, so the response is small whatever the request.
    """

    def __init__(self, details: Mapping[str, list[str]]) -> None:
        self.details = {_shorten(name): problems for name, problems in islice(details.items(), MAX_DETAILS)}
        field, problems = next(iter(self.details.items()))
        super().__init__(f"{field}: {problems[0]}")


def _shorten(name: str) -> str:
    return name if len(name) <= _MAX_FIELD_NAME else f"{name[: _MAX_FIELD_NAME - 1]}…"


class BodyTooLarge(InputRefused):
    """413: the body is larger than 64 KiB."""

    status = 413


class UnsupportedMediaType(InputRefused):
    """415: the body is compressed, or not of a type that the route takes."""

    status = 415


class SeedRefused(Exception):
    """The seed file is invalid; each problem names array, index and field: `interviews[3].status: ...`."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


RowT = TypeVar("RowT", bound=Mapping[Any, Any])


def require_own(
    row: RowT | None,
    *,
    id_key: str,
    owner_key: str,
    not_found: type[NotFound],
    not_yours: type[Forbidden],
    owner: str | None = None,
) -> RowT:
    """Return the row if it is the viewer's own; raises Unauthorized, `not_found` or `not_yours`.

    `row` is the viewer's row, outer-joined to the requested row. None: the viewer is not signed in. None in `id_key`:
    the requested row does not exist. `owner_key` must equal `owner`, by default the row's `viewer_company_id`.
    """
    if row is None:
        raise Unauthorized
    if row[id_key] is None:
        raise not_found
    if row[owner_key] != (row["viewer_company_id"] if owner is None else owner):
        raise not_yours
    return row
