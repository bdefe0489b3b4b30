"""Guards of views: access is judged before query and body, and other sites' requests are refused."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import request

from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.errors import Forbidden, InputRefused
from interviews_api.services import service
from interviews_api.web.error_responses import JSON
from interviews_api.web.http import FORM
from interviews_api.web.route_contract import Layer, View, extend_contract

_FORMS = {FORM, "multipart/form-data", "text/plain"}  # the types of a form's `enctype` (HTML, section 4.10.19.6)


class ForeignForm(Forbidden):
    """403: a page of another site caused the request."""

    message = "This form was sent from another site"


def same_origin_required(view: View) -> View:
    """Refuse requests that a browser sends from pages of other sites (Fetch Metadata, else Origin).

    A form needs a same-origin header. Any other body, or none, is refused only when a header names another site that is
    not in CORS_ORIGINS. JSON is exempt, because browsers ask first (CORS). Host is not used, because a proxy may change
    it.
    """

    @wraps(view)
    def guarded(*identity: object, **path: Any) -> Any:
        if request.mimetype != JSON and not _is_same_origin() and (request.mimetype in _FORMS or _is_foreign()):
            raise ForeignForm
        return view(*identity, **path)

    return extend_contract(guarded, Layer.ORIGIN, errors=(ForeignForm,))


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    public = urlsplit(service(Settings).public_url)
    return request.headers.get("Origin", "").lower() == f"{public.scheme}://{public.netloc}".lower()


def _is_foreign() -> bool:
    """Return whether a header names a site that is not in CORS_ORIGINS; the caller has excluded this API's own.

    Only browsers send these headers.
    """
    origin = request.headers.get("Origin")
    return origin not in service(Settings).cors_origins and (origin is not None or "Sec-Fetch-Site" in request.headers)


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
