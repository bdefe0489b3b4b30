"""Blueprint `company-users`: the users that act for the viewer's company."""

from typing import Any

from flask import Blueprint

from interviews_api.accounts.errors import CannotRemoveYourself, EmailTaken, NotYourUser, UserNotFound
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.passwords import hash_password, refuse_address
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.schemas import CompanyMe, CompanyUsers, NewCompanyUser
from interviews_api.accounts.tokens import company_required
from interviews_api.clock import now
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery

blueprint = Blueprint("company-users", __name__, url_prefix="/auth/company/users")


@blueprint.post("")
@company_required
@operation(
    "Company user created successfully",
    CompanyMe,
    status=201,
    body=NewCompanyUser,
    errors=(EmailTaken,),
)
def create_company_user(viewer: Viewer, *, email: str, password: str) -> dict[str, Any]:
    """Add a user to the viewer's company."""
    refuse_address("password", password, email)
    password_hash = hash_password(password)
    with transaction() as connection:
        users = UserRepository(connection)
        company_id = users.get(viewer)["company_id"]
        return {"user": users.add_company_user(company_id, email, password_hash, now=now())}


@blueprint.get("")
@company_required
@operation("Company users retrieved successfully", CompanyUsers, query=PageQuery)
def list_company_users(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """List the users of the viewer's company, oldest first."""
    with read_connection() as connection:
        return UserRepository(connection).page_of_company(viewer, limit=limit, skip=skip)


@blueprint.delete("/<id:user_id>")
@company_required
@authorize_before_validation(
    lambda connection, viewer, user_id: UserRepository(connection).check_colleague(viewer, user_id)
)
@operation(
    "Company user deleted successfully",
    Nothing,
    body=Nothing,
    errors=(CannotRemoveYourself, NotYourUser, UserNotFound),
)
def delete_company_user(viewer: Viewer, *, user_id: str) -> dict[str, Any]:
    """Remove a user of the viewer's company and end its sessions."""
    with transaction() as connection:
        UserRepository(connection).remove_colleague(viewer, user_id)
    return {}
