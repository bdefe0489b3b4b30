"""What can go wrong, in the domain's words; imports nothing of ours. `http.py` turns these into answers."""

from collections.abc import Iterable, Mapping


class ApiError(Exception):
    """A refusal with the HTTP status and the sentence that the client is told."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unauthorized(ApiError):
    """401: no token, a bad one, or one whose user is gone. Every cause gets the same sentence."""

    status = 401

    def __init__(self, message: str = "Unauthorized") -> None:
        super().__init__(message)


class Forbidden(ApiError):
    """403: a good token that does not open this."""

    status = 403


class NotFound(ApiError):
    """404: no such thing; also what a malformed id names."""

    status = 404


class IllegalTransition(ApiError):
    """400: the thing's present state does not allow it."""

    status = 400


class Conflict(ApiError):
    """409: what is stored stands against it."""

    status = 409


class PreconditionFailed(ApiError):
    """412: If-Match names something older than what is stored."""

    status = 412

    def __init__(self) -> None:
        super().__init__("It has changed since you read it")


class KeyReused(ApiError):
    """422: an Idempotency-Key that came before with another body."""

    status = 422

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another body")


class TooManyRequests(ApiError):
    """429: a limit is reached; `retry_after` says in how many seconds there is room again."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many attempts, try again later")
        self.retry_after = retry_after


class ServiceUnavailable(ApiError):
    """503: try again in a moment."""

    status = 503


class InputRefused(ApiError):
    """A query or body that cannot be taken; answered only after 401, 403 and 404 had their say."""

    status = 400


class InvalidInput(InputRefused):
    """400 with `details`: what is wrong, by dotted field name; the message names the first of them."""

    def __init__(self, details: Mapping[str, list[str]]) -> None:
        field, problems = next(iter(details.items()))
        super().__init__(f"{field}: {problems[0]}")
        self.details = dict(details)


class BodyTooLarge(InputRefused):
    """413: more than 64 KiB."""

    status = 413


class UnsupportedMediaType(InputRefused):
    """415: a body that does not say it is JSON."""

    status = 415


class SeedRefused(Exception):
    """The file cannot be taken; each problem says array, index and field: `interviews[3].status: ...`."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))
