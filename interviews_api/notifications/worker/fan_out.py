"""Fan-out: writes one delivery per event, recipient and channel, in the order of the event log.

It also writes one delivery per account mail, and per password reset whose address has a user.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, RowMapping, exists, func, insert, select, update

from interviews_api.accounts.models import AccountMail, CompanyUser, PasswordReset, User
from interviews_api.db.pagination import SelectStatement
from interviews_api.db.upsert import dialect_insert
from interviews_api.events.models import PUBLISHED_TYPES, Event, EventType
from interviews_api.notifications.models import (
    Channel,
    Delivery,
    DeliveryStatus,
    FanOutPosition,
    Priority,
    PushSubscription,
    Webhook,
)
from interviews_api.notifications.recipients import SENT_TO_CANDIDATE, SENT_TO_COMPANY

BATCH = 500
MAX_DELIVERIES = 2000
"""Deliveries of events at which a batch ends. The event that reaches it is written whole, so a batch may have more.

An event may go to all users of a company, so BATCH events alone could be 100,000 rows.
"""

RETRY_WINDOW = timedelta(days=1)
"""How long a delivery is retried before it becomes a dead letter."""

_POSITION = select(FanOutPosition.event_id)
_LAST_FANNED_OUT = func.coalesce(_POSITION.scalar_subquery(), 0)
_IS_NEW_RESET = PasswordReset.is_fanned_out.is_(False)
_IS_NEW_MAIL = AccountMail.is_fanned_out.is_(False)
_HAS_WORK = select(
    exists().where(Event.id > _LAST_FANNED_OUT) | exists().where(_IS_NEW_RESET) | exists().where(_IS_NEW_MAIL)
)

# Recipients. `lookup_key` is the value that an event or a password reset has, `id` becomes the delivery's target.
_CANDIDATES = select(User.id.label("lookup_key"), User.id, User.email.label("address")).order_by(User.id)
_COMPANY_USERS = (
    select(CompanyUser.company_id.label("lookup_key"), User.id, User.email.label("address"))
    .join(User, User.id == CompanyUser.id)
    .order_by(User.id)
)
_SUBSCRIPTIONS = select(
    PushSubscription.candidate_id.label("lookup_key"), PushSubscription.id, PushSubscription.endpoint.label("address")
).order_by(PushSubscription.id)
_WEBHOOKS = (
    select(Webhook.company_id.label("lookup_key"), Webhook.id, Webhook.url.label("address"), Webhook.events)
    .where(Webhook.disabled_at.is_(None))
    .order_by(Webhook.id)
)
_MAIL_PRIORITIES = {
    EventType.CANCELLED: Priority.CANCELLED,
    EventType.RESCHEDULED: Priority.RESCHEDULED,
    EventType.REMINDER: Priority.REMINDER,
}
_RESET_USERS = select(User.email_key.label("lookup_key"), User.id, User.email.label("address")).order_by(User.id)
_NEXT_MAILS: SelectStatement = (
    select(AccountMail.id, AccountMail.originator_id, AccountMail.email.label("address"))
    .where(_IS_NEW_MAIL)
    .order_by(AccountMail.id)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)

Recipient = Row[Any]


class DeliveryFanOut:
    """Writes the deliveries of events, of password resets and of account mails. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has_work(self) -> bool:
        """Return whether `run` would find an event, a password reset or an account mail; only reads."""
        return bool(self._connection.execute(_HAS_WORK).scalar())

    def run(self, now: datetime) -> int:
        """Write the deliveries of the next events, resets and account mails; return how many of them there were.

        A batch of events ends early at MAX_DELIVERIES. Locks the position in the log until the commit, so workers take
        turns and each event is read once.
        """
        events, resets, mails = self._next_events(), self._take_resets(), self._take_mails()
        events, rows = self._deliveries_of(events, now)
        rows += [_reset_values(reset_id, user, now=now) for reset_id, user in resets]
        rows += [_mail_values(mail, now=now) for mail in mails]
        if rows:
            self._connection.execute(insert(Delivery), rows)
        if events:
            self._connection.execute(update(FanOutPosition).values(event_id=events[-1]["id"]))
        return len(events) + len(resets) + len(mails)

    def _next_events(self) -> Sequence[RowMapping]:
        statement = select(Event).where(Event.id > self._lock_position()).order_by(Event.id).limit(BATCH)
        return self._connection.execute(statement).mappings().all()

    def _deliveries_of(
        self, events: Sequence[RowMapping], now: datetime
    ) -> tuple[Sequence[RowMapping], list[dict[str, Any]]]:
        """Return the events up to the one that reaches MAX_DELIVERIES, and the values of their deliveries."""
        recipients = _EventRecipients(self._connection, events)
        rows: list[dict[str, Any]] = []
        for number, event in enumerate(events):
            if len(rows) >= MAX_DELIVERIES:
                return events[:number], rows
            rows += [_event_values(event, *recipient, now=now) for recipient in recipients.of(event)]
        return events, rows

    def _lock_position(self) -> int:
        locked = _POSITION.with_for_update()
        position = self._connection.execute(locked).scalar()
        if position is None:
            first = dialect_insert(self._connection, FanOutPosition).values(id=1, event_id=0)
            self._connection.execute(first.on_conflict_do_nothing())
            position = self._connection.execute(locked).scalar_one()
        return int(position)

    def _take_resets(self) -> list[tuple[str, Recipient]]:
        """Return reset ids with the user of the address; mark all resets as fanned out, also those without a user."""
        statement = select(PasswordReset.id, PasswordReset.email_key).where(_IS_NEW_RESET).limit(BATCH)
        resets = self._connection.execute(statement.with_for_update(skip_locked=True)).all()
        if not resets:
            return []
        users = _read_by_lookup_key(self._connection, _RESET_USERS, {reset.email_key for reset in resets})
        taken = PasswordReset.id.in_([reset.id for reset in resets])
        self._connection.execute(update(PasswordReset).where(taken).values(is_fanned_out=True))
        return [(reset.id, user) for reset in resets for user in users[reset.email_key]]

    def _take_mails(self) -> Sequence[Recipient]:
        """Return the next account mails, each a recipient of its own, and mark them as fanned out."""
        mails = self._connection.execute(_NEXT_MAILS).all()
        if mails:
            taken = AccountMail.id.in_([mail.id for mail in mails])
            self._connection.execute(update(AccountMail).where(taken).values(is_fanned_out=True))
        return mails


