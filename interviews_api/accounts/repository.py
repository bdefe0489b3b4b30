"""The SQL of users.

Changes of accounts lock resets, company and user in this order; those that need fewer leave the others out. A lock of a
user is exclusive (`lock_user`, for credentials and verifications) or shared (`share_user`, for rows that outlive a
session).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from interviews_api.accounts.answerable_addresses import makes_company_answerable
from interviews_api.accounts.errors import EmailTaken
from interviews_api.accounts.models import (
    NO_SESSION,
    Approval,
    Candidate,
    Company,
    CompanyRole,
    CompanyUser,
    EmailVerification,
    Role,
    Session,
    User,
    Viewer,
)
from interviews_api.db.upsert import dialect_insert
from interviews_api.email_addresses import email_key
from interviews_api.errors import Unauthorized
from interviews_api.events.log import invalidate_all_caches
from interviews_api.ids import new_id

VIEWER = bindparam("viewer_id", type_=User.id.type)
_SESSION = bindparam("session_id", type_=Session.id.type)
HAS_SESSION = and_(Session.id == _SESSION, Session.user_id == VIEWER)
IS_SIGNED_IN = or_(_SESSION == NO_SESSION, exists().where(HAS_SESSION))
"""Condition in the first statement of every viewer's request, so that an ended session is refused at once."""

OUR_COMPANY = select(CompanyUser.company_id).where(CompanyUser.id == VIEWER).scalar_subquery()
"""The id of the viewer's company."""

# `key_share=True` makes them FOR NO KEY UPDATE, which excludes itself, but not the FOR KEY SHARE of foreign keys.
LOCK_CANDIDATE = (
    select(Candidate.id)
    .where(Candidate.id == bindparam("candidate_id", type_=Candidate.id.type))
    .with_for_update(key_share=True)
)
LOCK_COMPANY = (
    select(Company.id)
    .where(Company.id == bindparam("company_id", type_=Company.id.type))
    .with_for_update(key_share=True)
)
LOCK_OUR_COMPANY = select(Company.id).where(Company.id == OUR_COMPANY).with_for_update(key_share=True)
"""Locks under which rows of a candidate or company are counted or changed, so that two requests take turns."""

_USERS = (
    select(
        User.id,
        User.email,
        User.role,
        User.password_hash,
        User.email_verified_at.is_not(None).label("email_verified"),
        Candidate.first_name,
        Candidate.last_name,
        Candidate.phone,
        Company.id.label("company_id"),
        Company.name.label("company_name"),
        CompanyUser.role.label("company_role"),
    )
    .outerjoin(Candidate, Candidate.id == User.id)
    .outerjoin(CompanyUser, CompanyUser.id == User.id)
    .outerjoin(Company, Company.id == CompanyUser.company_id)
)
_BY_ID = _USERS.where(User.id == VIEWER, IS_SIGNED_IN)
_LOCK_USER = (
    select(User.password_hash)
    .where(User.id == bindparam("user_id", type_=User.id.type))
    # FOR KEY SHARE, as a foreign key takes it, so an update by a seed file need not wait.
    .with_for_update(read=True, key_share=True)
)
_BY_USER_ID = _USERS.where(User.id == bindparam("user_id", type_=User.id.type))
_BY_EMAIL = _USERS.where(User.email_key == bindparam("email_key"))
_CLIENT_ADDRESS_HASH = bindparam("client_address_hash", type_=Session.address_hash.type)
_signed_in_from = exists().where(Session.user_id == User.id, Session.address_hash == _CLIENT_ADDRESS_HASH)
_BY_EMAIL_WITH_ADDRESS = _BY_EMAIL.add_columns(_signed_in_from.label("has_signed_in_from_address"))


