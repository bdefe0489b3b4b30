"""All SQL about users."""

from sqlalchemy import Connection, RowMapping, bindparam, select

from interviews_api.accounts.models import Candidate, CompanyUser, User, email_key
from interviews_api.errors import Unauthorized
from interviews_api.hiring.models import Company

_USERS = (
    select(
        User.id,
        User.email,
        User.role,
        User.password_hash,
        Candidate.first_name,
        Candidate.last_name,
        Candidate.phone,
        Company.id.label("company_id"),
        Company.name.label("company_name"),
    )
    .outerjoin(Candidate, Candidate.id == User.id)
    .outerjoin(CompanyUser, CompanyUser.id == User.id)
    .outerjoin(Company, Company.id == CompanyUser.company_id)
)
_BY_ID = _USERS.where(User.id == bindparam("id"))
_BY_EMAIL = _USERS.where(User.email_key == bindparam("email_key"))


class UserRepository:
    """Users with their candidate's or company's side. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, user_id: str) -> RowMapping:
        """The user of that id; raises Unauthorized when there is none: only tokens ask."""
        row = self._connection.execute(_BY_ID, {"id": user_id}).mappings().one_or_none()
        if row is None:
            raise Unauthorized
        return row

    def find_by_email(self, email: str) -> RowMapping | None:
        """The user with that address, whatever its letter case and the blanks around it."""
        return self._connection.execute(_BY_EMAIL, {"email_key": email_key(email)}).mappings().one_or_none()
