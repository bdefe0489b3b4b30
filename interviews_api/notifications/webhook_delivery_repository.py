"""The SQL of a webhook's deliveries, as its company sees them."""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, literal, select, true

from interviews_api.db.pagination import Page, build_page, count_subquery, page_subquery
from interviews_api.events.models import Event
from interviews_api.ids import new_id
from interviews_api.notifications.errors import WebhookDisabled
from interviews_api.notifications.models import IS_BY_WEBHOOK, WEBHOOK_TEST_TYPE, Channel, Delivery, Priority
from interviews_api.notifications.worker.fan_out import delivery_values

_deliveries = (
    select(
        Delivery.id.label("number"),
        Delivery.key.label("id"),
        func.coalesce(Event.type, literal(WEBHOOK_TEST_TYPE)).label("event"),
        Delivery.status,
        Delivery.attempts,
        Delivery.last_status_code,
        func.coalesce(Delivery.created_at, Event.at).label("at"),
    )
    .outerjoin(Event, Event.id == Delivery.event_id)
    .where(IS_BY_WEBHOOK, Delivery.target_id == bindparam("webhook_id", type_=Delivery.target_id.type))
)
_page, _count = page_subquery(_deliveries, (Delivery.id.desc(),)), count_subquery(_deliveries)
DELIVERIES = select(_count, _page).select_from(_count).outerjoin(_page, true())


class WebhookDeliveryRepository:
    """Deliveries to one webhook; callers have checked the viewer's access to it. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, webhook_id: str, *, limit: int, skip: int) -> Page:
        """Return a page of deliveries, newest first."""
        values = {"webhook_id": webhook_id, "limit": limit, "skip": skip}
        rows = self._connection.execute(DELIVERIES, values).mappings().all()
        return build_page(rows, id_column="number", sort=(itemgetter("number"), True))

    def add_test(self, webhook: RowMapping, *, now: datetime) -> Mapping[str, Any]:
        """Write the delivery of a test message, due now, and return it; raises WebhookDisabled."""
        if webhook["disabled_at"] is not None:
            raise WebhookDisabled
        values = delivery_values(
            Channel.WEBHOOK,
            webhook["id"],
            webhook["url"],
            webhook["company_id"],
            key=f"test-{new_id()}",
            now=now,
            priority=Priority.OTHER,
        )
        self._connection.execute(insert(Delivery).values(values))
        return values | {"id": values["key"], "event": WEBHOOK_TEST_TYPE, "last_status_code": None, "at": now}
