"""Blueprint `company-users`: the users that act for the viewer's company."""

from contextlib import suppress
from typing import Any

from flask import Blueprint

from interviews_api.accounts.account_limits import count_invitation
from interviews_api.accounts.audit import record
from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.authentication import any_company_required, any_owner_required
from interviews_api.accounts.colleague_repository import ColleagueRepository
from interviews_api.accounts.company_repository import CompanyRepository
from interviews_api.accounts.email_verification import is_verification_required, lacks_verification
from interviews_api.accounts.errors import (
    CannotRemoveYourself,
    EmailTaken,
    NoOwnerLeft,
    NotYourUser,
    TooManyColleagues,
    UserNotFound,
)
from interviews_api.accounts.invitation_repository import InvitationRepository
from interviews_api.accounts.models import Approval, CompanyRole, Viewer
from interviews_api.accounts.passwords import hash_password, refuse_email_as_password
from interviews_api.accounts.rate_limits import count_attempt_of
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.schemas import CompanyMe, CompanyUserAndRole, CompanyUsers, NewCompanyUser, RoleChange
from interviews_api.accounts.standing_access import StandingAccess
from interviews_api.clock import now
from interviews_api.config.limits import COLLEAGUES
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.errors import InvalidInput, TooManyRequests
from interviews_api.services import service
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery
from interviews_api.web.route_contract import Outcome

blueprint = Blueprint("company-users", __name__, url_prefix="/auth/company/users")


def _check_colleague(connection: Any, viewer: Viewer, user_id: str) -> None:
    ColleagueRepository(connection).check(viewer, user_id)


def _check_new_password(password: str, email: str) -> None:
    """Raise InvalidInput if the password is the e-mail address, or if addresses must be verified.

    In that case the colleague sets it by the link of an invitation.
    """
    if is_verification_required():
        raise InvalidInput({"password": ["A colleague chooses it by the link of the invitation."]})
    refuse_email_as_password("password", password, email)


@blueprint.post("")
@any_owner_required
@operation(
    "Company user created successfully",
    CompanyMe,
    status=201,
    body=NewCompanyUser,
    errors=(EmailTaken, TooManyColleagues),
    limits=(COLLEAGUES,),
    outcomes={202: ("Invitation sent", Nothing)},
)
def create_company_user(viewer: Viewer, *, email: str, password: str | None) -> Outcome | dict[str, Any]:
    """Invite a colleague by mail; with a password, add a user to the viewer's company at once.

    Without a verified address, where one is required, or for a suspended company, nothing is sent. An address that has
    had its invitations of this hour gets no further mail, and its earlier link stays valid.
    """
    return _invite(viewer, email) if password is None else _add(viewer, email, password)


def _invite(viewer: Viewer, email: str) -> Outcome:
    count_attempt_of(viewer, COLLEAGUES)
    if _may_send_invitations(viewer):
        # Counted in this transaction, so a 409 does not use up the address's limit; over it, no invitation is written.
        with transaction() as connection, suppress(TooManyRequests):
            count_invitation(email)
            invitation_id = InvitationRepository(connection).create(viewer, email, now=now())
            record(connection, SecurityEventType.COLLEAGUE_INVITED, viewer.user_id, detail=invitation_id)
    return Outcome(202, {})


def _may_send_invitations(viewer: Viewer) -> bool:
    """Return whether the worker would send an invitation of the viewer now.

    `suppression.py` and `obsolescence.py` have the rules. An invitation that they suppress must not be written: it
    would use up the address's limit, or go out uncounted if the viewer verifies its address first.
    """
    with read_connection() as connection:
        user = UserRepository(connection).get(viewer)
        approval = CompanyRepository(connection).approval(viewer)
    return approval != Approval.SUSPENDED and not lacks_verification(user)


def _add(viewer: Viewer, email: str, password: str) -> dict[str, Any]:
    _check_new_password(password, email)
    count_attempt_of(viewer, COLLEAGUES)
    password_hash = hash_password(password)
    with transaction() as connection:
        user = ColleagueRepository(connection).add(viewer, email, password_hash, now=now())
        record(connection, SecurityEventType.COLLEAGUE_ADDED, user["id"], actor_id=viewer.user_id)
    return {"user": user}


@blueprint.get("")
@any_company_required
@operation("Company users retrieved successfully", CompanyUsers, query=PageQuery)
def list_company_users(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """List the users of the viewer's company, oldest first."""
    with read_connection() as connection:
        return ColleagueRepository(connection).page(viewer, limit=limit, skip=skip)


@blueprint.patch("/<id:user_id>")
@any_owner_required
@authorize_before_validation(_check_colleague)
@operation(
    "Company user updated successfully",
    CompanyUserAndRole,
    body=RoleChange,
    errors=(NoOwnerLeft, NotYourUser, UserNotFound),
    limits=(COLLEAGUES,),
)
def change_company_role(viewer: Viewer, *, user_id: str, role: str) -> dict[str, Any]:
    """Make a user of the viewer's company an owner or a member; all owners are told by mail."""
    with transaction() as connection:
        user, is_change = ColleagueRepository(connection).change_role(viewer, user_id, CompanyRole(role), now=now())
        if is_change:
            InvitationRepository(connection).delete_all(user_id)  # those of a former owner; a member has none
            count_attempt_of(viewer, COLLEAGUES)
            record(connection, SecurityEventType.COLLEAGUE_ROLE_CHANGED, user_id, actor_id=viewer.user_id, detail=role)
    return {"user": user}


@blueprint.delete("/<id:user_id>")
@any_owner_required
@authorize_before_validation(_check_colleague)
@operation(
    "Company user deleted successfully",
    Nothing,
    body=Nothing,
    errors=(CannotRemoveYourself, NotYourUser, UserNotFound),
)
def delete_company_user(viewer: Viewer, *, user_id: str) -> dict[str, Any]:
    """Remove a user of the viewer's company and end its sessions; all owners are told by mail."""
    with transaction() as connection:
        webhook_urls = service(StandingAccess).webhook_urls_of(connection, user_id)
        ColleagueRepository(connection).remove(viewer, user_id, webhook_urls=webhook_urls, now=now())
        record(connection, SecurityEventType.COLLEAGUE_REMOVED, user_id, actor_id=viewer.user_id)
    return {}
