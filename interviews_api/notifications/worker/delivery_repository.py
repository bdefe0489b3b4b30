"""The SQL of claims: find due deliveries, claim them, and write their outcome."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Update, exists, func, select, update

from interviews_api.notifications.models import (
    IS_ABOUT_ACCOUNT,
    IS_ABOUT_INTERVIEW,
    IS_PENDING,
    Channel,
    Delivery,
    DeliveryStatus,
)

LEASE_TIME = timedelta(seconds=60)

Group = tuple[str, str]
"""A target and an originator: deliveries that are attempted one after the other."""


@dataclass(frozen=True)
class Queue:
    """The deliveries of one channel worker: of a channel, those about interviews or those about accounts."""

    channel: Channel
    is_about_accounts: bool = False

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """The SQL conditions on its deliveries: pending ones of the queue."""
        return IS_PENDING, Delivery.channel == self.channel, self._priority

    @property
    def _priority(self) -> ColumnElement[bool]:
        return IS_ABOUT_ACCOUNT if self.is_about_accounts else IS_ABOUT_INTERVIEW


@dataclass(frozen=True)
class DueDelivery:
    """A delivery that is due, so that a worker may claim it."""

    id: int
    target_id: str
    originator_id: str
    attempts: int
    priority: int
    give_up_at: datetime

    @property
    def group(self) -> Group:
        """The group of the delivery."""
        return self.target_id, self.originator_id


DUE_COLUMNS = [getattr(Delivery, field.name).label(field.name) for field in fields(DueDelivery)]


@dataclass(frozen=True)
class Claim(DueDelivery):
    """A delivery that this worker holds until its lease lapses.

    `lease_token` identifies the claim in the row. `attempts` includes the attempt that the claim is for.
    """

    lease_token: str

    @classmethod
    def of(cls, due: DueDelivery, lease_token: str) -> Self:
        """Return the claim of a due delivery for its next attempt."""
        return cls(**asdict(due) | {"attempts": due.attempts + 1}, lease_token=lease_token)


class DeliveryRepository:
    """Deliveries in the hands of a worker. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_any_due(self, queue: Queue, now: datetime) -> bool:
        """Return whether any delivery of the queue is due; only reads."""
        due = exists().where(*queue.conditions, Delivery.due_at <= now)
        return bool(self._connection.execute(select(due)).scalar())

    def due_originators(self, queue: Queue, *, now: datetime, first: str = "", limit: int) -> list[str]:
        """Return the originators of due deliveries, by id from `first` on, at most `limit`; only reads.

        Steps from originator to originator in the index, so a long backlog of one originator costs nothing.
        """
        ids = func.min(Delivery.originator_id, type_=Delivery.originator_id.type)
        originators = (
            select(ids.label("id")).where(*queue.conditions, Delivery.originator_id >= first).cte(recursive=True)
        )
        following = select(ids).where(*queue.conditions, Delivery.originator_id > originators.c.id).scalar_subquery()
        originators = originators.union_all(select(following).where(originators.c.id.is_not(None)))
        has_due = exists().where(*queue.conditions, Delivery.originator_id == originators.c.id, Delivery.due_at <= now)
        statement = select(originators.c.id).where(originators.c.id.is_not(None), has_due).limit(limit)
        return list(self._connection.execute(statement).scalars())

    def lock_due(
        self,
        queue: Queue,
        originator_id: str,
        *,
        now: datetime,
        limit: int,
        without_targets: Collection[str] = (),
    ) -> list[DueDelivery]:
        """Lock up to `limit` due deliveries of the originator and return them: fewest attempts first, then by priority.

        Deliveries to `without_targets` are left out. On Postgres other workers skip the locked rows until the
        transaction ends. SQLite has one writer at a time.
        """
        rows = self._connection.execute(
            select(*DUE_COLUMNS)
            .where(
                *queue.conditions,
                Delivery.originator_id == originator_id,
                Delivery.due_at <= now,
                Delivery.target_id.not_in(without_targets),
            )
            .order_by(Delivery.attempts, Delivery.priority, Delivery.due_at, Delivery.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [DueDelivery(**row) for row in rows.mappings()]

    def claim(self, due: Sequence[DueDelivery], lease_token: str, until: datetime) -> list[Claim]:
        """Claim locked deliveries under one lease token, and return the claims.

        Their `due_at` becomes `until`, so after a crash of this worker they are due again when the lease lapses.
        """
        values = {"due_at": until, "lease": lease_token, "attempts": Delivery.attempts + 1}
        is_claimed = Delivery.id.in_([delivery.id for delivery in due])
        self._connection.execute(update(Delivery).where(is_claimed).values(values))
        return [Claim.of(delivery, lease_token) for delivery in due]

    def finish(
        self,
        claim: Claim,
        status: DeliveryStatus,
        *,
        now: datetime,
        error: str | None = None,
        status_code: int | None = None,
    ) -> bool:
        """End the delivery; return False, and change nothing, when another worker has claimed it since."""
        sent_at = now if status is DeliveryStatus.SENT else None
        return self._write(claim, status=status, sent_at=sent_at, error=error, last_status_code=status_code)

    def postpone(self, claim: Claim, until: datetime, *, error: str, status_code: int | None = None) -> bool:
        """Plan the next attempt; return False, and change nothing, when another worker has claimed it since."""
        return self._write(claim, due_at=until, error=error, last_status_code=status_code)

    def release(self, claims: Sequence[Claim], until: datetime) -> None:
        """Make claims that were not attempted due at `until`; they share one lease token."""
        is_held = Delivery.id.in_([claim.id for claim in claims]) & (Delivery.lease == claims[0].lease_token)
        values = {"due_at": until, "attempts": Delivery.attempts - 1, "lease": None}
        self._connection.execute(update(Delivery).where(is_held).values(values))

    def _write(self, claim: Claim, **values: Any) -> bool:
        statement: Update = update(Delivery).where(Delivery.id == claim.id, Delivery.lease == claim.lease_token)
        return self._connection.execute(statement.values(lease=None, **values)).rowcount == 1
