"""Blueprint `invitations`: the mailed link by which a colleague chooses a password and joins a company.

A GET changes nothing, because mail scanners open links. A client that sends JSON gets JSON.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template

from interviews_api.accounts.account_pages import STYLE, add_page_headers, answer_refusal
from interviews_api.accounts.client_addresses import client_address
from interviews_api.accounts.errors import EmailTaken, InvalidInvitation
from interviews_api.accounts.invitation_repository import InvitationRepository
from interviews_api.accounts.mailed_links import INVITATION_LINK
from interviews_api.accounts.passwords import hash_password, refuse_email_as_password
from interviews_api.accounts.rate_limits import by_client_address, count_attempt
from interviews_api.accounts.registration import register_as_colleague
from interviews_api.accounts.schemas import CompanySession, InvitationDetails, InvitationPassword
from interviews_api.accounts.sign_in import begin_session
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import REGISTRATION
from interviews_api.db.connections import read_connection, transaction
from interviews_api.errors import ApiError
from interviews_api.services import service
from interviews_api.web.guards import authorize_before_validation, same_origin_required
from interviews_api.web.operation import operation

blueprint = Blueprint("invitations", __name__, url_prefix="/auth/invitations", template_folder="pages")


def _render(**values: object) -> str:
    return render_template("invitation.html", style=STYLE, **values)


def _render_invitation(invitation: Mapping[Any, Any]) -> str:
    return _render(invitation=invitation)


def _render_account(session: Mapping[str, Any]) -> str:
    return _render(user=session["user"])


@blueprint.get("/<token>")
@operation("Invitation retrieved successfully", InvitationDetails, errors=(InvalidInvitation,), html=_render_invitation)
def show_invitation(token: str) -> Mapping[Any, Any]:
    """Show the invitation that the link names. Changes nothing."""
    with read_connection() as connection:
        return InvitationRepository(connection).get(_read(token), now=now())


@blueprint.post("/<token>")
@same_origin_required
@authorize_before_validation(lambda connection, token: InvitationRepository(connection).get(_read(token), now=now()))
@operation(
    "Logged in successfully",
    CompanySession,
    body=InvitationPassword,
    form=InvitationPassword,
    errors=(InvalidInvitation, EmailTaken),
    limits=(REGISTRATION,),
    html=_render_account,
)
def accept_invitation(token: str, *, password: str) -> dict[str, Any]:
    """Take the address of the invitation with a password, join the company and begin a session."""
    invitation_id = _read(token)
    with read_connection() as connection:
        invitation = InvitationRepository(connection).get(invitation_id, now=now())
    refuse_email_as_password("password", password, invitation["email"])
    count_attempt(by_client_address(REGISTRATION, client_address()))
    password_hash = hash_password(password)
    with transaction() as connection:
        return begin_session(connection, register_as_colleague(connection, invitation, password_hash))


def _read(token: str) -> str:
    return INVITATION_LINK.read(service(Settings).secret_key, token)


@blueprint.errorhandler(ApiError)
def _answer_refusal(error: ApiError) -> Response:
    return answer_refusal(error, _render)


blueprint.after_request(add_page_headers)
