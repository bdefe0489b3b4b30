"""Check of the refusals that tests see: the OpenAPI document lists their Error-Code."""

from typing import Any

from flask import Flask, Response, request

from interviews_api.web.openapi_document import build_document

Codes = dict[tuple[str, str], list[str]]
"""Error codes by operationId and status."""


def documented_codes(document: dict[str, Any]) -> Codes:
    """Return the error codes that the document lists."""
    shared = document["components"]["responses"]
    codes: Codes = {}
    for operation in (operation for item in document["paths"].values() for operation in item.values()):
        for status, response in operation["responses"].items():
            resolved = shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
            if header := resolved.get("headers", {}).get("Error-Code"):
                codes[operation["operationId"], status] = header["schema"]["enum"]
    return codes


def note_undocumented_codes(app: Flask) -> list[str]:
    """Note each refusal of the application whose Error-Code its operation does not list; return the growing notes."""
    notes: list[str] = []
    codes: Codes = {}

    @app.after_request
    def note(response: Response) -> Response:
        if response.status_code >= 400:
            codes.update({} if codes else documented_codes(build_document()))
            view = app.view_functions[request.endpoint].__name__ if request.endpoint else ""
            code = response.headers.get("Error-Code", "")
            listed = codes.get((view, str(response.status_code)), [code or "any"])
            if code not in [*listed, "bad_request"]:  # before routing, as for a Host that is no name
                body = response.get_data(as_text=True)
                notes.append(f"{request.method} {request.path}: {response.status_code} {code!r} {body}")
        return response

    return notes
