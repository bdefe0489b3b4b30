"""Blueprint `password-reset`: the mailed link, its page, and the new password."""

import re
from pathlib import Path
from typing import Any

from flask import Blueprint, Response

from interviews_api.accounts.audit import record
from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.client_addresses import client_address
from interviews_api.accounts.errors import InvalidReset
from interviews_api.accounts.identity_provider import has_identity_provider
from interviews_api.accounts.mail_repository import AccountMailRepository
from interviews_api.accounts.models import MailKind, Role
from interviews_api.accounts.passwords import hash_password, refuse_address
from interviews_api.accounts.rate_limits import by_address, count_attempt
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.accounts.reset_tokens import read_reset_token
from interviews_api.accounts.schemas import NewPassword, PasswordResetRequest
from interviews_api.accounts.sign_in_limits import count_forgotten_password, find_account
from interviews_api.accounts.standing_access import StandingAccess
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import (
    FORGOTTEN_FROM_ADDRESS,
    RESET_FROM_ADDRESS,
)
from interviews_api.db.connections import read_connection, transaction
from interviews_api.services import service
from interviews_api.web.csp import inline_source
from interviews_api.web.fields import Nothing
from interviews_api.web.operation import operation

blueprint = Blueprint("password-reset", __name__, url_prefix="/auth/password")

_PAGE = (Path(__file__).parent / "pages" / "reset.html").read_text()


def _sources(tag: str) -> str:
    """Return the Content-Security-Policy sources of the page's inline elements with that tag."""
    return " ".join(map(inline_source, re.findall(rf"<{tag}>(.*?)</{tag}>", _PAGE, re.DOTALL)))


_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_sources('style')}; script-src {_sources('script')}; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@blueprint.post("/forgot")
@operation(
    "If the address is registered, a mail is on its way",
    Nothing,
    status=202,
    body=PasswordResetRequest,
    limits=(FORGOTTEN_FROM_ADDRESS,),
)
def ask_for_reset(email: str) -> dict[str, Any]:
    """Request a mail with a link, valid for one hour and one use. The response is the same for unknown addresses.

    It is the same for an account that has had its mails of this hour, too.
    """
    if count_forgotten_password(find_account(email)):
        with transaction() as connection:
            ResetRepository(connection).create(email, now=now())
    return {}


@blueprint.post("/reset")
@operation(
    "Password changed successfully",
    Nothing,
    body=NewPassword,
    errors=(InvalidReset,),
    limits=(RESET_FROM_ADDRESS,),
)
def reset_password(token: str, new_password: str) -> dict[str, Any]:
    """Set a new password with the token from the mail; all sessions, feeds and push subscriptions end."""
    count_attempt(by_address(RESET_FROM_ADDRESS, client_address()))
    reset_id = read_reset_token(service(Settings).secret_key, token)
    roles = [Role.COMPANY] if has_identity_provider() else list(Role)
    with read_connection() as connection:
        email = ResetRepository(connection).check(reset_id, roles=roles, now=now())
    refuse_address("newPassword", new_password, email)
    password_hash = hash_password(new_password)
    with transaction() as connection:
        user = ResetRepository(connection).use(reset_id, password_hash, roles=roles, now=now())
        service(StandingAccess).end(connection, user["id"])
        record(connection, SecurityEventType.PASSWORD_RESET, user["id"])
        mails = AccountMailRepository(connection)
        mails.add(MailKind.PASSWORD_CHANGED, user["email"], originator_id=user["id"], user_id=user["id"], now=now())
    return {}


@blueprint.get("/reset")
def show_reset_page() -> Response:
    """Return the page that the mailed link opens; its script reads the token from the fragment."""
    return Response(_PAGE, headers=_HEADERS, mimetype="text/html")