class UserRepository:
    """Reads and changes of users, with their candidate or company. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, viewer: Viewer) -> RowMapping:
        """Return the viewer's user; raises Unauthorized if the user is gone or the session has ended."""
        row = self._connection.execute(_BY_ID, viewer.keys).mappings().one_or_none()
        if row is None:
            raise Unauthorized
        return row

    def share_user(self, user_id: str) -> RowMapping | None:
        """Share the user's row until the commit; return its `password_hash`, or None if the user is gone.

        Callers that verified the password before the transaction began use it to detect a change since then.
        """
        return self._connection.execute(_LOCK_USER, {"user_id": user_id}).mappings().one_or_none()

    def lock_user(self, user_id: str) -> None:
        """Lock the user's row until the commit, so that changes of credentials and verifications take turns.

        Sharers wait.
        """
        self._connection.execute(select(User.id).where(User.id == user_id).with_for_update())

    def verify_email(self, user_id: str, *, now: datetime) -> None:
        """Record that the user's address was verified, and end its verifications. Callers have locked the user."""
        unverified = (User.id == user_id) & User.email_verified_at.is_(None)
        is_news = self._connection.execute(update(User).where(unverified).values(email_verified_at=now)).rowcount == 1
        self._connection.execute(delete(EmailVerification).where(EmailVerification.user_id == user_id))
        if is_news and makes_company_answerable(self._connection, user_id):
            invalidate_all_caches(self._connection)

    def share_viewer(self, viewer: Viewer) -> RowMapping:
        """Share the viewer's user until the commit and return it; raises Unauthorized.

        For changes that outlive the session. A reset that comes later finds them; one that came first has ended the
        session.
        """
        self.share_user(viewer.user_id)
        return self.get(viewer)

    def find_by_email(self, email: str) -> RowMapping | None:
        """Return the user with the e-mail address, ignoring letter case and surrounding blanks, or None."""
        return self._connection.execute(_BY_EMAIL, {"email_key": email_key(email)}).mappings().one_or_none()

    def find_for_sign_in(self, email: str, client_address_hash: str | None) -> RowMapping | None:
        """Return what `find_by_email` does, and `has_signed_in_from_address`: whether a session has that hash."""
        keys = {"email_key": email_key(email), "client_address_hash": client_address_hash}
        return self._connection.execute(_BY_EMAIL_WITH_ADDRESS, keys).mappings().one_or_none()

    def add_candidate(
        self, email: str, password_hash: str, *, now: datetime, **person: str | None
    ) -> RowMapping | None:
        """Insert a candidate that can sign in and return the user, or None if the address is taken."""
        user_id = self._add(Role.CANDIDATE, email, password_hash, now)
        if user_id is None:
            return None
        self._connection.execute(insert(Candidate).values(id=user_id, **person))
        return self.get_by_email(email)

    def add_company(
        self, email: str, password_hash: str, company: Mapping[str, str | None], *, approval: Approval, now: datetime
    ) -> RowMapping | None:
        """Insert a company with its first user and return the user, or None if the address is taken."""
        company_id, user_id = new_id(), self._add(Role.COMPANY, email, password_hash, now)
        if user_id is None:
            return None
        self._connection.execute(insert(Company).values(id=company_id, approval=approval, **company))
        values = {"id": user_id, "company_id": company_id, "role": CompanyRole.OWNER}
        self._connection.execute(insert(CompanyUser).values(values))
        return self.get_by_email(email)

    def add_company_user(
        self,
        company_id: str,
        email: str,
        password_hash: str,
        role: CompanyRole,
        *,
        now: datetime,
        verified_at: datetime | None = None,
    ) -> RowMapping:
        """Insert another user of a company and return the user; raises EmailTaken.

        `verified_at` is when the address was verified, or None.
        """
        user_id = self._add(Role.COMPANY, email, password_hash, now, verified_at)
        if user_id is None:
            raise EmailTaken
        self._connection.execute(insert(CompanyUser).values(id=user_id, company_id=company_id, role=role))
        if verified_at is not None and makes_company_answerable(self._connection, user_id):
            invalidate_all_caches(self._connection)
        return self.get_by_email(email)

    def change_password(self, user_id: str, old_hash: str, new_hash: str) -> bool:
        """Replace the hash and return True; return False if `old_hash` is outdated. Callers have locked the user."""
        is_unchanged = (User.id == user_id) & (User.password_hash == old_hash)
        return self._connection.execute(update(User).where(is_unchanged).values(password_hash=new_hash)).rowcount == 1

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Set the hash. Callers have locked the user."""
        self._connection.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))

    def _add(
        self, role: Role, email: str, password_hash: str, now: datetime, verified_at: datetime | None = None
    ) -> str | None:
        """Insert a user and return its id, or None if the address is taken. Waits for a simultaneous insert of it."""
        values: dict[str, Any] = {"id": new_id(), "role": role.value, "email": email, "email_key": email_key(email)}
        values |= {"password_hash": password_hash, "created_at": now, "email_verified_at": verified_at}
        statement = dialect_insert(self._connection, User).values(**values)
        user_id: str | None = self._connection.execute(
            statement.on_conflict_do_nothing(index_elements=["email_key"]).returning(User.id)
        ).scalar_one_or_none()
        return user_id

    def get_by_id(self, user_id: str) -> RowMapping:
        """Return the user with the id, which must exist."""
        return self._connection.execute(_BY_USER_ID, {"user_id": user_id}).mappings().one()

    def get_by_email(self, email: str) -> RowMapping:
        """Return the user with the address, which must exist."""
        return self._connection.execute(_BY_EMAIL, {"email_key": email_key(email)}).mappings().one()
