"""The SQL of sessions: begin, refresh and end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, literal, or_, select, update

from interviews_api.accounts.models import Session, Viewer
from interviews_api.config.limits import SESSIONS_OF_USER
from interviews_api.ids import new_id


@dataclass(frozen=True)
class Refresh:
    """The refresh token to issue: its `jti`, when it was first issued, and the end of its session (UTC)."""

    refresh_id: str
    issued_at: datetime
    session_end: datetime


class SessionRepository:
    """Sessions: begun by sign-ins, ended by sign-outs. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(
        self, user_id: str, *, now: datetime, expires_at: datetime, client_address_hash: str | None = None
    ) -> tuple[str, str]:
        """Insert a session; return its id and the `jti` for its first refresh token.

        The user's oldest sessions beyond SESSIONS_OF_USER end.
        """
        session_id, refresh_id = new_id(), new_id()
        values: dict[str, Any] = {"id": session_id, "user_id": user_id, "refresh_id": refresh_id}
        values |= {"created_at": now, "expires_at": expires_at, "address_hash": client_address_hash}
        self._connection.execute(insert(Session).values(**values))
        of_user = select(Session.id).where(Session.user_id == user_id)
        oldest = of_user.order_by(Session.created_at.desc(), Session.id.desc()).offset(SESSIONS_OF_USER.allowed)
        self._connection.execute(delete(Session).where(Session.id.in_(oldest)))
        return session_id, refresh_id

    def rotate(self, viewer: Viewer, refresh_id: str, *, grace: timedelta, now: datetime) -> Refresh | None:
        """Use a refresh token of the session, and return its successor.

        The token used last may be used again within `grace` of its first use, and has the same successor. Any other
        `refresh_id` means that a token was stolen: it ends the session, and None is returned.
        """
        present = self._database_time(now)
        is_unused = Session.refresh_id == refresh_id
        statement = (
            update(Session)
            .where(Session.id == viewer.session_id, Session.user_id == viewer.user_id, Session.expires_at > now)
            .where(or_(is_unused, _is_in_grace(refresh_id, present, grace)))
            .values(
                refresh_id=case((is_unused, new_id()), else_=Session.refresh_id),
                used_refresh_id=refresh_id,
                refreshed_at=case((is_unused, literal(present, Session.refreshed_at.type)), else_=Session.refreshed_at),
            )
            .returning(Session.refresh_id, Session.refreshed_at, Session.expires_at)
        )
        row = self._connection.execute(statement).mappings().one_or_none()
        if row is None:
            self.end(viewer)
            return None
        return Refresh(row["refresh_id"], row["refreshed_at"], row["expires_at"])

    def _database_time(self, now: datetime) -> datetime:
        """Return the present time (UTC) by one clock for all nodes: the database's, where that is another machine."""
        if self._connection.dialect.name == "sqlite":
            return now
        present: datetime = self._connection.execute(select(func.clock_timestamp())).scalar_one()
        return present

    def end(self, viewer: Viewer) -> None:
        """End the viewer's session; every process sees it at once."""
        self._connection.execute(
            delete(Session).where(Session.id == viewer.session_id, Session.user_id == viewer.user_id)
        )

    def end_all(self, user_id: str, *, keep: str | None = None) -> None:
        """End all sessions of the user but the one with the id `keep`, whose used refresh token loses its grace."""
        of_user = Session.user_id == user_id
        if keep is None:
            self._connection.execute(delete(Session).where(of_user))
            return
        self._connection.execute(delete(Session).where(of_user, Session.id != keep))
        no_grace = {"used_refresh_id": None, "refreshed_at": None}
        self._connection.execute(update(Session).where(of_user, Session.id == keep).values(no_grace))


def _is_in_grace(refresh_id: str, present: datetime, grace: timedelta) -> ColumnElement[bool]:
    """Return the condition that the token was used last, and first within `grace` of the present time.

    A time that lies further ahead, by a clock that was set back since, gives no grace.
    """
    return and_(
        Session.used_refresh_id == refresh_id,
        Session.refreshed_at > present - grace,
        Session.refreshed_at < present + grace,
    )
