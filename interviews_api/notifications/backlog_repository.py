"""The SQL of the delivery metrics."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from interviews_api.accounts.models import AccountMail, PasswordReset
from interviews_api.events.models import Event
from interviews_api.notifications.models import Channel, Delivery, DeliveryStatus, FanOutPosition
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW

_COUNTS = select(Delivery.channel, Delivery.status, func.count()).group_by(Delivery.channel, Delivery.status)
_LAST_FANNED_OUT = func.coalesce(select(FanOutPosition.event_id).scalar_subquery(), 0)
_EARLIEST_GIVE_UP = select(func.min(Delivery.give_up_at)).where(Delivery.status == DeliveryStatus.PENDING)
_OLDEST_BEFORE_FAN_OUT = (  # events, password resets and account mails without deliveries yet
    select(func.min(Event.at)).where(Event.id > _LAST_FANNED_OUT),
    select(func.min(PasswordReset.created_at)).where(PasswordReset.is_fanned_out.is_(False)),
    select(func.min(AccountMail.created_at)).where(AccountMail.is_fanned_out.is_(False)),
)


class BacklogRepository:
    """Counts and age of the deliveries; only reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return the number of deliveries by channel and status, zeros included; PLANNED deliveries have no row."""
        statuses = [status for status in DeliveryStatus if status is not DeliveryStatus.PLANNED]
        counts = {(channel.value, status.value): 0 for channel in Channel for status in statuses}
        for channel, status, count in self._connection.execute(_COUNTS):
            counts[channel, status] = count
        return counts

    def oldest_unsent(self) -> datetime | None:
        """Return since when (UTC) the oldest unsent message has waited; None when nothing is unsent.

        A pending delivery waits since it was queued, for the first time or by a retry. An event, a password
        reset or an account mail without deliveries waits since it was made.
        """
        # Messages go this way, so a message that is fanned out between two statements is seen by the later.
        moments = [self._connection.execute(statement).scalar() for statement in _OLDEST_BEFORE_FAN_OUT]
        give_up_at = self._connection.execute(_EARLIEST_GIVE_UP).scalar()
        moments.append(give_up_at - RETRY_WINDOW if give_up_at else None)
        return min((moment for moment in moments if moment is not None), default=None)
