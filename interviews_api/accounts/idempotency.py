"""`Idempotency-Key`: a POST that is sent again with the same key is answered as it was the first time.

The reply is committed with what it tells of: a crash leaves both or neither. After draft-ietf-httpapi-idempotency-key
and Stripe's API, which leave a first attempt that is still running (409) and another body (422) to the server.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request

from interviews_api.accounts.models import Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.request_repository import ReplyRepository
from interviews_api.clock import now
from interviews_api.db.connections import transaction
from interviews_api.errors import Conflict, InvalidInput, KeyReused, Unauthorized
from interviews_api.web.error_responses import JSON, error_response
from interviews_api.web.flask_app import ApiResponse
from interviews_api.web.http import read_body

KEY_PATTERN = r"[\x21-\x7e]{1,255}"

View = Callable[..., Any]


def idempotent(view: View) -> View:
    """Honour `Idempotency-Key`. What is kept: an answer of success, and a 409; any other refusal leaves nothing."""

    @wraps(view)
    def guarded(viewer: Viewer, **path: Any) -> ApiResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            answered: ApiResponse = view(viewer, **path)
            return answered
        if not re.fullmatch(KEY_PATTERN, key):
            raise InvalidInput({"Idempotency-Key": ["Must be 1 to 255 printable ASCII characters."]})
        arrived = now()
        with transaction() as connection:
            users = UserRepository(connection)
            users.get(viewer)
            body_hash = hashlib.sha256(read_body()).hexdigest()
            replies = ReplyRepository(connection, viewer.user_id, _route(path), key)
            stored = replies.find(arrived, now())
            if stored is None:
                response = _first_answer(view, viewer, path)
                if users.lock_password_hash(viewer.user_id) is None:  # removed meanwhile: what was done is undone
                    raise Unauthorized
                replies.save(body_hash, response.status_code, response.get_data(as_text=True), now())
                return response
        if stored["body_hash"] != body_hash:
            raise KeyReused
        return ApiResponse(stored["reply"], stored["status"], {"Idempotent-Replayed": "true"}, mimetype=JSON)

    guarded.is_idempotent = True  # type: ignore[attr-defined]
    return guarded


def _route(path: dict[str, str]) -> str:
    """Method and path, malformed ids as what they are taken for: the path itself may hold what Postgres cannot."""
    return " ".join([request.method, str(request.url_rule), *path.values()])


def _first_answer(view: View, viewer: Viewer, path: dict[str, Any]) -> ApiResponse:
    """The view's own transaction is a savepoint here: a 409 undoes what it did, and is itself kept."""
    try:
        response: ApiResponse = view(viewer, **path)
    except Conflict as refusal:
        return error_response(refusal.status, refusal.message)
    return response
