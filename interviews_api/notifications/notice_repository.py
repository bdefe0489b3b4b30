"""The SQL of notices: deliveries as a company sees them."""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, true

from interviews_api.config.limits import RESENDS, Limit
from interviews_api.db.pagination import MAX_ROWS, Page, build_page, count_subquery, page_subquery
from interviews_api.db.row_limits import ActiveLimits, refuse_when_reached
from interviews_api.events.models import Event
from interviews_api.interviews.reminders import coming_occasions
from interviews_api.interviews.transition_repository import TransitionRepository
from interviews_api.notifications.errors import NoticeNotFound, NoticeNotResendable
from interviews_api.notifications.models import ENDED, Channel, Delivery, DeliveryStatus
from interviews_api.notifications.target_repository import SubscriptionRepository
from interviews_api.notifications.worker.fan_out import RETRY_WINDOW, recipient_label

_notices = (
    select(Delivery, Event.type.label("event"))
    .join(Event, Event.id == Delivery.event_id)
    .where(Delivery.interview_id == bindparam("interview_id", type_=Delivery.interview_id.type))
)
_newest, _count = page_subquery(_notices, (Delivery.id.desc(),)), count_subquery(_notices)
_NOTICES = select(_count, _newest).select_from(_count).outerjoin(_newest, true())
_NOTICE = _notices.where(Delivery.id == bindparam("delivery_id"))
_ID = re.compile("[1-9][0-9]{0,17}")  # others are planned notices, or too large for the column

Notice = Mapping[Any, Any]


class NoticeRepository:
    """Notices of one interview; callers have checked the viewer's access to it. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, interview: RowMapping, *, now: datetime) -> Page:
        """Return the notices, oldest first, then the planned notices, soonest first; of more than 1,000 the last."""
        values = {"interview_id": interview["interview_id"], "limit": MAX_ROWS, "skip": 0}
        rows = self._connection.execute(_NOTICES, values).mappings().all()
        stored = build_page(rows, id_column="id", sort=(itemgetter("id"), False))
        planned = self._planned(interview, now)
        return Page([*stored.rows, *planned][-MAX_ROWS:], stored.total + len(planned))

    def get(self, interview: RowMapping, notice_id: str, *, now: datetime) -> Notice:
        """Return the notice with that id, which may be planned; raises NoticeNotFound."""
        notice: Notice | None
        if _ID.fullmatch(notice_id):
            values = {"interview_id": interview["interview_id"], "delivery_id": int(notice_id)}
            notice = self._connection.execute(_NOTICE, values).mappings().one_or_none()
        else:
            planned = self._planned(interview, now)
            notice = next((notice for notice in planned if notice["id"] == notice_id), None)
        if notice is None:
            raise NoticeNotFound
        return notice

    def resend(self, interview: RowMapping, notice_id: str, *, now: datetime, limits: ActiveLimits = None) -> Notice:
        """Queue the notice again with a new idempotency key.

        Raises NoticeNotFound, TooManyRequests and NoticeNotResendable. A resent notice is the same notice.
        """
        notice = self.get(interview, notice_id, now=now)
        if limits is not None and notice["status"] is not DeliveryStatus.PLANNED:
            self._refuse_too_many_resends(notice, limits[RESENDS.name], now=now)
        if notice["status"] not in ENDED:
            raise NoticeNotResendable
        copied = ("event_id", "interview_id", "channel", "target_id", "originator_id", "priority", "recipient")
        values = {name: notice[name] for name in copied}
        values |= {"key": f"{notice['event_id']}-{secrets.token_hex(4)}", "status": DeliveryStatus.PENDING}
        values |= {"created_at": now, "due_at": now, "give_up_at": now + RETRY_WINDOW, "attempts": 0}
        delivery = self._connection.execute(insert(Delivery).values(values).returning(Delivery)).mappings().one()
        return dict(delivery) | {"event": notice["event"]}

    def _refuse_too_many_resends(self, notice: Notice, limit: Limit, *, now: datetime) -> None:
        """Raise TooManyRequests when the notice was resent as often as the limit allows; locks its interview."""
        TransitionRepository(self._connection).lock(notice["interview_id"])
        conditions = (
            Delivery.event_id == notice["event_id"],
            Delivery.channel == notice["channel"],
            Delivery.target_id == notice["target_id"],
            Delivery.key != str(notice["event_id"]),  # not the first one
        )
        refuse_when_reached(self._connection, limit, Delivery.created_at, *conditions, now=now)

    def _planned(self, interview: RowMapping, now: datetime) -> list[Notice]:
        recipients = [(Channel.EMAIL, str(interview["candidate_email"]))]
        subscriptions = SubscriptionRepository(self._connection).of_candidate(interview["candidate_id"])
        hosts = dict.fromkeys(recipient_label(Channel.PUSH, row["endpoint"]) for row in subscriptions)
        recipients += [(Channel.PUSH, host) for host in hosts]
        return [
            {
                "id": f"{occasion.type}.{occasion.name}.{channel}.{recipient}",
                "event": occasion.type,
                "channel": channel,
                "recipient": recipient,
                "status": DeliveryStatus.PLANNED,
                "due_at": occasion.moment,
                "sent_at": None,
                "attempts": 0,
                "error": None,
            }
            for occasion in coming_occasions(interview, now)
            for channel, recipient in recipients
        ]
