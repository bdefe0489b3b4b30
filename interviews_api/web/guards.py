"""Guards of views: access is judged (401, 404, 403) before query and body (400), and foreign forms are refused."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import request

from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.errors import Forbidden, InputRefused
from interviews_api.services import service
from interviews_api.web.http import FORM
from interviews_api.web.route_contract import Layer, View, extend_contract


class ForeignForm(Forbidden):
    """403: another site's page sent the form."""

    message = "This form was sent from another site"


def same_origin_forms(view: View) -> View:
    """Refuse HTML forms of other sites (Fetch Metadata; else Origin, which must be PUBLIC_URL's).

    The Host header is not used, because a proxy may change it.
    Only a form needs this: browsers ask before they send another site's JSON (CORS).
    """

    @wraps(view)
    def guarded(*identity: object, **path: Any) -> Any:
        if request.mimetype == FORM and not _is_same_origin():
            raise ForeignForm
        return view(*identity, **path)

    return guarded


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    public = urlsplit(service(Settings).public_url)
    return request.headers.get("Origin", "").lower() == f"{public.scheme}://{public.netloc}".lower()


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

        return extend_contract(guarded, Layer.AUTHORIZATION, check=check)

    return decorate
