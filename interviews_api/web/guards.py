"""The order of refusals: access is judged (401, 404, 403) before the form of query and body (400)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from interviews_api.db.connections import read_connection
from interviews_api.errors import InputRefused
from interviews_api.web.route_contract import Layer, View, extend_contract


def authorize_before_validation(check: Callable[..., object]) -> Callable[[View], View]:
    """When the input was refused, check access first, so that 401, 403 and 404 come before 400.

    Calls `check(connection, viewer, **path)`; a public route has no viewer. The view's own statements check the same,
    so a valid request pays nothing.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*identity: object, **path: Any) -> Any:
            try:
                return view(*identity, **path)
            except InputRefused:
                with read_connection() as connection:
                    check(connection, *identity, **path)
                raise

        return extend_contract(guarded, Layer.AUTHORIZATION)

    return decorate
