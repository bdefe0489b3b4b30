"""How deliveries stand, for whoever watches over them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from interviews_api.accounts.models import PasswordReset
from interviews_api.events.models import Event
from interviews_api.notifications.models import Channel, Delivery, DeliveryStatus, Distribution
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW

_COUNTS = select(Delivery.channel, Delivery.status, func.count()).group_by(Delivery.channel, Delivery.status)
_REACHED = func.coalesce(select(Distribution.event_id).scalar_subquery(), 0)
_ENDS_FIRST = select(func.min(Delivery.give_up_at)).where(Delivery.status == DeliveryStatus.PENDING)
_OLDEST_OF = (  # for which no delivery was written yet
    select(func.min(Event.at)).where(Event.id > _REACHED),
    select(func.min(PasswordReset.created_at)).where(PasswordReset.mailed.is_(False)),
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
        """Since when what waits longest has been waiting to be sent; None when nothing is.

        A delivery waits since it was queued, for the first time or again; what has none yet since it happened.
        """
        ends_first = self._connection.execute(_ENDS_FIRST).scalar()
        found = [self._connection.execute(statement).scalar() for statement in _OLDEST_OF]
        found.append(ends_first - RETRY_WINDOW if ends_first else None)
        return min((at for at in found if at is not None), default=None)
