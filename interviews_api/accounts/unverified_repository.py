"""The SQL of accounts whose address nobody has proved: a later registration takes the address from them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, RowMapping, case, delete, select, update
from sqlalchemy.exc import IntegrityError

from interviews_api.accounts.credentials import end_access
from interviews_api.accounts.errors import EmailTaken, InvalidVerification
from interviews_api.accounts.models import (
    AccountMail,
    Approval,
    Candidate,
    Company,
    CompanyRole,
    CompanyUser,
    EmailVerification,
    Role,
    User,
    email_key,
)
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.accounts.standing_access import StandingAccess

_IS_UNVERIFIED = User.email_verified_at.is_(None)


class UnverifiedAccountRepository:
    """Accounts that were never verified, and their replacement. Never commits.

    Locks resets, company and user in this order, as changes of passwords and of colleagues do.
    """

    def __init__(self, connection: Connection, access: StandingAccess) -> None:
        self._connection = connection
        self._access = access
        self._users = UserRepository(connection)

    def register_candidate(self, email: str, password_hash: str, *, now: datetime, **person: str | None) -> RowMapping:
        """Insert a candidate, or replace what an unverified account has of a person; raises EmailTaken."""
        with suppress(EmailTaken):
            return self._users.add_candidate(email, password_hash, now=now, **person)
        account = self._lock(email)
        if account["role"] != Role.CANDIDATE:
            self._remove(account)
            return self._users.add_candidate(email, password_hash, now=now, **person)
        self._end_access(account)
        self._replace_credentials(account, email, password_hash)
        self._connection.execute(update(Candidate).where(Candidate.id == account["id"]).values(**person))
        return self._users.get_by_email(email)

    def register_company(
        self, email: str, password_hash: str, company: Mapping[str, str | None], *, approval: Approval, now: datetime
    ) -> RowMapping:
        """Insert a company and its first user, or replace those of an unverified account; raises EmailTaken.

        A company with other users is left to them. A suspended one stays suspended.
        """
        with suppress(EmailTaken):
            return self._users.add_company(email, password_hash, company, approval=approval, now=now)
        account = self._lock(email)
        if account["role"] != Role.COMPANY or self._colleagues(account):
            self._remove(account)
            return self._users.add_company(email, password_hash, company, approval=approval, now=now)
        company_id = account["company_id"]
        self._end_access(account)
        self._access.end_of_company(self._connection, company_id)
        self._replace_credentials(account, email, password_hash)
        stays = case((Company.approval == Approval.SUSPENDED, Approval.SUSPENDED), else_=approval)
        values = {**company, "approval": stays}
        self._connection.execute(update(Company).where(Company.id == company_id).values(values))
        is_account = CompanyUser.id == account["id"]
        self._connection.execute(update(CompanyUser).where(is_account).values(role=CompanyRole.OWNER))
        return self._users.get_by_email(email)

    def make_room(self, email: str) -> None:
        """Delete the unverified account with the address, if there is one; raises EmailTaken if it must stay."""
        if self._find(email) is not None:
            self._remove(self._lock(email))

    def reject(self, verification_id: str, email: str) -> None:
        """End what a stranger registered with the address: delete the account, or at least its password and access.

        Raises InvalidVerification if the verification was used, or ended, meanwhile.
        """
        try:
            account = self._lock(email)
        except EmailTaken:
            raise InvalidVerification from None
        is_valid = (EmailVerification.id == verification_id) & (EmailVerification.user_id == account["id"])
        if self._connection.execute(select(EmailVerification.id).where(is_valid)).first() is None:
            raise InvalidVerification
        try:
            self._remove(account)
        except EmailTaken:
            self._end_access(account)
            self._connection.execute(update(User).where(User.id == account["id"]).values(password_hash=None))

    def _find(self, email: str) -> RowMapping | None:
        statement = select(User.id, User.role, CompanyUser.company_id).outerjoin(CompanyUser, CompanyUser.id == User.id)
        statement = statement.where(User.email_key == email_key(email), _IS_UNVERIFIED)
        return self._connection.execute(statement).mappings().one_or_none()

    def _lock(self, email: str) -> RowMapping:
        """Lock the unverified account with the address and void its resets; raises EmailTaken if it is verified."""
        account = self._find(email)
        if account is None:
            raise EmailTaken
        ResetRepository(self._connection).void(account["id"])
        if account["company_id"] is not None:
            self._connection.execute(select(Company.id).where(Company.id == account["company_id"]).with_for_update())
        still_there = select(User.id).where(User.id == account["id"], _IS_UNVERIFIED).with_for_update()
        if self._connection.execute(still_there).first() is None:
            raise EmailTaken
        return account

    def _end_access(self, account: RowMapping) -> None:
        """End the account's sessions, standing access, links and pending mails."""
        end_access(self._connection, account["id"])
        for model in (EmailVerification, AccountMail):
            self._connection.execute(delete(model).where(model.user_id == account["id"]))

    def _remove(self, account: RowMapping) -> None:
        """Delete the account and, if nobody else acts for it, its company.

        Raises EmailTaken if it holds applications or jobs, or if its company would have no owner.
        """
        self._end_access(account)
        colleagues = self._colleagues(account)
        if colleagues and CompanyRole.OWNER not in colleagues:
            raise EmailTaken
        try:
            with self._connection.begin_nested():
                self._connection.execute(delete(User).where(User.id == account["id"]))
                if account["company_id"] is not None and not colleagues:
                    self._access.end_of_company(self._connection, account["company_id"])
                    self._connection.execute(delete(Company).where(Company.id == account["company_id"]))
        except IntegrityError:  # foreign keys keep what applications and interviews refer to
            raise EmailTaken from None

    def _colleagues(self, account: RowMapping) -> list[str]:
        """Return the roles of the other users of the account's company."""
        is_other = (CompanyUser.company_id == account["company_id"]) & (CompanyUser.id != account["id"])
        return list(self._connection.execute(select(CompanyUser.role).where(is_other)).scalars())

    def _replace_credentials(self, account: RowMapping, email: str, password_hash: str) -> None:
        values = {"email": email, "password_hash": password_hash}
        self._connection.execute(update(User).where(User.id == account["id"]).values(values))
