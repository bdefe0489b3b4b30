"""The SQL of the health of targets: changes of a subscription or webhook after an attempt."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, literal, select, true, update

from interviews_api.accounts.audit_models import SecurityActor, SecurityEventType
from interviews_api.accounts.audit_repository import SecurityEventRepository
from interviews_api.accounts.colleague_repository import ColleagueRepository
from interviews_api.notifications.models import Channel, Delivery, PushSubscription, Webhook
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW, delivery_values

# The last attempt of a delivery comes a day after it was written, so a little less than a day after its first failure.
_FAILING_DAY = RETRY_WINDOW - timedelta(minutes=1)

Target = Mapping[Any, Any]
"""The row of a target as it was attempted; it may have changed since."""


class TargetHealthRepository:
    """The health of mail addresses, which no attempt changes. Subclasses record that of others. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record_success(self, target: Target) -> None:
        """Do nothing; subclasses record that the target accepted a delivery."""

    def record_failure(self, target: Target, now: datetime) -> None:
        """Do nothing; subclasses record that an attempt failed or was rejected, by the fault of the target."""

    def record_gone(self, target: Target, now: datetime) -> bool:
        """Return True; subclasses record that the target no longer exists, or return False if it has moved since."""
        return True


class SubscriptionHealthRepository(TargetHealthRepository):
    """The health of push subscriptions, which keep their endpoint for life. Never commits."""

    def record_gone(self, target: Target, now: datetime) -> bool:
        """Delete a subscription that its push service reported as gone, and return True."""
        self._connection.execute(delete(PushSubscription).where(PushSubscription.id == target["id"]))
        return True


class WebhookHealthRepository(TargetHealthRepository):
    """The health of webhooks: since when they fail, and their end. Never commits.

    A webhook that has another URL since the attempt stays as it is: the new receiver neither failed nor answered.
    """

    def record_success(self, target: Target) -> None:
        """Forget the failures before."""
        is_failing = _is_at_attempted_url(target) & Webhook.failing_since.is_not(None)
        self._connection.execute(update(Webhook).where(is_failing).values(failing_since=None))

    def record_failure(self, target: Target, now: datetime) -> None:
        """Record a failed attempt; disable the webhook and mail its company's owners when none succeeded for a day."""
        since = func.coalesce(Webhook.failing_since, literal(now, Webhook.failing_since.type))
        self._connection.execute(update(Webhook).where(_is_enabled(target)).values(failing_since=since))
        company_id = self._disable(target, Webhook.failing_since <= now - _FAILING_DAY, now=now)
        if company_id is not None:
            self._write_mails(target["id"], company_id, now)

    def record_gone(self, target: Target, now: datetime) -> bool:
        """Disable a webhook whose receiver answered 410; return False if it has another URL since."""
        self._disable(target, true(), now=now)
        has_moved = exists().where(Webhook.id == target["id"], Webhook.url != target["url"])
        return not self._connection.execute(select(has_moved)).scalar()

    def _disable(self, target: Target, condition: ColumnElement[bool], *, now: datetime) -> str | None:
        """Disable an enabled webhook that meets the condition, and record a security event for each owner.

        Returns the id of the webhook's company, or None if no webhook was disabled.
        """
        disable = (
            update(Webhook).where(_is_enabled(target), condition).values(disabled_at=now).returning(Webhook.company_id)
        )
        company_id: str | None = self._connection.execute(disable).scalar()
        if company_id is not None:
            events, actor = SecurityEventRepository(self._connection), SecurityActor.SYSTEM
            for owner_id in ColleagueRepository(self._connection).owners_of(company_id):
                events.record(SecurityEventType.WEBHOOK_DISABLED, owner_id, actor=actor, detail=target["id"], now=now)
        return company_id

    def _write_mails(self, webhook_id: str, company_id: str, now: datetime) -> None:
        """Write a mail to each owner of the webhook's company."""
        owners = ColleagueRepository(self._connection).owners_of(company_id)
        key = f"webhook-{webhook_id}-{int(now.timestamp())}"
        deliveries = [
            delivery_values(Channel.EMAIL, owner_id, email, company_id, key=key, now=now, webhook_id=webhook_id)
            for owner_id, email in owners.items()
        ]
        if deliveries:
            self._connection.execute(insert(Delivery), deliveries)


def _is_at_attempted_url(target: Target) -> ColumnElement[bool]:
    """Return the condition of the attempted webhook, unless its URL was changed since."""
    return and_(Webhook.id == target["id"], Webhook.url == target["url"])


def _is_enabled(target: Target) -> ColumnElement[bool]:
    """Return the condition of the attempted webhook while it is enabled."""
    return and_(_is_at_attempted_url(target), Webhook.disabled_at.is_(None))


TARGET_HEALTH: Mapping[Channel, type[TargetHealthRepository]] = {
    Channel.EMAIL: TargetHealthRepository,
    Channel.PUSH: SubscriptionHealthRepository,
    Channel.WEBHOOK: WebhookHealthRepository,
}
