"""Blueprint `email-verification`: the mailed link by which a user verifies an address, and its page.

A GET changes nothing, because mail scanners open links. A client that sends JSON gets JSON.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template

from interviews_api.accounts.account_pages import STYLE, add_page_headers, answer_refusal
from interviews_api.accounts.client_addresses import client_address
from interviews_api.accounts.errors import InvalidVerification
from interviews_api.accounts.mailed_links import VERIFICATION_LINK
from interviews_api.accounts.rate_limits import by_client_address, count_attempt
from interviews_api.accounts.registration import reject
from interviews_api.accounts.schemas import (
    ME_SCHEMAS,
    CandidateMe,
    CompanyMe,
    SchemaAndValue,
    VerificationDetails,
    VerificationToken,
)
from interviews_api.accounts.verification_repository import VerificationRepository
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import VERIFY_FROM_ADDRESS
from interviews_api.db.connections import read_connection, transaction
from interviews_api.errors import ApiError
from interviews_api.services import service
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import same_origin_required
from interviews_api.web.operation import operation
from interviews_api.web.plain_text import full_name

blueprint = Blueprint("email-verification", __name__, url_prefix="/auth/email", template_folder="pages")


def _render(**values: object) -> str:
    return render_template("verification.html", style=STYLE, **values)


def _render_registration(registration: Mapping[Any, Any]) -> str:
    return _render(registration=registration)


def _render_user(answer: SchemaAndValue) -> str:
    return _render(user=answer[1]["user"])


def _render_rejection(_data: object) -> str:
    return _render(is_rejected=True)


@blueprint.get("/verify/<token>")
@operation(
    "Registration retrieved successfully",
    VerificationDetails,
    errors=(InvalidVerification,),
    html=_render_registration,
)
def show_verification(token: str) -> Mapping[Any, Any]:
    """Show what was registered with the address that the link verifies. Changes nothing."""
    with read_connection() as connection:
        registration = VerificationRepository(connection).get(_read(token), now=now())
    name = registration["company_name"] or full_name(registration)
    return dict(registration) | {"name": name, "token": token}


@blueprint.post("/verify")
@same_origin_required
@operation(
    "Email verified successfully",
    CandidateMe,
    CompanyMe,
    body=VerificationToken,
    form=VerificationToken,
    errors=(InvalidVerification,),
    limits=(VERIFY_FROM_ADDRESS,),
    html=_render_user,
)
def verify_email(token: str) -> SchemaAndValue:
    """Verify the address with the token from the mail."""
    count_attempt(by_client_address(VERIFY_FROM_ADDRESS, client_address()))
    with transaction() as connection:
        user = VerificationRepository(connection).use(_read(token), now=now())
    return ME_SCHEMAS[user["role"]], {"user": user}


@blueprint.post("/not-me")
@same_origin_required
@operation(
    "Registration ended successfully",
    Nothing,
    body=VerificationToken,
    form=VerificationToken,
    errors=(InvalidVerification,),
    limits=(VERIFY_FROM_ADDRESS,),
    html=_render_rejection,
)
def reject_registration(token: str) -> dict[str, Any]:
    """End a registration that was not the owner's of the address.

    The account is deleted. With applications or jobs, or if its company would have no owner, only its password and
    sessions are.
    """
    count_attempt(by_client_address(VERIFY_FROM_ADDRESS, client_address()))
    verification_id = _read(token)
    with transaction() as connection:
        user_id = VerificationRepository(connection).get(verification_id, now=now())["user_id"]
        reject(connection, verification_id, user_id)
    return {}


def _read(token: str) -> str:
    return VERIFICATION_LINK.read(service(Settings).secret_key, token)


@blueprint.errorhandler(ApiError)
def _answer_refusal(error: ApiError) -> Response:
    return answer_refusal(error, _render)


blueprint.after_request(add_page_headers)
