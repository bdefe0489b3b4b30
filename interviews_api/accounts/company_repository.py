"""The SQL of the operator's decisions about companies."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, select, update

from interviews_api.accounts.models import Approval, Company, CompanyUser, Viewer
from interviews_api.accounts.repository import VIEWER

_APPROVAL = (
    select(Company.approval).join(CompanyUser, CompanyUser.company_id == Company.id).where(CompanyUser.id == VIEWER)
)


class CompanyRepository:
    """Companies and their approval. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def approval(self, viewer: Viewer) -> str | None:
        """Return the approval of the viewer's company, or None if the viewer is gone."""
        return self._connection.execute(_APPROVAL, {"viewer_id": viewer.user_id}).scalar_one_or_none()

    def decide(self, company_id: str, approval: Approval) -> bool:
        """Approve or suspend the company; return whether it exists."""
        statement = update(Company).where(Company.id == company_id).values(approval=approval)
        return self._connection.execute(statement).rowcount == 1

    def of_approval(self, approval: Approval | None) -> Sequence[RowMapping]:
        """Return the companies of that approval, or all, in the order of their ids."""
        statement = select(Company.id, Company.name, Company.approval).order_by(Company.id)
        if approval is not None:
            statement = statement.where(Company.approval == approval)
        return self._connection.execute(statement).mappings().all()
