"""The SQL of failing webhooks: since when they fail, and the mails about those that are disabled for it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select, update

from interviews_api.accounts.models import CompanyRole, CompanyUser, User
from interviews_api.notifications.models import Channel, Delivery, DeliveryStatus, Priority, Webhook
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW

# The last attempt of a delivery comes a day after it was written, so a little less than a day after its first failure.
_FAILING_DAY = RETRY_WINDOW - timedelta(minutes=1)


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
        disable = update(Webhook).where(is_enabled, is_too_old).values(disabled_at=now).returning(Webhook.company_id)
        if company_id := self._connection.execute(disable).scalar():
            self._write_mails(webhook_id, company_id, now)

    def disable(self, webhook_id: str, now: datetime) -> None:
        """Disable a webhook whose receiver answered 410."""
        self._connection.execute(update(Webhook).where(Webhook.id == webhook_id).values(disabled_at=now))

    def _write_mails(self, webhook_id: str, company_id: str, now: datetime) -> None:
        """Write a mail to each owner of the company."""
        values: dict[str, Any] = {
            "webhook_id": webhook_id,
            "channel": Channel.EMAIL,
            "owner_id": company_id,
            "priority": Priority.OTHER,
            "key": f"webhook-{webhook_id}-{int(now.timestamp())}",
            "status": DeliveryStatus.PENDING,
            "due_at": now,
            "give_up_at": now + RETRY_WINDOW,
            "attempts": 0,
        }
        owners = (
            select(User.id, User.email)
            .join(CompanyUser, CompanyUser.id == User.id)
            .where(CompanyUser.company_id == company_id, CompanyUser.role == CompanyRole.OWNER)
            .order_by(User.id)
        )
        rows = self._connection.execute(owners).all()
        if rows:
            deliveries = [values | {"target_id": row.id, "recipient": row.email} for row in rows]
            self._connection.execute(insert(Delivery), deliveries)
