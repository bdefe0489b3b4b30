"""The SQL of the worker: claim due deliveries, read their context, and write their outcome."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    RowMapping,
    Update,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from interviews_api.accounts.models import (
    AccountMail,
    Candidate,
    Company,
    EmailVerification,
    Invitation,
    PasswordReset,
    User,
)
from interviews_api.events.models import Event, EventType
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.company_repository import CANDIDATE_AND_JOB_COLUMNS, COLUMNS_BUT_ID
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import (
    Channel,
    Delivery,
    DeliveryStatus,
    MutedCompany,
    PushSubscription,
    Webhook,
)

LEASE_TIME = timedelta(seconds=60)

Group = tuple[str, str]
"""A target and an originator: deliveries that are attempted one after the other."""

# Literals, because bound parameters would keep Postgres from using the partial indexes.
_IS_PENDING = Delivery.status == literal_column(f"'{DeliveryStatus.PENDING}'", Delivery.status.type)
_IS_ABOUT_ACCOUNT = Delivery.priority == literal_column("0")
_IS_ABOUT_NO_ACCOUNT = Delivery.priority > literal_column("0")
_webhook_company = aliased(Company)
_newer = aliased(Delivery)
_other = aliased(Delivery)
_other_event = aliased(Event)
_invited = aliased(User)
_IS_SUPERSEDED = exists().where(
    _newer.interview_id == Delivery.interview_id,
    _newer.target_id == Delivery.target_id,
    _newer.status.in_((DeliveryStatus.PENDING, DeliveryStatus.SENT)),
    tuple_(_newer.event_id, _newer.id) > tuple_(Delivery.event_id, Delivery.id),
)
# Mails to the company's own users are about the same interview, but never muted.
_IS_TO_CANDIDATE = or_(Delivery.channel == Channel.PUSH, Delivery.target_id == Interview.candidate_id)
_IS_OF_MUTED_COMPANY = exists().where(
    MutedCompany.candidate_id == Interview.candidate_id, MutedCompany.company_id == Interview.company_id
)
_INVITES_FOR_MUTED_COMPANY = exists().where(
    _invited.email_key == Invitation.email_key,
    MutedCompany.candidate_id == _invited.id,
    MutedCompany.company_id == Invitation.company_id,
)
_IS_MUTED = or_(_IS_TO_CANDIDATE & _IS_OF_MUTED_COMPANY, _INVITES_FOR_MUTED_COMPANY)


def _count_cancellations(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Count the target's other deliveries of cancellations by the company that meet the conditions."""
    is_cancellation = (_other_event.company_id == Interview.company_id) & (_other_event.type == EventType.CANCELLED)
    statement = select(func.count()).select_from(_other).join(_other_event, _other_event.id == _other.event_id)
    return statement.where(_other.target_id == Delivery.target_id, is_cancellation, *conditions).scalar_subquery()


# Of those in progress only the earlier ones count, so that of several workers not each waits for the other.
_CANCELLATIONS = _count_cancellations(
    _other.priority > literal_column("0"), _other.sent_at > bindparam("day_ago", type_=Delivery.sent_at.type)
) + _count_cancellations(_other.lease.is_not(None), _other.id < Delivery.id)
_DELIVERY_CONTEXT = (
    select(
        Delivery.key,
        Delivery.channel,
        Delivery.target_id,
        Delivery.reset_id,
        Delivery.account_mail_id,
        Delivery.webhook_id,
        Delivery.held_at,
        (Delivery.held_at.is_not(None) & _IS_SUPERSEDED).label("is_superseded"),
        _IS_MUTED.label("is_muted"),
        case((_IS_MUTED & (Event.type == EventType.CANCELLED), _CANCELLATIONS), else_=0).label("other_cancellations"),
        Event.id.label("event_id"),
        Event.type.label("event_type"),
        Event.at.label("event_at"),
        Event.actor.label("event_actor"),
        Event.revision.label("event_revision"),
        Event.previous_starts_at,
        Interview.id.label("interview_id"),
        Interview.accepted_at,
        *COLUMNS_BUT_ID,
        *CANDIDATE_AND_JOB_COLUMNS,
        func.coalesce(Company.name, _webhook_company.name).label("company_name"),
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
        EmailVerification.id.label("verification_id"),
        Webhook.url.label("webhook_url"),
        Webhook.disabled_at.label("webhook_disabled_at"),
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
    .outerjoin(EmailVerification, EmailVerification.id == AccountMail.id)
    .outerjoin(Webhook, Webhook.id == Delivery.webhook_id)
    .outerjoin(_webhook_company, _webhook_company.id == Webhook.company_id)
    .where(Delivery.id == bindparam("delivery_id", type_=Delivery.id.type))
)
_TARGET = bindparam("target_id", type_=Delivery.target_id.type)
# False for an account mail without a user: to an invited address, or about a user that is gone.
_IS_UNVERIFIED = (User.id.is_not(None) & User.email_verified_at.is_(None)).label("is_unverified")
_TARGETS: dict[Channel, Executable] = {
    Channel.EMAIL: union_all(
        select(User.id, User.email, User.role, _IS_UNVERIFIED).where(User.id == _TARGET),
        select(AccountMail.id, AccountMail.email, null(), _IS_UNVERIFIED)
        .outerjoin(User, User.id == AccountMail.user_id)
        .where(AccountMail.id == _TARGET),
    ),
    Channel.PUSH: select(PushSubscription, _IS_UNVERIFIED)
    .join(User, User.id == PushSubscription.candidate_id)
    .where(PushSubscription.id == _TARGET),
    Channel.WEBHOOK: select(Webhook).where(Webhook.id == _TARGET, Webhook.disabled_at.is_(None)),
}


@dataclass(frozen=True)
class Queue:
    """The deliveries of one channel worker: of a channel, either those about accounts or all others."""

    channel: Channel
    is_about_accounts: bool = False

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """The SQL conditions on its deliveries: pending ones of the queue."""
        return _IS_PENDING, Delivery.channel == self.channel, self._priority

    @property
    def _priority(self) -> ColumnElement[bool]:
        return _IS_ABOUT_ACCOUNT if self.is_about_accounts else _IS_ABOUT_NO_ACCOUNT


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


DUE_COLUMNS = [getattr(Delivery, field.name) for field in fields(DueDelivery)]


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
        return [DueDelivery(*row) for row in rows]

    def claim(self, due: Sequence[DueDelivery], lease_token: str, until: datetime) -> list[Claim]:
        """Claim locked deliveries under one lease token, and return the claims.

        Their `due_at` becomes `until`, so after a crash of this worker they are due again when the lease lapses.
        """
        values = {"due_at": until, "lease": lease_token, "attempts": Delivery.attempts + 1}
        is_claimed = Delivery.id.in_([delivery.id for delivery in due])
        self._connection.execute(update(Delivery).where(is_claimed).values(values))
        return [Claim(row.id, *row.group, row.attempts + 1, row.priority, row.give_up_at, lease_token) for row in due]

    def context(self, delivery_id: int, *, now: datetime) -> RowMapping:
        """Return the delivery's context: its event, reset or account mail, and interview, job and people as of now."""
        values = {"delivery_id": delivery_id, "day_ago": now - timedelta(days=1)}
        return self._connection.execute(_DELIVERY_CONTEXT, values).mappings().one()

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

    def _write(self, claim: Claim, **values: Any) -> bool:
        statement: Update = update(Delivery).where(Delivery.id == claim.id, Delivery.lease == claim.lease_token)
        return self._connection.execute(statement.values(lease=None, **values)).rowcount == 1