class _EventRecipients:
    """The recipients of a batch of events: one statement for each kind of recipient."""

    def __init__(self, connection: Connection, events: Sequence[RowMapping]) -> None:
        candidate_ids = {event["candidate_id"] for event in events}
        company_ids = {event["company_id"] for event in events}
        self._candidates = _read_by_lookup_key(connection, _CANDIDATES, candidate_ids)
        self._company_users = _read_by_lookup_key(connection, _COMPANY_USERS, company_ids)
        self._subscriptions = _read_by_lookup_key(connection, _SUBSCRIPTIONS, candidate_ids)
        self._webhooks = _read_by_lookup_key(connection, _WEBHOOKS, company_ids)

    def of(self, event: RowMapping) -> Iterator[tuple[Channel, Recipient, str]]:
        """Yield each recipient of the event with its channel, and the originator of the delivery.

        The originator of a mail is the other party, because its sender could flood many receivers. That of a push
        message or webhook is the party that registered the receiver, because the receiver could be slow.
        """
        candidate_id, company_id = event["candidate_id"], event["company_id"]
        if event["type"] in SENT_TO_CANDIDATE:
            yield from ((Channel.EMAIL, user, company_id) for user in self._candidates[candidate_id])
            yield from ((Channel.PUSH, browser, candidate_id) for browser in self._subscriptions[candidate_id])
        if event["type"] in SENT_TO_COMPANY:
            yield from ((Channel.EMAIL, user, candidate_id) for user in self._company_users[company_id])
        if event["type"] in PUBLISHED_TYPES:
            yield from ((Channel.WEBHOOK, webhook, company_id) for webhook in self._subscribed_webhooks(event))

    def _subscribed_webhooks(self, event: RowMapping) -> Iterator[Recipient]:
        for webhook in self._webhooks[event["company_id"]]:
            if webhook.events is None or event["type"] in webhook.events:
                yield webhook


def _read_by_lookup_key(
    connection: Connection, recipients: SelectStatement, keys: Iterable[str]
) -> Mapping[str, list[Recipient]]:
    """Return the recipients of these candidates, companies or addresses, by that key; an empty list for other keys."""
    by_key: dict[str, list[Recipient]] = defaultdict(list)
    is_wanted = recipients.selected_columns["lookup_key"].in_(sorted(keys))
    for recipient in connection.execute(recipients.where(is_wanted)):
        by_key[recipient.lookup_key].append(recipient)
    return by_key


def recipient_label(channel: Channel, address: str) -> str:
    """Return the recipient as a person reads it; for push only the host, because the rest of the endpoint is secret."""
    return urlsplit(address).hostname or "" if channel is Channel.PUSH else address


def delivery_values(
    channel: Channel,
    target_id: str,
    address: str,
    originator_id: str,
    *,
    key: str,
    now: datetime,
    priority: Priority = Priority.ACCOUNT,
    event: RowMapping | None = None,
    reset_id: str | None = None,
    account_mail_id: str | None = None,
    webhook_id: str | None = None,
) -> dict[str, Any]:
    """Return the values of a new delivery to the target with this address, due now."""
    return {
        "event_id": event and event["id"],
        "interview_id": event and event["interview_id"],
        "reset_id": reset_id,
        "account_mail_id": account_mail_id,
        "webhook_id": webhook_id,
        "channel": channel,
        "target_id": target_id,
        "originator_id": originator_id,
        "priority": priority,
        "recipient": recipient_label(channel, address),
        "key": key,
        "created_at": now,
        "status": DeliveryStatus.PENDING,
        "due_at": now,
        "give_up_at": now + RETRY_WINDOW,
        "attempts": 0,
    }


def _event_values(
    event: RowMapping, channel: Channel, recipient: Recipient, originator_id: str, *, now: datetime
) -> dict[str, Any]:
    is_mail = channel is Channel.EMAIL
    priority = _MAIL_PRIORITIES.get(event["type"], Priority.OTHER) if is_mail else Priority.OTHER
    address, key = recipient.address, str(event["id"])
    return delivery_values(
        channel, recipient.id, address, originator_id, key=key, now=now, priority=priority, event=event
    )


def _reset_values(reset_id: str, user: Recipient, *, now: datetime) -> dict[str, Any]:
    key = f"reset-{reset_id}"
    return delivery_values(Channel.EMAIL, user.id, user.address, user.id, key=key, now=now, reset_id=reset_id)


def _mail_values(mail: Recipient, *, now: datetime) -> dict[str, Any]:
    key = f"account-{mail.id}"
    return delivery_values(
        Channel.EMAIL, mail.id, mail.address, mail.originator_id, key=key, now=now, account_mail_id=mail.id
    )
