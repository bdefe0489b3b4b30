"""The SQL of password resets, the same statements for known and unknown addresses."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, exists, insert, select
from sqlalchemy.orm import aliased

from interviews_api.accounts.errors import InvalidReset
from interviews_api.accounts.models import PasswordReset, Role, User
from interviews_api.email_addresses import email_key
from interviews_api.events.log import notify
from interviews_api.ids import new_id

LIFETIME = timedelta(hours=1)


class ResetRepository:
    """Password resets, each valid for one use. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, email: str, *, now: datetime) -> None:
        """Insert a reset, and delete it unless an account has the address.

        The statements are the same for all addresses, so that timing reveals nothing.
        """
        values = {"id": new_id(), "email_key": email_key(email), "created_at": now, "expires_at": now + LIFETIME}
        self._connection.execute(insert(PasswordReset).values(**values, is_fanned_out=False))
        is_unknown = ~exists().where(User.email_key == values["email_key"])
        self._connection.execute(delete(PasswordReset).where(PasswordReset.id == values["id"], is_unknown))
        notify(self._connection)

    def check(self, reset_id: str, *, roles: Collection[Role], now: datetime) -> str:
        """Return the address of the reset's user; raises InvalidReset as `use` does."""
        is_valid = (PasswordReset.id == reset_id) & (PasswordReset.expires_at > now)
        reset = select(User.email).join(PasswordReset, PasswordReset.email_key == User.email_key)
        email: str | None = self._connection.execute(reset.where(is_valid, User.role.in_(roles))).scalar()
        if email is None:
            raise InvalidReset
        return email

    def use(self, reset_id: str, *, roles: Collection[Role], now: datetime) -> RowMapping:
        """Use the reset up, lock its user and the user's other resets, and return the user's `id` and `email`.

        Raises InvalidReset when the reset is expired or used, or its user is gone or has another role.
        Blocks while a sign-in shares the user.
        """
        sibling = aliased(PasswordReset)
        self._lock(PasswordReset.email_key == select(sibling.email_key).where(sibling.id == reset_id).scalar_subquery())
        used = delete(PasswordReset).where(PasswordReset.id == reset_id, PasswordReset.expires_at > now)
        key = self._connection.execute(used.returning(PasswordReset.email_key)).scalar_one_or_none()
        statement = select(User.id, User.email).where(User.email_key == key, User.role.in_(roles)).with_for_update()
        user = self._connection.execute(statement).mappings().one_or_none() if key is not None else None
        if user is None:
            raise InvalidReset
        return user

    def lock(self, user_id: str) -> None:
        """Lock the links that were mailed to the user."""
        self._lock(_is_of_user(user_id))

    def void(self, user_id: str) -> None:
        """Void the links that were mailed to the user. Precedes a lock on the user, as in `use`."""
        self.lock(user_id)
        self._connection.execute(delete(PasswordReset).where(_is_of_user(user_id)))

    def _lock(self, condition: ColumnElement[bool]) -> None:
        """Lock links in the order of their ids: two transactions that use links of one user would deadlock."""
        links = select(PasswordReset.id).where(condition).order_by(PasswordReset.id)
        self._connection.execute(links.with_for_update())


def _is_of_user(user_id: str) -> ColumnElement[bool]:
    return PasswordReset.email_key == select(User.email_key).where(User.id == user_id).scalar_subquery()
