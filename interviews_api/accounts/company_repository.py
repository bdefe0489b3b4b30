"""The SQL of the operator's decisions about companies, and of the address that answers to a company go to."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, case, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from interviews_api.accounts.models import Approval, Company, CompanyUser, User, Viewer
from interviews_api.accounts.repository import VIEWER
from interviews_api.email_addresses import in_ascii

_owner, _company_user = aliased(User), aliased(CompanyUser)
_typed_email = func.lower(Company.email)
_IS_EMAIL_OF_VERIFIED_USER = exists().where(
    _company_user.company_id == Company.id,
    _owner.id == _company_user.id,
    _owner.email_verified_at.is_not(None),
    or_(_owner.email_key == _typed_email, func.lower(_owner.email) == _typed_email),
)
ANSWERABLE_EMAIL = case((or_(Company.vouched_email == Company.email, _IS_EMAIL_OF_VERIFIED_USER), Company.email)).label(
    "company_answerable_email"
)
"""The company's `email` where answers of candidates may go, else NULL; a column of statements with `Company`.

Answers go to an address that a seed file or a command gave, or that is a verified user's of the company. Anybody can
type another person's address when registering a company.
"""

_APPROVAL = (
    select(Company.approval).join(CompanyUser, CompanyUser.company_id == Company.id).where(CompanyUser.id == VIEWER)
)


def answerable_address(row: Mapping[Any, Any]) -> str | None:
    """Return the company's address in ASCII, of a row with ANSWERABLE_EMAIL, or None if answers cannot go to it."""
    try:
        return in_ascii(row["company_answerable_email"] or "")
    except ValueError:
        return None


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
