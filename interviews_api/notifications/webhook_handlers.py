"""Blueprint `webhooks`: a company's webhooks and their deliveries; its owners' alone."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from interviews_api.accounts.audit import record
from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.authentication import owner_required
from interviews_api.accounts.idempotency import idempotent
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limits import by_subject, count_attempt, count_attempt_of
from interviews_api.clock import now
from interviews_api.config.limits import WEBHOOK_ROTATIONS, WEBHOOK_TESTS, WEBHOOKS
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.notifications.address_guard import refuse_private_host
from interviews_api.notifications.channels.webhook import new_secret
from interviews_api.notifications.errors import (
    NotYourWebhook,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookExists,
    WebhookNotFound,
)
from interviews_api.notifications.schemas import (
    CreatedWebhook,
    ListedWebhook,
    NewWebhook,
    WebhookChange,
    WebhookDeliveries,
    WebhookDelivery,
    Webhooks,
)
from interviews_api.notifications.target_repository import WebhookRepository
from interviews_api.notifications.webhook_delivery_repository import WebhookDeliveryRepository
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

_ACCESS_ERRORS = (NotYourWebhook, WebhookNotFound)


def _check_webhook(connection: Any, viewer: Viewer, webhook_id: str) -> None:
    WebhookRepository(connection).get(viewer, webhook_id)


def _require_webhook(viewer: Viewer, webhook_id: str) -> None:
    """Raise as `WebhookRepository.get` does, before an attempt is counted."""
    with read_connection() as connection:
        WebhookRepository(connection).get(viewer, webhook_id)


@blueprint.post("")
@owner_required
@operation(
    "Webhook created successfully",
    CreatedWebhook,
    status=201,
    body=NewWebhook,
    errors=(TooManyWebhooks, WebhookExists),
    limits=(WEBHOOKS,),
)
def create_webhook(viewer: Viewer, *, url: str, events: list[str] | None) -> Any:
    """Create a webhook for changes of the company's interviews; only this response shows its secret."""
    count_attempt_of(viewer, WEBHOOKS)
    refuse_private_host("url", url)
    with transaction() as connection:
        webhook = WebhookRepository(connection).create(viewer, url=url, events=events, secret=new_secret(), now=now())
        record(connection, SecurityEventType.WEBHOOK_CREATED, viewer.user_id, detail=webhook["id"])
    return webhook


@blueprint.get("")
@owner_required
@operation("Webhooks retrieved successfully", Webhooks, query=PageQuery)
def list_webhooks(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """List the company's webhooks, oldest first."""
    with read_connection() as connection:
        return WebhookRepository(connection).page(viewer, limit=limit, skip=skip)


@blueprint.patch("/<id:webhook_id>")
@owner_required
@authorize_before_validation(_check_webhook)
@operation(
    "Webhook updated successfully",
    ListedWebhook,
    body=WebhookChange,
    errors=(*_ACCESS_ERRORS, WebhookExists),
    limits=(WEBHOOKS,),
)
def update_webhook(viewer: Viewer, *, webhook_id: str, **changes: Any) -> Mapping[Any, Any]:
    """Change a webhook's URL or events, disable or enable it. A new URL or enabling forgets its failures."""
    _admit_change(viewer, webhook_id, changes)
    with transaction() as connection:
        webhook, is_changed = WebhookRepository(connection).update(viewer, webhook_id, changes, now=now())
        if is_changed:
            record(connection, SecurityEventType.WEBHOOK_UPDATED, viewer.user_id, detail=webhook_id)
    return webhook


def _admit_change(viewer: Viewer, webhook_id: str, changes: Mapping[str, Any]) -> None:
    """Count an attempt if the webhook changes, and refuse a new URL whose host is private; raises as `get` does."""
    with read_connection() as connection:
        changed = WebhookRepository(connection).changed_columns(viewer, webhook_id, changes)
    if changed:
        count_attempt_of(viewer, WEBHOOKS)
    if "url" in changed:
        refuse_private_host("url", changes["url"])


@blueprint.delete("/<id:webhook_id>")
@owner_required
@authorize_before_validation(_check_webhook)
@operation("Webhook deleted successfully", Nothing, body=Nothing, errors=_ACCESS_ERRORS)
def delete_webhook(viewer: Viewer, *, webhook_id: str) -> dict[str, Any]:
    """Delete a webhook; nothing more is sent to it."""
    with transaction() as connection:
        WebhookRepository(connection).delete(viewer, webhook_id)
        record(connection, SecurityEventType.WEBHOOK_DELETED, viewer.user_id, detail=webhook_id)
    return {}


@blueprint.post("/<id:webhook_id>/rotate-secret")
@owner_required
@authorize_before_validation(_check_webhook)
@idempotent
@operation(
    "Webhook secret rotated successfully",
    CreatedWebhook,
    body=Nothing,
    errors=_ACCESS_ERRORS,
    limits=(WEBHOOK_ROTATIONS,),
)
def rotate_webhook_secret(viewer: Viewer, *, webhook_id: str) -> Mapping[Any, Any]:
    """Replace a webhook's secret; for 24 hours the replaced one signs as well. Only this response shows the new one."""
    _require_webhook(viewer, webhook_id)
    count_attempt([by_subject(WEBHOOK_ROTATIONS, webhook_id)])
    with transaction() as connection:
        webhook = WebhookRepository(connection).rotate_secret(viewer, webhook_id, new_secret(), now=now())
        record(connection, SecurityEventType.WEBHOOK_SECRET_ROTATED, viewer.user_id, detail=webhook_id)
    return webhook


@blueprint.post("/<id:webhook_id>/test")
@owner_required
@authorize_before_validation(_check_webhook)
@idempotent
@operation(
    "Webhook test queued successfully",
    WebhookDelivery,
    status=202,
    body=Nothing,
    errors=(*_ACCESS_ERRORS, WebhookDisabled),
    limits=(WEBHOOK_TESTS,),
)
def send_webhook_test(viewer: Viewer, *, webhook_id: str) -> Mapping[str, Any]:
    """Send a `webhook.test` message to a webhook, whatever its events are."""
    _require_webhook(viewer, webhook_id)
    count_attempt_of(viewer, WEBHOOK_TESTS, owner="company_id")
    with transaction() as connection:
        webhook = WebhookRepository(connection).get(viewer, webhook_id)
        return WebhookDeliveryRepository(connection).add_test(webhook, now=now())


@blueprint.get("/<id:webhook_id>/deliveries")
@owner_required
@authorize_before_validation(_check_webhook)
@operation("Webhook deliveries retrieved successfully", WebhookDeliveries, query=PageQuery, errors=_ACCESS_ERRORS)
def list_webhook_deliveries(viewer: Viewer, *, webhook_id: str, limit: int, skip: int) -> Page:
    """List what was sent to a webhook, and what is about to be, newest first."""
    with read_connection() as connection:
        WebhookRepository(connection).get(viewer, webhook_id)
        return WebhookDeliveryRepository(connection).page(webhook_id, limit=limit, skip=skip)
