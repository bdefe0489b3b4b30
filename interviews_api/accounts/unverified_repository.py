"""The SQL of accounts whose e-mail address nobody has verified: `registration.py` replaces and deletes them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, case, delete, select, update

from interviews_api.accounts.models import Approval, Candidate, Company, CompanyRole, CompanyUser, User
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.email_addresses import email_key
from interviews_api.events.log import invalidate_all_caches

_ACCOUNTS = (
    select(User.id, User.role, User.password_hash, CompanyUser.company_id)
    .outerjoin(CompanyUser, CompanyUser.id == User.id)
    .where(User.email_verified_at.is_(None))
)


class UnverifiedAccountRepository:
    """Accounts that were never verified. All methods but `find` and `lock` are for locked accounts. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, email: str) -> str | None:
        """Return the id of the unverified account with the address, or None."""
        user_id: str | None = self._connection.execute(_ACCOUNTS.where(User.email_key == email_key(email))).scalar()
        return user_id

    def lock(self, user_id: str) -> RowMapping | None:
        """Lock the account's resets, company and user, and return the account.

        Returns None if the account is gone, or its address is verified.
        """
        of_user = _ACCOUNTS.where(User.id == user_id)
        account = self._connection.execute(of_user).mappings().one_or_none()
        if account is None:
            return None
        ResetRepository(self._connection).lock(user_id)
        # FOR UPDATE, because the company may be deleted: a simultaneous insert of a job of it waits.
        company = select(Company.id).where(Company.id == account["company_id"])
        self._connection.execute(company.with_for_update())
        return self._connection.execute(of_user.with_for_update(of=User)).mappings().one_or_none()

    def colleague_roles(self, account: RowMapping) -> list[str]:
        """Return the roles of the other users of the account's company."""
        is_other = (CompanyUser.company_id == account["company_id"]) & (CompanyUser.id != account["id"])
        return list(self._connection.execute(select(CompanyUser.role).where(is_other)).scalars())

    def replace_candidate(
        self, account: RowMapping, email: str, password_hash: str, **person: str | None
    ) -> RowMapping:
        """Give the account the credentials and the person of a new registration, and return the user."""
        self._replace_credentials(account, email, password_hash)
        self._connection.execute(update(Candidate).where(Candidate.id == account["id"]).values(**person))
        return UserRepository(self._connection).get_by_email(email)

    def replace_company(
        self,
        account: RowMapping,
        email: str,
        password_hash: str,
        company: Mapping[str, str | None],
        *,
        approval: Approval,
        now: datetime,
    ) -> RowMapping:
        """Give the account the credentials and the company of a new registration, and return the user.

        A suspended company stays suspended. It may have interviews from before addresses had to be verified, so cached
        responses become stale.
        """
        self._replace_credentials(account, email, password_hash)
        stays = case((Company.approval == Approval.SUSPENDED, Approval.SUSPENDED), else_=approval)
        values = {**company, "approval": stays, "updated_at": now}
        self._connection.execute(update(Company).where(Company.id == account["company_id"]).values(values))
        is_account = CompanyUser.id == account["id"]
        self._connection.execute(update(CompanyUser).where(is_account).values(role=CompanyRole.OWNER))
        invalidate_all_caches(self._connection)
        return UserRepository(self._connection).get_by_email(email)

    def delete_user(self, account: RowMapping) -> None:
        """Delete the user; foreign keys refuse it for a candidate with applications."""
        self._connection.execute(delete(User).where(User.id == account["id"]))

    def delete_company(self, account: RowMapping) -> None:
        """Delete the account's company; foreign keys refuse it for a company with jobs."""
        self._connection.execute(delete(Company).where(Company.id == account["company_id"]))

    def delete_password(self, account: RowMapping) -> None:
        """Delete the password, so that nobody signs in with it."""
        self._connection.execute(update(User).where(User.id == account["id"]).values(password_hash=None))

    def _replace_credentials(self, account: RowMapping, email: str, password_hash: str) -> None:
        values = {"email": email, "password_hash": password_hash}
        self._connection.execute(update(User).where(User.id == account["id"]).values(values))
