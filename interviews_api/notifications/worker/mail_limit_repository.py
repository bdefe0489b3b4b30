"""The SQL of the limits on mails: count the mails of the last day, and hold back mails over a limit."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, select, update

from interviews_api.accounts.models import Role, User
from interviews_api.notifications.models import IS_ABOUT_INTERVIEW, Channel, Delivery
from interviews_api.notifications.worker.delivery_repository import DUE_COLUMNS, DueDelivery, Group, Queue
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW
from interviews_api.notifications.worker.mail_limits import DAY, LIMITS, Hold, MailBudget, Verdict

# One transaction at a time counts and claims, because another's claims are invisible before its commit.
_COUNTING_LOCK = 0x6D61696C73  # "mails"
_TAKE_COUNTING_LOCK = select(func.pg_advisory_xact_lock(_COUNTING_LOCK))
_MAILS = Queue(Channel.EMAIL)


class MailLimitRepository:
    """The mails about interviews that are sent or in progress. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_counts(self) -> None:
        """Wait until no other transaction counts; SQLite has one writer at a time."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_TAKE_COUNTING_LOCK)

    def within_limits(self, due: Sequence[DueDelivery], now: datetime) -> tuple[list[DueDelivery], bool]:
        """Return the due mails that may be sent now, and whether others were held back until a limit allows them.

        Held mails stay pending, and their day of retries begins when they are due again.
        """
        targets = sorted({delivery.target_id for delivery in due})
        roles = self._connection.execute(select(User.id, User.role).where(User.id.in_(targets)))
        limits = {row.id: LIMITS[Role(row.role)] for row in roles}
        # In this order, a mail that is sent between the two statements counts twice instead of not at all.
        in_progress = self._in_progress(targets, {delivery.id for delivery in due})
        budget = MailBudget(limits, self._sent(targets, now), in_progress)
        by_priority = sorted(due, key=attrgetter("priority"))
        verdicts = {delivery.id: budget.judge(delivery.group) for delivery in by_priority}
        sendable: list[DueDelivery] = []
        holds: dict[Group, Hold] = {}
        waiting: set[Group] = set()
        for delivery in due:
            verdict = verdicts[delivery.id]
            if isinstance(verdict, Hold):
                holds[delivery.group] = verdict
            elif verdict is Verdict.WAIT:
                waiting.add(delivery.group)
            else:
                sendable.append(delivery)
        for group, hold in holds.items():
            self._hold(group, hold, now)
        for group in waiting:
            sendable += self._lapsed(group, {delivery.id for delivery in sendable}, now)
        return sendable, bool(holds)

    def _sent(self, targets: Sequence[str], now: datetime) -> Counter[Group]:
        statement = (
            select(Delivery.target_id, Delivery.originator_id, func.count())
            .where(Delivery.target_id.in_(targets), Delivery.sent_at > now - DAY, IS_ABOUT_INTERVIEW)
            .group_by(Delivery.target_id, Delivery.originator_id)
        )
        return Counter(
            {(target, originator): count for target, originator, count in self._connection.execute(statement)}
        )

    def _in_progress(self, targets: Sequence[str], due_ids: Collection[int]) -> Counter[Group]:
        """Count the claims of all workers; a claim whose lease has lapsed counts until it is claimed again."""
        statement = select(Delivery.id, Delivery.target_id, Delivery.originator_id).where(
            Delivery.target_id.in_(targets), Delivery.lease.is_not(None), IS_ABOUT_INTERVIEW
        )
        rows = self._connection.execute(statement)
        return Counter((row.target_id, row.originator_id) for row in rows if row.id not in due_ids)

    def _lapsed(self, group: Group, but: Collection[int], now: datetime) -> list[DueDelivery]:
        """Lock and return claims of the group whose lease has lapsed; they were counted when they were claimed.

        Otherwise the other mails of the group would wait for them, and get claimed before them.
        """
        statement = (
            select(*DUE_COLUMNS)
            .where(*_due_mails(group, now), Delivery.lease.is_not(None), Delivery.id.not_in(but))
            .with_for_update(skip_locked=True)
        )
        return [DueDelivery(**row) for row in self._connection.execute(statement).mappings()]

    def _hold(self, group: Group, hold: Hold, now: datetime) -> None:
        """Hold all due mails of the group."""
        target, originator = group
        sent = select(Delivery.sent_at).where(
            Delivery.target_id == target, Delivery.sent_at > now - DAY, IS_ABOUT_INTERVIEW
        )
        if hold.is_of_originator:
            sent = sent.where(Delivery.originator_id == originator)
        nth = sent.order_by(Delivery.sent_at.desc()).offset(hold.number - 1).limit(1)
        sent_at: Any = self._connection.execute(nth).scalar_one()  # never None, for the condition leaves that out
        free_at = sent_at + DAY
        values: dict[str, Any] = {"due_at": free_at, "give_up_at": free_at + RETRY_WINDOW}
        values |= {"held_at": func.coalesce(Delivery.held_at, literal(now, Delivery.held_at.type)), "lease": None}
        self._connection.execute(update(Delivery).where(*_due_mails(group, now)).values(values))


def _due_mails(group: Group, now: datetime) -> tuple[ColumnElement[bool], ...]:
    target, originator = group
    return (
        *_MAILS.conditions,
        Delivery.originator_id == originator,
        Delivery.target_id == target,
        Delivery.due_at <= now,
    )
