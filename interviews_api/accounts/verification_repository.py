"""The SQL of verifications: mailed links by which an e-mail address is verified."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select

from interviews_api.accounts.errors import EmailAlreadyVerified, InvalidVerification
from interviews_api.accounts.mail_repository import AccountMailRepository
from interviews_api.accounts.models import Candidate, Company, CompanyUser, EmailVerification, MailKind, User, Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.ids import new_id

LIFETIME = timedelta(days=3)

_VALID = (
    select(
        EmailVerification.user_id,
        EmailVerification.expires_at,
        User.email,
        User.role,
        Candidate.first_name,
        Candidate.last_name,
        Company.name.label("company_name"),
    )
    .join(User, User.id == EmailVerification.user_id)
    .outerjoin(Candidate, Candidate.id == User.id)
    .outerjoin(CompanyUser, CompanyUser.id == User.id)
    .outerjoin(Company, Company.id == CompanyUser.company_id)
    .where(
        EmailVerification.id == bindparam("verification_id", type_=EmailVerification.id.type),
        EmailVerification.expires_at > bindparam("now", type_=EmailVerification.expires_at.type),
    )
)


class VerificationRepository:
    """Verifications of addresses, each good for one use. A use ends all of the user. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, user: Mapping[Any, Any], *, now: datetime) -> None:
        """Write a verification of the user's address and its mail. Earlier ones of the same registration stay valid."""
        verification_id, user_id = new_id(), user["id"]
        values = {"id": verification_id, "user_id": user_id, "created_at": now, "expires_at": now + LIFETIME}
        self._connection.execute(insert(EmailVerification).values(**values))
        AccountMailRepository(self._connection).add(
            MailKind.VERIFICATION,
            user["email"],
            originator_id=user_id,
            user_id=user_id,
            now=now,
            mail_id=verification_id,
        )

    def send_again(self, viewer: Viewer, *, now: datetime) -> None:
        """Write another verification of the viewer's address; raises Unauthorized or EmailAlreadyVerified.

        Locks the user: a later registration of the address waits, or it came first and the session has ended.
        """
        user = UserRepository(self._connection).share_viewer(viewer)
        if user["email_verified"]:
            raise EmailAlreadyVerified
        self.send(user, now=now)

    def get(self, verification_id: str, *, now: datetime) -> RowMapping:
        """Return the verification with what was registered; raises InvalidVerification."""
        keys = {"verification_id": verification_id, "now": now}
        verification = self._connection.execute(_VALID, keys).mappings().one_or_none()
        if verification is None:
            raise InvalidVerification
        return verification

    def has(self, verification_id: str, user_id: str) -> bool:
        """Return whether the user has this verification."""
        is_same = (EmailVerification.id == verification_id) & (EmailVerification.user_id == user_id)
        return self._connection.execute(select(EmailVerification.id).where(is_same)).first() is not None

    def void(self, user_id: str) -> None:
        """Void all verifications of the user."""
        self._connection.execute(delete(EmailVerification).where(EmailVerification.user_id == user_id))

    def use(self, verification_id: str, *, now: datetime) -> RowMapping:
        """Verify the address and return the user; raises InvalidVerification."""
        verification = self.get(verification_id, now=now)
        users = UserRepository(self._connection)
        users.lock_user(verification["user_id"])
        used = delete(EmailVerification).where(EmailVerification.id == verification_id)
        if self._connection.execute(used).rowcount == 0:
            raise InvalidVerification
        users.verify_email(verification["user_id"], now=now)
        return users.get_by_id(verification["user_id"])
