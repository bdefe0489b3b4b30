"""The order of refusals: what the path names is judged (404, 403) before what query or body say (400)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from interviews_api.db.connections import read_connection
from interviews_api.errors import InputRefused

View = Callable[..., Any]


def authorize_before_validation(check: Callable[..., object]) -> Callable[[View], View]:
    """When the view refuses its input, let `check(connection, viewer, **path)` raise what is said before that.

    The view's own statements check the same; this is only for requests that never get so far. There is no viewer where
    nobody signs in.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*viewer: object, **path: Any) -> Any:
            try:
                return view(*viewer, **path)
            except InputRefused:
                with read_connection() as connection:
                    check(connection, *viewer, **path)
                raise

        return guarded

    return decorate
