"""The SQL of password resets, written for known and unknown addresses alike."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from interviews_api.accounts.errors import InvalidReset
from interviews_api.accounts.models import PasswordReset, Role, Session, User, email_key
from interviews_api.events.log import notify
from interviews_api.ids import new_id

LIFETIME = timedelta(hours=1)


class ResetRepository:
    """Password resets, each valid for one use. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, email: str, *, now: datetime) -> None:
        """Insert a reset without looking the address up, so that timing reveals nothing. The worker finds the user."""
        values = {"id": new_id(), "email_key": email_key(email), "created_at": now, "expires_at": now + LIFETIME}
        self._connection.execute(insert(PasswordReset).values(**values, mailed=False))
        notify(self._connection)

    def use(self, reset_id: str, password_hash: str, *, roles: Collection[Role], now: datetime) -> RowMapping:
        """Set the password, end the user's sessions and resets, and return the user's `id` and `email`.

        Raises InvalidReset, also for other roles.
        Blocks while a sign-in holds the lock of `lock_user`.
        """
        reset = select(PasswordReset.email_key).where(PasswordReset.id == reset_id, PasswordReset.expires_at > now)
        key = self._connection.execute(reset.with_for_update()).scalar_one_or_none()
        statement = select(User.id, User.email).where(User.email_key == key, User.role.in_(roles)).with_for_update()
        user = self._connection.execute(statement).mappings().one_or_none() if key is not None else None
        if user is None:
            raise InvalidReset
        self._connection.execute(update(User).where(User.id == user["id"]).values(password_hash=password_hash))
        self._connection.execute(delete(Session).where(Session.user_id == user["id"]))
        self._connection.execute(delete(PasswordReset).where(PasswordReset.email_key == key))
        return user

    def void(self, email: str) -> None:
        """Void the links that were mailed to the address. Precedes a lock on the user, as in `use`."""
        self._connection.execute(delete(PasswordReset).where(PasswordReset.email_key == email_key(email)))
