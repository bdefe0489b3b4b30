"""Approval of companies: which of them may publish jobs and invite candidates."""

from functools import wraps
from typing import Any

from interviews_api.accounts.company_repository import CompanyRepository
from interviews_api.accounts.errors import CompanyNotApproved
from interviews_api.accounts.models import Approval, Viewer
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.services import service
from interviews_api.web.route_contract import Layer, View, contract_of, extend_contract


def approval_required(view: View) -> View:
    """Refuse companies that are suspended or not yet approved.

    The refusals of the route's `authorize_before_validation` precede this one.
    """
    contract = contract_of(view)
    check = contract.check if contract else None

    @wraps(view)
    def guarded(viewer: Viewer, **path: Any) -> Any:
        with read_connection() as connection:
            if not _may_publish(CompanyRepository(connection).approval(viewer)):
                if check is not None:
                    check(connection, viewer, **path)
                raise CompanyNotApproved
        return view(viewer, **path)

    return extend_contract(guarded, Layer.APPROVAL, errors=(CompanyNotApproved,))


def new_company_approval() -> Approval:
    """Return the approval with which a company registers itself."""
    return Approval.PENDING if _is_required() else Approval.APPROVED


def _may_publish(approval: str | None) -> bool:
    """Return whether a company may publish; a viewer that is gone is refused by the view's own statements."""
    return approval in (Approval.APPROVED, None) or (approval == Approval.PENDING and not _is_required())


def _is_required() -> bool:
    return service(Settings).company_approval == "required"
