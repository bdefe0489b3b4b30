"""Changes of users by which a company's e-mail address begins or ceases to be a verified user's."""

from sqlalchemy import Connection, func, or_, select

from interviews_api.accounts.models import Company, CompanyUser, User


def is_address_of_company(connection: Connection, user_id: str) -> bool:
    """Return whether the address of the user's company is this user's.

    Calendar feeds name it as organizer while its user is verified (ANSWERABLE_EMAIL, `company_repository.py`). So a
    transaction that verifies or deletes such a user ends with `invalidate_all_caches`.
    """
    typed_email = func.lower(Company.email)
    is_same = or_(User.email_key == typed_email, func.lower(User.email) == typed_email)
    statement = select(Company.id).join(CompanyUser, CompanyUser.company_id == Company.id).join(User, is_same)
    same_user = (CompanyUser.id == User.id) & (User.id == user_id)
    return connection.execute(statement.where(same_user)).first() is not None
