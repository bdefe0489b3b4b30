"""How deliveries stand, for whoever watches over them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from interviews_api.events.models import Event
from interviews_api.notifications.models import Channel, Delivery, DeliveryStatus, Distribution

_COUNTS = select(Delivery.channel, Delivery.status, func.count()).group_by(Delivery.channel, Delivery.status)
_REACHED = func.coalesce(select(Distribution.event_id).scalar_subquery(), 0)
_OLDEST_OF = (  # those whose deliveries are pending, and those that no delivery was written for yet
    select(func.min(Event.at)).join(Delivery, Delivery.event_id == Event.id).where(Delivery.status == "pending"),
    select(func.min(Event.at)).where(Event.id > _REACHED),
)


class BacklogRepository:
    """Reads; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many deliveries there are of each channel and status that a row can have, those without one included."""
        statuses = [status for status in DeliveryStatus if status is not DeliveryStatus.PLANNED]
        counts = {(channel.value, status.value): 0 for channel in Channel for status in statuses}
        for channel, status, count in self._connection.execute(_COUNTS):
            counts[channel, status] = count
        return counts

    def oldest_unsent(self) -> datetime | None:
        """When the oldest event happened that somebody has still to hear of; None when everybody has heard of all."""
        found = [self._connection.execute(statement).scalar() for statement in _OLDEST_OF]
        return min((at for at in found if at is not None), default=None)
