"""The SQL of the worker: claim due deliveries, read their context, and write their outcome."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    RowMapping,
    Update,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    null,
    select,
    union_all,
    update,
)

from interviews_api.accounts.models import AccountMail, Candidate, Company, CompanyUser, Invitation, PasswordReset, User
from interviews_api.events.models import Event
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.company_repository import CANDIDATE_AND_JOB_COLUMNS, COLUMNS_BUT_ID
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import Channel, Delivery, DeliveryStatus, PushSubscription, Webhook

LEASE_TIME = timedelta(seconds=60)

# A literal, because a bound parameter would keep Postgres from using the partial index.
_IS_PENDING = Delivery.status == literal_column(f"'{DeliveryStatus.PENDING}'", Delivery.status.type)
_DELIVERY_CONTEXT = (
    select(
        Delivery.key,
        Delivery.channel,
        Delivery.target_id,
        Delivery.reset_id,
        Delivery.account_mail_id,
        Event.id.label("event_id"),
        Event.type.label("event_type"),
        Event.at.label("event_at"),
        Event.actor.label("event_actor"),
        Event.revision.label("event_revision"),
        Event.previous_starts_at,
        Interview.id.label("interview_id"),
        *COLUMNS_BUT_ID,
        *CANDIDATE_AND_JOB_COLUMNS,
        Company.name.label("company_name"),
        Company.address.label("company_address"),
        Company.phone.label("company_phone"),
        Company.email.label("company_email"),
        Company.approval.label("company_approval"),
        PasswordReset.created_at.label("reset_created_at"),
        PasswordReset.expires_at.label("reset_expires_at"),
        AccountMail.kind.label("mail_kind"),
        AccountMail.details.label("mail_details"),
        AccountMail.created_at.label("mail_created_at"),
        AccountMail.expires_at.label("mail_expires_at"),
        Invitation.id.label("invitation_id"),
    )
    .select_from(Delivery)
    .outerjoin(Event, Event.id == Delivery.event_id)
    .outerjoin(Interview, Interview.id == Delivery.interview_id)
    .outerjoin(Application, Application.id == Interview.application_id)
    .outerjoin(Job, Job.id == Application.job_id)
    .outerjoin(Company, Company.id == Interview.company_id)
    .outerjoin(Candidate, Candidate.id == Interview.candidate_id)
    .outerjoin(User, User.id == Candidate.id)
    .outerjoin(PasswordReset, PasswordReset.id == Delivery.reset_id)
    .outerjoin(AccountMail, AccountMail.id == Delivery.account_mail_id)
    .outerjoin(Invitation, Invitation.id == AccountMail.id)
    .where(Delivery.id == bindparam("delivery_id", type_=Delivery.id.type))
)
_TARGET = bindparam("target_id", type_=Delivery.target_id.type)
_TARGETS: dict[Channel, Executable] = {
    Channel.EMAIL: union_all(
        select(User.id, User.email, User.role).where(User.id == _TARGET),
        select(AccountMail.id, AccountMail.email, null()).where(AccountMail.id == _TARGET),
    ),
    Channel.PUSH: select(PushSubscription).where(PushSubscription.id == _TARGET),
    Channel.WEBHOOK: select(Webhook).where(Webhook.id == _TARGET, Webhook.disabled_at.is_(None)),
}
# A target's id and its owner. A target without a row here (a candidate, a deleted target) counts as its own owner.
_OWNERS: dict[Channel, tuple[Any, Any]] = {
    Channel.EMAIL: (CompanyUser.id, CompanyUser.company_id),
    Channel.PUSH: (PushSubscription.id, PushSubscription.candidate_id),
    Channel.WEBHOOK: (Webhook.id, Webhook.company_id),
}


@dataclass(frozen=True)
class DueDelivery:
    """A delivery that is due, so that a worker may claim it."""

    id: int
    target_id: str
    owner: str
    attempts: int
    give_up_at: datetime


@dataclass(frozen=True)
class Claim(DueDelivery):
    """A delivery that this worker holds until its lease lapses.

    `lease_token` identifies the claim in the row. `attempts` includes the attempt that the claim is for.
    """

    lease_token: str


class DeliveryRepository:
    """Deliveries in the hands of a worker. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_any_due(self, channel: Channel, now: datetime) -> bool:
        """Return whether `lock_due` may find a delivery; only reads."""
        due = exists().where(_IS_PENDING, Delivery.channel == channel, Delivery.due_at <= now)
        return bool(self._connection.execute(select(due)).scalar())

    def lock_due(
        self,
        channel: Channel,
        *,
        now: datetime,
        limit: int,
        without_targets: Collection[str] = (),
        without_owners: Collection[str] = (),
    ) -> list[DueDelivery]:
        """Lock up to `limit` due deliveries and return them, the longest due first.

        Deliveries to `without_targets` and to targets of `without_owners` are left out. On Postgres other workers skip
        the locked rows until the transaction ends. SQLite has one writer at a time.
        """
        target_id, owner = _OWNERS[channel]
        owner_of_target = select(owner).where(target_id == Delivery.target_id).scalar_subquery()
        rows = self._connection.execute(
            select(
                Delivery.id,
                Delivery.target_id,
                func.coalesce(owner_of_target, Delivery.target_id).label("owner"),
                Delivery.attempts,
                Delivery.give_up_at,
            )
            .where(
                _IS_PENDING,
                Delivery.channel == channel,
                Delivery.due_at <= now,
                Delivery.target_id.not_in(without_targets),
                Delivery.target_id.not_in(select(target_id).where(owner.in_(without_owners))),
            )
            .order_by(Delivery.due_at, Delivery.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=Delivery)
        )
        return [DueDelivery(row.id, row.target_id, row.owner, row.attempts, row.give_up_at) for row in rows]

    def claim(self, due: Sequence[DueDelivery], lease_token: str, until: datetime) -> list[Claim]:
        """Claim locked deliveries under one lease token, and return the claims.

        Their `due_at` becomes `until`, so after a crash of this worker they are due again when the lease lapses.
        """
        values = {"due_at": until, "lease": lease_token, "attempts": Delivery.attempts + 1}
        is_claimed = Delivery.id.in_([delivery.id for delivery in due])
        self._connection.execute(update(Delivery).where(is_claimed).values(values))
        return [Claim(row.id, row.target_id, row.owner, row.attempts + 1, row.give_up_at, lease_token) for row in due]

    def context(self, delivery_id: int) -> RowMapping:
        """Return the delivery's context: its event, reset or account mail, and interview, job and people as of now."""
        return self._connection.execute(_DELIVERY_CONTEXT, {"delivery_id": delivery_id}).mappings().one()

    def target(self, channel: Channel, target_id: str) -> RowMapping | None:
        """Return the row of the user, mail, subscription or webhook; None when it was deleted or disabled."""
        return self._connection.execute(_TARGETS[channel], {"target_id": target_id}).mappings().one_or_none()

    def finish(self, claim: Claim, status: DeliveryStatus, *, now: datetime, error: str | None = None) -> bool:
        """End the delivery; return False, and change nothing, when another worker has claimed it since."""
        sent_at = now if status is DeliveryStatus.SENT else None
        return self._write(claim, status=status, sent_at=sent_at, error=error)

    def postpone(self, claim: Claim, until: datetime, *, error: str) -> bool:
        """Plan the next attempt; return False, and change nothing, when another worker has claimed it since."""
        return self._write(claim, due_at=until, error=error)

    def release(self, claims: Sequence[Claim], until: datetime) -> None:
        """Make claims that were not attempted due at `until`; they share one lease token."""
        is_held = Delivery.id.in_([claim.id for claim in claims]) & (Delivery.lease == claims[0].lease_token)
        values = {"due_at": until, "attempts": Delivery.attempts - 1, "lease": None}
        self._connection.execute(update(Delivery).where(is_held).values(values))

    def remove_subscription(self, subscription_id: str) -> None:
        """Delete a subscription that its push service reported as gone."""
        self._connection.execute(delete(PushSubscription).where(PushSubscription.id == subscription_id))

    def disable_webhook(self, webhook_id: str, now: datetime) -> None:
        """Disable a webhook whose receiver answered 410."""
        self._connection.execute(update(Webhook).where(Webhook.id == webhook_id).values(disabled_at=now))

    def _write(self, claim: Claim, **values: Any) -> bool:
        statement: Update = update(Delivery).where(Delivery.id == claim.id, Delivery.lease == claim.lease_token)
        return self._connection.execute(statement.values(lease=None, **values)).rowcount == 1
