"""From events to deliveries: one row for each recipient and channel, written in the order of the log."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, exists, func, insert, select, update

from interviews_api.accounts.models import CompanyUser, PasswordReset, User
from interviews_api.db.upsert import dialect_insert
from interviews_api.events.models import CHANGES, Event
from interviews_api.notifications.models import (
    Channel,
    Delivery,
    DeliveryStatus,
    Distribution,
    PushSubscription,
    Webhook,
)
from interviews_api.notifications.recipients import MAILED_TO_CANDIDATE, MAILED_TO_COMPANY

_ADDRESS = 2  # the column of each recipient: whose or of whom, id, address
BATCH = 500
RETRY_WINDOW = timedelta(days=1)
"""How long a delivery is retried."""

_POSITION = select(Distribution.event_id)
_REACHED = func.coalesce(_POSITION.scalar_subquery(), 0)
_IS_UNMAILED = PasswordReset.mailed.is_(False)
_HAS_NEWS = select(exists().where(Event.id > _REACHED) | exists().where(_IS_UNMAILED))


class DeliveryFanOut:
    """Writes the deliveries of what happened. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has_pending(self) -> bool:
        """Whether `distribute` would find something; only reads."""
        return bool(self._connection.execute(_HAS_NEWS).scalar())

    def run(self, now: datetime) -> int:
        """Write the deliveries of the next events and of requests for a new password; how many of both it took.

        One at a time: the position is locked until the commit, and moves with what was written.
        """
        position = self._lock_position()
        events = (
            self._connection.execute(select(Event).where(Event.id > position).order_by(Event.id).limit(BATCH))
            .mappings()
            .all()
        )
        rows = [*self._of_events(events, now)]
        resets = self._resets()
        rows += [_row(now, user, Channel.EMAIL, key=f"reset-{reset.id}", reset_id=reset.id) for reset, user in resets]
        if rows:
            self._connection.execute(insert(Delivery), rows)
        if events:
            self._connection.execute(update(Distribution).values(event_id=events[-1]["id"]))
        return len(events) + len(resets)

    def _lock_position(self) -> int:
        first = dialect_insert(self._connection, Distribution).values(id=1, event_id=0).on_conflict_do_nothing()
        locked = _POSITION.with_for_update()
        position = self._connection.execute(locked).scalar()
        if position is None:
            self._connection.execute(first)
            position = self._connection.execute(locked).scalar_one()
        return int(position)

    def _of_events(self, events: list[RowMapping] | Any, now: datetime) -> Iterator[dict[str, Any]]:
        candidates = {event["candidate_id"] for event in events}
        companies = {event["company_id"] for event in events}
        people = self._by(User.id, select(User.id.label("whose"), User.id, User.email), User.id, candidates)
        staff = select(CompanyUser.company_id, User.id, User.email).join(User, User.id == CompanyUser.id)
        colleagues = self._by(CompanyUser.company_id, staff, User.id, companies)
        browsers = select(PushSubscription.candidate_id, PushSubscription.id, PushSubscription.endpoint)
        subscriptions = self._by(PushSubscription.candidate_id, browsers, PushSubscription.id, candidates)
        hooks = select(Webhook.company_id, Webhook.id, Webhook.url, Webhook.events).where(Webhook.disabled_at.is_(None))
        webhooks = self._by(Webhook.company_id, hooks, Webhook.id, companies)
        for event in events:
            recipients: list[tuple[Channel, Any]] = []
            if event["type"] in MAILED_TO_CANDIDATE:
                recipients += [(Channel.EMAIL, one) for one in people[event["candidate_id"]]]
                recipients += [(Channel.PUSH, one) for one in subscriptions[event["candidate_id"]]]
            if event["type"] in MAILED_TO_COMPANY:
                recipients += [(Channel.EMAIL, one) for one in colleagues[event["company_id"]]]
            if event["type"] in CHANGES:
                recipients += [
                    (Channel.WEBHOOK, one)
                    for one in webhooks[event["company_id"]]
                    if one.events is None or event["type"] in one.events
                ]
            for channel, recipient in recipients:
                yield _row(now, recipient, channel, key=str(event["id"]), event=event)

    def _by(self, key: Any, statement: Any, order: Any, values: Iterable[str]) -> Mapping[str, list[Row[Any]]]:
        """The rows, by the key, of all that have one of these values."""
        found: dict[str, list[Row[Any]]] = defaultdict(list)
        condition: ColumnElement[bool] = key.in_(sorted(values))
        for row in self._connection.execute(statement.where(condition).order_by(order)):
            found[row[0]].append(row)
        return found

    def _resets(self) -> list[tuple[Any, Any]]:
        """Requests with the user who has that address; all are marked, also those that nobody has."""
        asked = select(PasswordReset.id, PasswordReset.email_key).where(_IS_UNMAILED).limit(BATCH)
        resets = self._connection.execute(asked.with_for_update(skip_locked=True)).all()
        if not resets:
            return []
        keys, ids = [reset.email_key for reset in resets], [reset.id for reset in resets]
        users = self._by(User.email_key, select(User.email_key, User.id, User.email), User.id, keys)
        self._connection.execute(update(PasswordReset).where(PasswordReset.id.in_(ids)).values(mailed=True))
        return [(reset, user) for reset in resets for user in users[reset.email_key]]


def recipient_name(channel: Channel, address: str) -> str:
    """How a person reads whom it goes to; of a push endpoint the host, for the rest of it is a secret."""
    return urlsplit(address).hostname or "" if channel is Channel.PUSH else address


def _row(
    now: datetime, recipient: Any, channel: Channel, *, key: str, event: Any = None, reset_id: str | None = None
) -> dict[str, Any]:
    return {
        "event_id": event["id"] if event else None,
        "interview_id": event["interview_id"] if event else None,
        "reset_id": reset_id,
        "channel": channel,
        "target_id": recipient.id,
        "recipient": recipient_name(channel, recipient[_ADDRESS]),
        "key": key,
        "status": DeliveryStatus.PENDING,
        "due_at": now,
        "give_up_at": now + RETRY_WINDOW,
        "attempts": 0,
    }
