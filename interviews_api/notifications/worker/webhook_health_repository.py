"""The SQL of failing webhooks: since when they fail, and the mails about those that are disabled for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, func, insert, literal, select, true, update

from interviews_api.accounts.audit_models import SecurityActor, SecurityEventType
from interviews_api.accounts.audit_repository import SecurityEventRepository
from interviews_api.accounts.models import CompanyRole, CompanyUser, User
from interviews_api.notifications.models import Channel, Delivery, DeliveryStatus, Priority, Webhook
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW

# The last attempt of a delivery comes a day after it was written, so a little less than a day after its first failure.
_FAILING_DAY = RETRY_WINDOW - timedelta(minutes=1)
_OWNERS = (
    select(User.id, User.email, CompanyUser.company_id)
    .join(CompanyUser, CompanyUser.id == User.id)
    .where(CompanyUser.company_id == bindparam("company_id"), CompanyUser.role == CompanyRole.OWNER)
    .order_by(User.id)
)


class WebhookHealthRepository:
    """What attempts say about their webhook. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record_success(self, webhook_id: str) -> None:
        """Forget the failures before."""
        is_failing = (Webhook.id == webhook_id) & Webhook.failing_since.is_not(None)
        self._connection.execute(update(Webhook).where(is_failing).values(failing_since=None))

    def record_failure(self, webhook_id: str, now: datetime) -> None:
        """Record a failed attempt; disable the webhook and mail its company's owners when none succeeded for a day."""
        is_enabled = (Webhook.id == webhook_id) & Webhook.disabled_at.is_(None)
        since = func.coalesce(Webhook.failing_since, literal(now, Webhook.failing_since.type))
        self._connection.execute(update(Webhook).where(is_enabled).values(failing_since=since))
        is_too_old = Webhook.failing_since <= now - _FAILING_DAY
        owners = self._disable(webhook_id, is_too_old, now=now)
        if owners:
            self._write_mails(webhook_id, owners, now)

    def disable(self, webhook_id: str, now: datetime) -> None:
        """Disable a webhook whose receiver answered 410."""
        self._disable(webhook_id, true(), now=now)

    def _disable(self, webhook_id: str, condition: ColumnElement[bool], *, now: datetime) -> Sequence[RowMapping]:
        """Disable an enabled webhook under the condition, record it for each owner of its company, and return these.

        Returns nobody when the webhook stays as it was.
        """
        is_enabled = (Webhook.id == webhook_id) & Webhook.disabled_at.is_(None)
        disable = update(Webhook).where(is_enabled, condition).values(disabled_at=now).returning(Webhook.company_id)
        company_id = self._connection.execute(disable).scalar()
        owners = self._connection.execute(_OWNERS, {"company_id": company_id}).mappings().all() if company_id else []
        events = SecurityEventRepository(self._connection)
        for owner in owners:
            events.record(
                SecurityEventType.WEBHOOK_DISABLED, owner["id"], actor=SecurityActor.SYSTEM, detail=webhook_id, now=now
            )
        return owners

    def _write_mails(self, webhook_id: str, owners: Sequence[RowMapping], now: datetime) -> None:
        """Write a mail to each of these owners of the webhook's company."""
        values: dict[str, Any] = {
            "webhook_id": webhook_id,
            "channel": Channel.EMAIL,
            "originator_id": owners[0]["company_id"],
            "priority": Priority.ACCOUNT,
            "key": f"webhook-{webhook_id}-{int(now.timestamp())}",
            "status": DeliveryStatus.PENDING,
            "due_at": now,
            "give_up_at": now + RETRY_WINDOW,
            "attempts": 0,
        }
        deliveries = [values | {"target_id": owner["id"], "recipient": owner["email"]} for owner in owners]
        self._connection.execute(insert(Delivery), deliveries)
