"""Answerable addresses: companies' e-mail addresses that answers of candidates may go to."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from interviews_api.accounts.models import Company, CompanyUser, User
from interviews_api.email_addresses import in_ascii

_user, _company_user = aliased(User), aliased(CompanyUser)


def _is_email_of(user: type[User]) -> ColumnElement[bool]:
    """Return the condition that the company's `email` is this user's."""
    typed_email = func.lower(Company.email)
    return or_(user.email_key == typed_email, func.lower(user.email) == typed_email)


_IS_EMAIL_OF_VERIFIED_USER = exists().where(
    _company_user.company_id == Company.id,
    _user.id == _company_user.id,
    _user.email_verified_at.is_not(None),
    _is_email_of(_user),
)
_IS_VOUCHED = Company.vouched_email == Company.email
ANSWERABLE_EMAIL = case((or_(_IS_VOUCHED, _IS_EMAIL_OF_VERIFIED_USER), Company.email)).label("company_answerable_email")
"""The company's `email` where answers of candidates may go, else NULL; a column of statements with `Company`.

Answers go to an address that a seed file or a command gave, or that is a verified user's of the company. Anybody can
type another person's address when registering a company.
"""


def answerable_address(row: Mapping[Any, Any]) -> str | None:
    """Return the company's address in ASCII, of a row with ANSWERABLE_EMAIL, or None if answers cannot go to it."""
    try:
        return in_ascii(row["company_answerable_email"] or "")
    except ValueError:
        return None


def makes_company_answerable(connection: Connection, user_id: str) -> bool:
    """Return whether answers can go to the address of the user's company because it is this user's alone.

    That is: while the user is verified (ANSWERABLE_EMAIL), and then calendar feeds name it as organizer. So a
    transaction that verifies or deletes such a user ends with `invalidate_all_caches`.
    """
    companies = select(Company.id).join(CompanyUser, CompanyUser.company_id == Company.id)
    statement = companies.join(User, _is_email_of(User)).where(_IS_VOUCHED.is_not(True))
    same_user = (CompanyUser.id == User.id) & (User.id == user_id)
    return connection.execute(statement.where(same_user)).first() is not None
