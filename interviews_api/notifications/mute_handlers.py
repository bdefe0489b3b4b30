"""Blueprint `muted-companies`: companies of which a candidate wants to hear less."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from interviews_api.accounts.authentication import candidate_required
from interviews_api.accounts.models import Viewer
from interviews_api.clock import now
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.hiring.errors import CompanyNotFound
from interviews_api.notifications.errors import TooManyMutedCompanies
from interviews_api.notifications.mute_repository import MutedCompanyRepository
from interviews_api.notifications.mute_schemas import MutedCompanies, MutedCompany
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery

blueprint = Blueprint("muted-companies", __name__)


def _check_company(connection: Any, viewer: Viewer, company_id: str) -> None:
    MutedCompanyRepository(connection).company(viewer, company_id)


@blueprint.get("/candidate/muted-companies")
@candidate_required
@operation("Muted companies retrieved successfully", MutedCompanies, query=PageQuery, has_etag=True)
def list_muted_companies(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """List the companies that the candidate has muted, the last muted first."""
    with read_connection() as connection:
        return MutedCompanyRepository(connection).page(viewer, limit=limit, skip=skip)


@blueprint.put("/candidate/muted-companies/<id:company_id>")
@candidate_required
@authorize_before_validation(_check_company)
@operation(
    "Company muted successfully",
    MutedCompany,
    body=Nothing,
    errors=(CompanyNotFound, TooManyMutedCompanies),
)
def mute_company(viewer: Viewer, *, company_id: str) -> Mapping[str, Any]:
    """Mute a company: suppress its e-mails and push messages, with few exceptions.

    Cancellations still go out, at most three in 24 hours and without the company's texts. So do new times and reminders
    of confirmed interviews. An interview counts as confirmed if the candidate confirmed it once. The company's
    interviews stay in all lists. A company that is muted already stays so.
    """
    with transaction() as connection:
        return MutedCompanyRepository(connection).mute(viewer, company_id, now=now())


@blueprint.delete("/candidate/muted-companies/<id:company_id>")
@candidate_required
@authorize_before_validation(_check_company)
@operation("Company unmuted successfully", Nothing, body=Nothing, errors=(CompanyNotFound,))
def unmute_company(viewer: Viewer, *, company_id: str) -> dict[str, Any]:
    """Unmute a company; what was withheld meanwhile is not sent again."""
    with transaction() as connection:
        MutedCompanyRepository(connection).unmute(viewer, company_id)
    return {}
