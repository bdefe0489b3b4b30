"""Blueprint `password-reset`: the mailed link, its page, and the new password."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template

from interviews_api.accounts import credentials
from interviews_api.accounts.account_limits import count_forgotten_password, find_account
from interviews_api.accounts.account_pages import STYLE
from interviews_api.accounts.client_addresses import client_address
from interviews_api.accounts.errors import InvalidReset
from interviews_api.accounts.identity_provider import has_identity_provider
from interviews_api.accounts.mailed_links import RESET_LINK
from interviews_api.accounts.models import Role
from interviews_api.accounts.passwords import hash_password, refuse_email_as_password
from interviews_api.accounts.rate_limits import by_client_address, count_attempt
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.accounts.schemas import NewPassword, PasswordResetRequest
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import (
    FORGOTTEN_FROM_ADDRESS,
    RESET_FROM_ADDRESS,
)
from interviews_api.db.connections import read_connection, transaction
from interviews_api.services import service
from interviews_api.web.csp import page_headers
from interviews_api.web.fields import Nothing
from interviews_api.web.operation import operation

blueprint = Blueprint("password-reset", __name__, url_prefix="/auth/password", template_folder="pages")

_SCRIPT = (Path(__file__).parent / "pages" / "reset.js").read_text()
_HEADERS = page_headers(STYLE, _SCRIPT, may_fetch=True)


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
    """Set a new password with the token from the mail; sessions, feeds, push subscriptions and open invitations end."""
    count_attempt(by_client_address(RESET_FROM_ADDRESS, client_address()))
    reset_id = RESET_LINK.read(service(Settings).secret_key, token)
    roles = [Role.COMPANY] if has_identity_provider() else list(Role)
    with read_connection() as connection:
        email = ResetRepository(connection).check(reset_id, roles=roles, now=now())
    refuse_email_as_password("newPassword", new_password, email)
    password_hash = hash_password(new_password)
    with transaction() as connection:
        user = ResetRepository(connection).use(reset_id, roles=roles, now=now())
        credentials.reset_password(connection, user, password_hash)
    return {}


@blueprint.get("/reset")
def show_reset_page() -> Response:
    """Return the page that the mailed link opens; its script reads the token from the fragment."""
    page = render_template("reset.html", style=STYLE, script=_SCRIPT)
    return Response(page, headers=_HEADERS, mimetype="text/html")
