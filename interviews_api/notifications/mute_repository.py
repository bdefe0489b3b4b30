"""The SQL of a candidate's muted companies."""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, select, true

from interviews_api.accounts.models import Candidate, Company, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, LOCK_CANDIDATE, VIEWER, UserRepository
from interviews_api.config.limits import MUTED_COMPANIES
from interviews_api.db.pagination import Page, count_subquery, page_subquery, read_page
from interviews_api.db.upsert import dialect_insert
from interviews_api.errors import Unauthorized
from interviews_api.hiring.errors import CompanyNotFound
from interviews_api.notifications.errors import TooManyMutedCompanies
from interviews_api.notifications.models import MutedCompany

_COMPANY = bindparam("company_id", type_=Company.id.type)
_COMPANY_FOR_VIEWER = (
    select(Company.id, Company.name)
    .select_from(Candidate)
    .outerjoin(Company, Company.id == _COMPANY)
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)
_OTHER_COUNT = (
    select(func.count())
    .select_from(MutedCompany)
    .where(MutedCompany.candidate_id == VIEWER, MutedCompany.company_id != _COMPANY)
)
_MUTED_AT = select(MutedCompany.created_at).where(
    MutedCompany.candidate_id == VIEWER, MutedCompany.company_id == _COMPANY
)
_muted = (
    select(Company.id, Company.name, MutedCompany.created_at.label("muted_at"))
    .select_from(MutedCompany)
    .join(Company, Company.id == MutedCompany.company_id)
    .where(MutedCompany.candidate_id == VIEWER)
)
_page = page_subquery(_muted, (MutedCompany.created_at.desc(), MutedCompany.company_id))
_count = count_subquery(_muted)
_MUTED = (
    select(_count, _page)
    .select_from(Candidate)
    .join(_count, true())
    .outerjoin(_page, true())
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)


class MutedCompanyRepository:
    """The companies that the viewer has muted. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def company(self, viewer: Viewer, company_id: str) -> RowMapping:
        """Return id and name of the company, muted or not; raises Unauthorized and CompanyNotFound."""
        keys = viewer.keys | {"company_id": company_id}
        company = self._connection.execute(_COMPANY_FOR_VIEWER, keys).mappings().one_or_none()
        if company is None:
            raise Unauthorized
        if company["id"] is None:
            raise CompanyNotFound
        return company

    def mute(self, viewer: Viewer, company_id: str, *, now: datetime) -> Mapping[str, Any]:
        """Mute the company and return it with `muted_at`; the first time stands.

        Raises Unauthorized, CompanyNotFound, or TooManyMutedCompanies at the bound. Locks the candidate, so that two
        requests at once cannot exceed the bound.
        """
        UserRepository(self._connection).share_viewer(viewer)
        company = self.company(viewer, company_id)
        self._connection.execute(LOCK_CANDIDATE, {"candidate_id": viewer.user_id})
        keys = viewer.keys | {"company_id": company_id}
        if self._connection.execute(_OTHER_COUNT, keys).scalar_one() >= MUTED_COMPANIES.allowed:
            raise TooManyMutedCompanies
        values = {"candidate_id": viewer.user_id, "company_id": company_id, "created_at": now}
        statement = dialect_insert(self._connection, MutedCompany).values(**values).on_conflict_do_nothing()
        self._connection.execute(statement)
        return {**company, "muted_at": self._connection.execute(_MUTED_AT, keys).scalar_one()}

    def unmute(self, viewer: Viewer, company_id: str) -> None:
        """Unmute the company, if it is muted; raises Unauthorized and CompanyNotFound.

        Locks the candidate, as `mute` does, which reads the row that it has found or inserted.
        """
        UserRepository(self._connection).share_viewer(viewer)
        self.company(viewer, company_id)
        self._connection.execute(LOCK_CANDIDATE, {"candidate_id": viewer.user_id})
        is_muted = (MutedCompany.candidate_id == viewer.user_id) & (MutedCompany.company_id == company_id)
        self._connection.execute(delete(MutedCompany).where(is_muted))

    def page(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Return a page of the muted companies, the last muted first; raises Unauthorized."""
        values, sort = viewer.keys | {"limit": limit, "skip": skip}, (itemgetter("muted_at"), True)
        return read_page(self._connection, _MUTED, values, id_column="id", sort=sort)
