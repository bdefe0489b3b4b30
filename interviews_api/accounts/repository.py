"""All SQL about users and their sessions."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, delete, exists, func, insert, or_, select

from interviews_api.accounts.models import Candidate, CompanyUser, IdempotentReply, Session, User, Viewer, email_key
from interviews_api.errors import Unauthorized
from interviews_api.hiring.models import Company
from interviews_api.ids import NO_ID, new_id

VIEWER = bindparam("viewer_id", type_=User.id.type)
_SESSION = bindparam("session_id", type_=Session.id.type)
IS_SIGNED_IN = or_(_SESSION == NO_ID, exists().where(Session.id == _SESSION, Session.user_id == VIEWER))
"""Part of every statement that a signed-in user's request begins with: a session that ended is ended at once."""

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
_BY_ID = _USERS.where(User.id == VIEWER, IS_SIGNED_IN)
_BY_EMAIL = _USERS.where(User.email_key == bindparam("email_key"))


class UserRepository:
    """Users with their candidate's or company's side. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, viewer: Viewer) -> RowMapping:
        """The user whom a token names; raises Unauthorized when the user is gone or the session has ended."""
        row = self._connection.execute(_BY_ID, viewer.keys).mappings().one_or_none()
        if row is None:
            raise Unauthorized
        return row

    def find_by_email(self, email: str) -> RowMapping | None:
        """The user with that address, whatever its letter case and the blanks around it."""
        return self._connection.execute(_BY_EMAIL, {"email_key": email_key(email)}).mappings().one_or_none()


class SessionRepository:
    """What sign-ins begin and sign-outs end. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, user_id: str, *, now: datetime, expires_at: datetime) -> tuple[str, str]:
        """A new session; its id and the id that its first refresh token must have."""
        session_id, refresh_id = new_id(), new_id()
        values = {"id": session_id, "user_id": user_id, "refresh_id": refresh_id}
        self._connection.execute(insert(Session).values(**values, created_at=now, expires_at=expires_at))
        return session_id, refresh_id


class ReplyRepository:
    """The reply kept for one user's, route's and key's POST. Never commits."""

    def __init__(self, connection: Connection, user_id: str, route: str, key: str) -> None:
        self._connection = connection
        self._keys = {"user_id": user_id, "route": route, "key": key}

    def lock(self) -> bool:
        """Whether nobody else is at work under this key until the transaction's end; SQLite has one writer anyway."""
        if self._connection.dialect.name == "sqlite":
            return True
        digest = hashlib.sha256("\0".join(self._keys.values()).encode()).digest()
        number = int.from_bytes(digest[:8], signed=True)
        return bool(self._connection.execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one())

    def find(self, now: datetime) -> RowMapping | None:
        """What was answered and to which body, unless that is too long ago."""
        kept = select(IdempotentReply).filter_by(**self._keys).where(IdempotentReply.expires_at > now)
        return self._connection.execute(kept).mappings().one_or_none()

    def keep(self, body_hash: str, status: int, reply: str, expires_at: datetime) -> None:
        """Store the answer, in the place of one that has expired."""
        self._connection.execute(delete(IdempotentReply).filter_by(**self._keys))
        values = {"body_hash": body_hash, "status": status, "reply": reply, "expires_at": expires_at}
        self._connection.execute(insert(IdempotentReply).values(**self._keys, **values))
