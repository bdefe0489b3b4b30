"""Blueprint `openapi`: the OpenAPI document at /openapi.json, and /docs, which shows it without the internet."""

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Flask, Response, current_app, request, send_from_directory

from interviews_api.services import register_services
from interviews_api.web.error_responses import json_response
from interviews_api.web.openapi_document import ApiDescription, build_document
from interviews_api.web.security_headers import PUBLIC

blueprint = Blueprint("openapi", __name__)

_OWN = Path(__file__).parent / "swagger"
_SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def init_app(app: Flask, description: ApiDescription) -> None:
    """Set the introduction, the tags and the webhooks of the document."""
    register_services(app, description)


@blueprint.get("/openapi.json")
def show_description() -> Response:
    """Show the OpenAPI 3.1 document of this API."""
    extensions = current_app.extensions  # the routes of an application do not change, so the document is built once
    if "openapi" not in extensions:
        extensions["openapi"] = build_document()
    return json_response(extensions["openapi"], headers=PUBLIC)


@blueprint.get("/docs")
def show_docs() -> Response:
    """Show the document as a page, on which requests can be tried."""
    page = _send_file(_OWN, "index.html")
    page.headers["Content-Security-Policy"] = _POLICY
    return page


@blueprint.get('/docs/<any("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "init.js"):name>')
def show_docs_asset(name: str) -> Response:
    """Show a script, style or picture of the page."""
    return _send_file(_OWN if name == "init.js" else _SWAGGER_UI, name)


def _send_file(folder: Path, name: str) -> Response:
    """Return the file; ignores If-Match, which Werkzeug answers with a 412 even for `*`."""
    return send_from_directory(folder, name, conditional="If-Match" not in request.headers)
