"""`Idempotency-Key`: a POST that is sent again with the same key gets the response of the first time.

The reply is committed together with the change that it reports, so a crash leaves both or neither. After
draft-ietf-httpapi-idempotency-key-header; the server answers 409 while the first attempt runs, and 422 to another body.
"""

import hashlib
import re
from functools import wraps
from typing import Any

from flask import request

from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limits import count_attempt_of
from interviews_api.accounts.reply_repository import ReplyRepository
from interviews_api.accounts.repository import UserRepository
from interviews_api.clock import now
from interviews_api.config.limits import CONFLICTS
from interviews_api.db.connections import transaction
from interviews_api.errors import Conflict, IdempotencyKeyReused, InvalidInput, TooManyRequests, Unauthorized
from interviews_api.web.error_responses import JSON, error_response
from interviews_api.web.http import read_body
from interviews_api.web.responses import ApiResponse
from interviews_api.web.route_contract import IDEMPOTENCY_KEY_PATTERN, Layer, View, extend_contract


def idempotent(view: View) -> View:
    """Honour `Idempotency-Key`. A success and a 409 are stored; any other refusal leaves nothing behind.

    A 409 over the limit `conflicts` is not stored either.
    """

    @wraps(view)
    def guarded(viewer: Viewer, **path: Any) -> ApiResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            response: ApiResponse = view(viewer, **path)
            return response
        if not re.fullmatch(IDEMPOTENCY_KEY_PATTERN, key):
            raise InvalidInput({"Idempotency-Key": ["Must be 1 to 255 printable ASCII characters."]})
        return _respond_once(view, viewer, path, key)

    return extend_contract(guarded, Layer.IDEMPOTENCY, is_idempotent=True)


def _respond_once(view: View, viewer: Viewer, path: dict[str, Any], key: str) -> ApiResponse:
    """Return the stored reply of this key, or call the view and store its reply in the same transaction."""
    arrived = now()
    with transaction() as connection:
        users = UserRepository(connection)
        users.get(viewer)
        body_hash = hashlib.sha256(read_body()).hexdigest()
        replies = ReplyRepository(connection, viewer.user_id, _route(path), key)
        stored = replies.find(arrived, now())
        if stored is None:
            response = _first_response(view, viewer, path)
            # The user may have been deleted meanwhile: then all is rolled back.
            if users.share_user(viewer.user_id) is None:
                raise Unauthorized
            replies.save(body_hash, response.status_code, response.get_data(as_text=True), now())
            return response
    if stored["body_hash"] != body_hash:
        raise IdempotencyKeyReused
    return ApiResponse(stored["reply"], stored["status"], {"Idempotent-Replayed": "true"}, mimetype=JSON)


def _route(path: dict[str, str]) -> str:
    """Return method, route and ids. A malformed id counts as MALFORMED_ID: Postgres cannot store every path."""
    return " ".join([request.method, str(request.url_rule), *path.values()])


def _first_response(view: View, viewer: Viewer, path: dict[str, Any]) -> ApiResponse:
    """Call the view, whose transaction is a savepoint here: a 409 undoes its changes, and is stored itself.

    A stored 409 is a row, and the savepoint undoes the view's counts, so it counts under CONFLICTS. Over that limit the
    409 is raised: all is rolled back, and nothing is stored.
    """
    try:
        response: ApiResponse = view(viewer, **path)
    except Conflict as refusal:
        try:
            count_attempt_of(viewer, CONFLICTS)
        except TooManyRequests:
            raise refusal from None
        return error_response(refusal.status, refusal.message)
    return response
