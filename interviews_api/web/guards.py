"""The order of refusals: the path is judged (404, 403) before query and body (400)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from interviews_api.db.connections import read_connection
from interviews_api.errors import InputRefused
from interviews_api.web.route_contract import Handler, Layer, extend_contract


def authorize_before_validation(check: Callable[..., object]) -> Callable[[Handler], Handler]:
    """Call `check(connection, viewer, **path)` only when the input was refused, to answer 401, 403 or 404 before 400.

    The view's own statements check the same, so a valid request pays nothing. A public route has no viewer.
    """

    def decorate(view: Handler) -> Handler:
        @wraps(view)
        def guarded(*viewer: object, **path: Any) -> Any:
            try:
                return view(*viewer, **path)
            except InputRefused:
                with read_connection() as connection:
                    check(connection, *viewer, **path)
                raise

        return extend_contract(guarded, Layer.AUTHORIZATION)

    return decorate
