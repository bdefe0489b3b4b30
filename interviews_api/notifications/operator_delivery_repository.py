"""The SQL of an operator's commands for deliveries."""

from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, select, update

from interviews_api.notifications.models import ENDED, KIND, Delivery, DeliveryStatus
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW


class OperatorDeliveryRepository:
    """Lists, retries and purges deliveries for an operator. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_status(self, status: str, limit: int) -> list[RowMapping]:
        """Return the deliveries of that status with their `kind`, newest first."""
        statement = select(Delivery, KIND.label("kind")).where(Delivery.status == status)
        return list(self._connection.execute(statement.order_by(Delivery.id.desc()).limit(limit)).mappings())

    def retry(self, delivery_ids: list[int], *, now: datetime) -> int:
        """Queue failed deliveries for another day, all when no ids are given; return how many.

        Idempotency keys stay, so that receivers can drop duplicates.
        """
        failed = update(Delivery).where(Delivery.status == DeliveryStatus.FAILED)
        if delivery_ids:
            failed = failed.where(Delivery.id.in_(delivery_ids))
        values = {"status": DeliveryStatus.PENDING, "due_at": now, "give_up_at": now + RETRY_WINDOW, "attempts": 0}
        return self._connection.execute(failed.values(**values, held_at=None, error=None)).rowcount

    def ended(self, ended_before: datetime, *, after_id: int, limit: int) -> list[int]:
        """Return the lowest ids above `after_id` of deliveries that ended before that time (UTC).

        No column has the end, so `due_at` stands for it: when the last claim's lease would have lapsed.
        """
        ended = (Delivery.id > after_id) & Delivery.status.in_(ENDED) & (Delivery.due_at < ended_before)
        return list(self._connection.scalars(select(Delivery.id).where(ended).order_by(Delivery.id).limit(limit)))

    def delete_ended(self, delivery_ids: list[int]) -> int:
        """Delete those of the deliveries that are still ended; return how many."""
        ended = Delivery.id.in_(delivery_ids) & Delivery.status.in_(ENDED)
        return self._connection.execute(delete(Delivery).where(ended)).rowcount
