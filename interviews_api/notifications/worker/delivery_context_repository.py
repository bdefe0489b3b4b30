"""The SQL of an attempt: the context and the target of a claimed delivery, as they are now."""

from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    RowMapping,
    bindparam,
    case,
    exists,
    false,
    func,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from interviews_api.accounts.answerable_addresses import ANSWERABLE_EMAIL
from interviews_api.accounts.models import (
    AccountMail,
    Candidate,
    Company,
    EmailVerification,
    Invitation,
    PasswordReset,
    User,
)
from interviews_api.events.log import valid_revision
from interviews_api.events.models import Event, EventType
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.company_repository import CANDIDATE_AND_JOB_COLUMNS, COLUMNS_BUT_ID
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import (
    KIND,
    Channel,
    Delivery,
    DeliveryStatus,
    MutedCompany,
    PushSubscription,
    Webhook,
    is_about_interview,
)

_newer = aliased(Delivery)
_newer_event = aliased(Event)
_earlier = aliased(Delivery)
_reschedule = aliased(Event)
_other = aliased(Delivery)
_other_event = aliased(Event)
_invited = aliased(User)
_inviter = aliased(User)
# An update says what it changed itself, and not what the invitation or new time before it said.
_IS_SUPERSEDED = exists().where(
    _newer.interview_id == Delivery.interview_id,
    _newer.target_id == Delivery.target_id,
    _newer.status.in_((DeliveryStatus.PENDING, DeliveryStatus.SENT)),
    tuple_(_newer.event_id, _newer.id) > tuple_(Delivery.event_id, Delivery.id),
    _newer_event.id == _newer.event_id,
    or_(_newer_event.type != EventType.UPDATED, Event.type == EventType.UPDATED),
)
_LAST_SENT_EVENT = (
    select(func.max(_earlier.event_id))
    .where(
        _earlier.interview_id == Delivery.interview_id,
        _earlier.target_id == Delivery.target_id,
        _earlier.status == DeliveryStatus.SENT,
        _earlier.event_id < Delivery.event_id,
    )
    .correlate(Delivery)  # it stands within another subquery
    .scalar_subquery()
)
# A reschedule makes the waiting messages of an earlier one obsolete, so the target never saw the start between them.
_LAST_SENT_START = (
    select(_reschedule.previous_starts_at)
    .where(
        _reschedule.interview_id == Event.interview_id,
        _reschedule.id > _LAST_SENT_EVENT,
        _reschedule.id <= Event.id,
        _reschedule.previous_starts_at.is_not(None),
    )
    .order_by(_reschedule.id)
    .limit(1)
    .scalar_subquery()
)
_START = Event.previous_starts_at.type
_PREVIOUS_START = case(
    (
        Event.type == EventType.RESCHEDULED,
        func.nullif(func.coalesce(_LAST_SENT_START, Event.previous_starts_at), Interview.starts_at, type_=_START),
    )
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
    is_about_interview(_other), _other.sent_at > bindparam("day_ago", type_=Delivery.sent_at.type)
) + _count_cancellations(_other.lease.is_not(None), _other.id < Delivery.id)
_DELIVERY_CONTEXT = (
    select(
        func.coalesce(AccountMail.kind, KIND).label("kind"),
        Delivery.key,
        Delivery.channel,
        Delivery.target_id,
        Delivery.created_at.label("queued_at"),
        Delivery.held_at,
        Delivery.answer,
        (Delivery.held_at.is_not(None) & _IS_SUPERSEDED).label("is_superseded"),
        _IS_MUTED.label("is_muted"),
        case((_IS_MUTED & (Event.type == EventType.CANCELLED), _CANCELLATIONS), else_=0).label("other_cancellations"),
        Event.id.label("event_id"),
        Event.type.label("event_type"),
        Event.at.label("event_at"),
        Event.actor.label("event_actor"),
        valid_revision(Event).label("valid_revision"),
        _PREVIOUS_START.label("previous_starts_at"),
        Event.changed_fields,
        Interview.id.label("interview_id"),
        Interview.accepted_at,
        *COLUMNS_BUT_ID,
        *CANDIDATE_AND_JOB_COLUMNS,
        Company.name.label("company_name"),
        Company.address.label("company_address"),
        Company.phone.label("company_phone"),
        Company.email.label("company_email"),
        ANSWERABLE_EMAIL,
        Company.approval.label("company_approval"),
        Company.updated_at.label("company_updated_at"),
        Job.updated_at.label("job_updated_at"),
        func.coalesce(PasswordReset.expires_at, AccountMail.expires_at).label("expires_at"),
        func.coalesce(PasswordReset.id, Invitation.id, EmailVerification.id).label("link_id"),
        AccountMail.details.label("mail_details"),
        (_inviter.id.is_not(None) & _inviter.email_verified_at.is_(None)).label("is_inviter_unverified"),
        Webhook.url.label("webhook_url"),
        Webhook.disabled_at.label("webhook_disabled_at"),
    )
    .select_from(Delivery)
    .outerjoin(Event, Event.id == Delivery.event_id)
    .outerjoin(Interview, Interview.id == Delivery.interview_id)
    .outerjoin(Application, Application.id == Interview.application_id)
    .outerjoin(Job, Job.id == Application.job_id)
    .outerjoin(Candidate, Candidate.id == Interview.candidate_id)
    .outerjoin(User, User.id == Candidate.id)
    .outerjoin(PasswordReset, PasswordReset.id == Delivery.reset_id)
    .outerjoin(AccountMail, AccountMail.id == Delivery.account_mail_id)
    .outerjoin(Invitation, Invitation.id == AccountMail.id)
    .outerjoin(_inviter, _inviter.id == Invitation.invited_by_id)
    .outerjoin(EmailVerification, EmailVerification.id == AccountMail.id)
    .outerjoin(Webhook, Webhook.id == Delivery.webhook_id)
    .outerjoin(Company, Company.id == func.coalesce(Interview.company_id, Webhook.company_id, Invitation.company_id))
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
    Channel.WEBHOOK: select(Webhook, false().label("is_unverified")).where(
        Webhook.id == _TARGET, Webhook.disabled_at.is_(None)
    ),
}


class DeliveryContextRepository:
    """Contexts and targets of deliveries; only reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def context(self, delivery_id: int, *, now: datetime) -> RowMapping:
        """Return the delivery's context: its event, reset or mail, and interview, job, company and people as of now.

        `kind` is a key of `KINDS`. `link_id` is the id that the link of a mail about an account names, None once it
        was used or withdrawn. `previous_starts_at` is the start in the message that the target got last, None unless
        the interview was moved since; without such a message it is the event's.
        """
        values = {"delivery_id": delivery_id, "day_ago": now - timedelta(days=1)}
        return self._connection.execute(_DELIVERY_CONTEXT, values).mappings().one()

    def target(self, channel: Channel, target_id: str) -> RowMapping | None:
        """Return the row of the user, mail, subscription or webhook; None when it was deleted or disabled."""
        return self._connection.execute(_TARGETS[channel], {"target_id": target_id}).mappings().one_or_none()
