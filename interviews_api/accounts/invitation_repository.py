"""The SQL of invitations of colleagues, written for known and unknown addresses alike."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select

from interviews_api.accounts.colleague_repository import ColleagueRepository
from interviews_api.accounts.errors import InvalidInvitation
from interviews_api.accounts.mail_repository import AccountMailRepository
from interviews_api.accounts.models import (
    Company,
    CompanyRole,
    CompanyUser,
    Invitation,
    MailKind,
    User,
    Viewer,
    email_key,
)
from interviews_api.accounts.repository import LOCK_COMPANY, UserRepository
from interviews_api.ids import new_id

LIFETIME = timedelta(days=7)

# An invitation is worth what its inviter is: it ends when the inviter is removed or is no owner any more.
_VALID = (
    select(
        Invitation.id,
        Invitation.email,
        Invitation.expires_at,
        Company.id.label("company_id"),
        Company.name.label("company_name"),
        User.email.label("invited_by"),
    )
    .join(Company, Company.id == Invitation.company_id)
    .join(User, User.id == Invitation.invited_by_id)
    .join(CompanyUser, (CompanyUser.id == User.id) & (CompanyUser.company_id == Company.id))
    .where(
        Invitation.id == bindparam("invitation_id", type_=Invitation.id.type),
        Invitation.expires_at > bindparam("now", type_=Invitation.expires_at.type),
        CompanyUser.role == CompanyRole.OWNER,
    )
)


class InvitationRepository:
    """Invitations of colleagues, each good for one account. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, viewer: Viewer, email: str, *, now: datetime) -> str:
        """Write an invitation and its mail without looking the address up, and return its id.

        An earlier invitation of this address by the company ends. Raises as `lock_as_owner` and
        `refuse_too_many_colleagues` of ColleagueRepository do.
        """
        colleagues = ColleagueRepository(self._connection)
        owner = colleagues.lock_as_owner(viewer)
        self._end(owner["company_id"], email)
        colleagues.refuse_too_many_colleagues(owner["company_id"], now=now)
        invitation_id = new_id()
        values = {"id": invitation_id, "company_id": owner["company_id"], "invited_by_id": viewer.user_id}
        address = {"email": email, "email_key": email_key(email)}
        times = {"created_at": now, "expires_at": now + LIFETIME}
        self._connection.execute(insert(Invitation).values(**values, **address, **times))
        details = {"company": owner["company_name"], "by": owner["email"]}
        AccountMailRepository(self._connection).add(
            MailKind.INVITATION,
            email,
            originator_id=owner["company_id"],
            now=now,
            details=details,
            mail_id=invitation_id,
        )
        return invitation_id

    def get(self, invitation_id: str, *, now: datetime) -> RowMapping:
        """Return the invitation with its company and the inviter's address; raises InvalidInvitation."""
        keys = {"invitation_id": invitation_id, "now": now}
        invitation = self._connection.execute(_VALID, keys).mappings().one_or_none()
        if invitation is None:
            raise InvalidInvitation
        return invitation

    def accept(self, invitation_id: str, password_hash: str, *, now: datetime) -> RowMapping:
        """Turn the invitation into a company user and return it; raises InvalidInvitation or EmailTaken.

        The link was mailed to the e-mail address, so it is verified. Locks the company, as other changes of colleagues
        do.
        """
        company_id = self.get(invitation_id, now=now)["company_id"]
        self._connection.execute(LOCK_COMPANY, {"company_id": company_id})
        invitation = self.get(invitation_id, now=now)
        if self._end(company_id, invitation["email"]) == 0:
            raise InvalidInvitation
        ColleagueRepository(self._connection).tell_of_newcomer(invitation, now=now)
        return UserRepository(self._connection).add_company_user(
            company_id, invitation["email"], password_hash, CompanyRole.MEMBER, now=now, verified_at=now
        )

    def delete_all(self, user_id: str) -> None:
        """Delete all invitations that the user sent and that are still open."""
        self._connection.execute(delete(Invitation).where(Invitation.invited_by_id == user_id))

    def _end(self, company_id: str, email: str) -> int:
        is_same = (Invitation.company_id == company_id) & (Invitation.email_key == email_key(email))
        return self._connection.execute(delete(Invitation).where(is_same)).rowcount
