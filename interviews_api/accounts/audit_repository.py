"""The SQL of security events: the one way to write them, and the reads of the person concerned and the operator."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    cast,
    delete,
    insert,
    literal_column,
    or_,
    select,
    true,
    union_all,
    update,
)

from interviews_api.accounts.audit_models import RETENTION, SecurityActor, SecurityEvent, SecurityEventType
from interviews_api.accounts.models import User, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, VIEWER
from interviews_api.db.pagination import Page, count_subquery, page_subquery, read_page
from interviews_api.ids import MALFORMED_ID, new_id

MAX_SIGN_INS_A_DAY = 20
"""Sign-ins of an account that have a row each on a day (UTC), and failed ones. One more row counts the others."""

_NEWEST_FIRST = (SecurityEvent.at.desc(), SecurityEvent.id)
_columns = (SecurityEvent.id, SecurityEvent.at, SecurityEvent.type, SecurityEvent.client_address)
# The cast makes both ranges alike: SQLite merges them in order only if their columns have the same affinity.
_USER = cast(literal_column(f"'{SecurityActor.USER}'"), SecurityEvent.actor.type)
# Two index ranges, which are disjoint: `actor_id` is never the `user_id` of its row.
_activity = union_all(
    select(*_columns, SecurityEvent.actor).where(SecurityEvent.user_id == VIEWER),
    select(*_columns, _USER.label("actor")).where(SecurityEvent.actor_id == VIEWER),
).subquery("activity")
_page = page_subquery(select(_activity), (_activity.c.at.desc(), _activity.c.id))
_count = count_subquery(select(_activity))
_ACTIVITY = (
    select(_count, _page)
    .select_from(User)
    .join(_count, true())
    .outerjoin(_page, true())
    .where(User.id == VIEWER, IS_SIGNED_IN)
)


class SecurityEventRepository:
    """Security events, written in the transaction of what they tell. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(
        self,
        event_type: SecurityEventType,
        user_id: str,
        *,
        actor: SecurityActor,
        now: datetime,
        actor_id: str | None = None,
        client_address: str | None = None,
        detail: str | None = None,
    ) -> str:
        """Insert an event and return its id. `actor_id` is given for a colleague only; see `SecurityEvent`."""
        values: dict[str, Any] = {"id": new_id(), "type": event_type, "user_id": user_id, "occurrences": 1}
        values |= {"actor": actor, "actor_id": actor_id, "client_address": client_address, "detail": detail}
        self._connection.execute(insert(SecurityEvent).values(**values, at=now, expires_at=now + RETENTION))
        return str(values["id"])

    def record_sign_in(self, user_id: str, *, client_address: str | None, now: datetime) -> None:
        """Record a sign-in, of which a day has a bounded number of rows."""
        self._record_or_count(SecurityEventType.SIGNED_IN, user_id, SecurityActor.USER, client_address, now)

    def record_failed_sign_in(self, user_id: str | None, *, client_address: str | None, now: datetime) -> None:
        """Record a failed sign-in to an account; without an account (None) leave no row.

        The statements are the same then, so that timing reveals nothing.
        """
        event_id = self._record_or_count(
            SecurityEventType.SIGN_IN_FAILED, user_id or MALFORMED_ID, SecurityActor.UNKNOWN, client_address, now
        )
        has_no_account = (SecurityEvent.id == event_id) & (SecurityEvent.user_id == MALFORMED_ID)
        self._connection.execute(delete(SecurityEvent).where(has_no_account))

    def _record_or_count(
        self,
        event_type: SecurityEventType,
        user_id: str,
        actor: SecurityActor,
        client_address: str | None,
        now: datetime,
    ) -> str:
        """Insert an event, or count it in the day's last row of its type; return the row's id.

        Locks the user's row, so that simultaneous events are counted right.
        """
        # FOR NO KEY UPDATE, which excludes itself, but not the FOR KEY SHARE of a sign-in.
        self._connection.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        is_alike = (SecurityEvent.user_id == user_id) & (SecurityEvent.type == event_type)
        alike = select(SecurityEvent.id).where(is_alike, SecurityEvent.at >= day).order_by(*_NEWEST_FIRST)
        newest = self._connection.execute(alike.limit(MAX_SIGN_INS_A_DAY + 1)).scalars().all()
        if len(newest) <= MAX_SIGN_INS_A_DAY:
            return self.record(event_type, user_id, actor=actor, client_address=client_address, now=now)
        values = {"client_address": client_address, "at": now, "expires_at": now + RETENTION}
        statement = update(SecurityEvent).where(SecurityEvent.id == newest[0])
        self._connection.execute(statement.values(**values, occurrences=SecurityEvent.occurrences + 1))
        return newest[0]

    def page(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Return a page of the events of the viewer's account and of those it caused, newest first.

        Raises Unauthorized.
        """
        values, sort = viewer.keys | {"limit": limit, "skip": skip}, (itemgetter("at"), True)
        return read_page(self._connection, _ACTIVITY, values, id_column="id", sort=sort)

    def newest(
        self, *, user_id: str | None, event_type: SecurityEventType | None, since: datetime | None, limit: int
    ) -> Sequence[RowMapping]:
        """Return the newest events with the present `email` of their user, which is None for a user that is gone.

        `user_id` selects the account concerned or the colleague that caused the event.
        """
        statement = select(SecurityEvent, User.email).outerjoin(User, User.id == SecurityEvent.user_id)
        if user_id is not None:
            statement = statement.where(or_(SecurityEvent.user_id == user_id, SecurityEvent.actor_id == user_id))
        if event_type is not None:
            statement = statement.where(SecurityEvent.type == event_type)
        if since is not None:
            statement = statement.where(SecurityEvent.at >= since)
        return self._connection.execute(statement.order_by(*_NEWEST_FIRST).limit(limit)).mappings().all()
