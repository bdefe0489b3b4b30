"""Turns occasions whose moment has come into events: reminders and nudges, each once."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, select, update

from interviews_api.events.log import EventLog
from interviews_api.events.models import Event, EventActor
from interviews_api.interviews.models import Interview
from interviews_api.interviews.reminders import coming, due

BATCH = 200
_NOW = bindparam("now", type_=Interview.next_notice_at.type)
_COLUMNS = (
    Interview.id,
    Interview.candidate_id,
    Interview.company_id,
    Interview.status,
    Interview.revision,
    Interview.starts_at,
    Interview.invited_at,
    Interview.notices_after,
)
_IS_DUE = Interview.next_notice_at <= _NOW
_ANY_DUE = select(exists().where(_IS_DUE))
_DUE = (
    select(*_COLUMNS).where(_IS_DUE).order_by(Interview.next_notice_at).limit(BATCH).with_for_update(skip_locked=True)
)
_ADVANCE = (
    update(Interview)
    .where(Interview.id == bindparam("which", type_=Interview.id.type))
    .values(next_notice_at=bindparam("next", type_=Interview.next_notice_at.type))
)


class ReminderRepository:
    """Interviews that have to be looked at. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_any_due(self, now: datetime) -> bool:
        """Whether `remind` would find something to look at; only reads."""
        return bool(self._connection.execute(_ANY_DUE, {"now": now}).scalar())

    def remind(self, now: datetime) -> int:
        """Append the events that are due to the log; how many interviews were looked at, at most BATCH.

        Their rows are locked until the commit, so that two workers, or a worker and a move, take turns.
        """
        interviews = self._connection.execute(_DUE, {"now": now}).mappings().all()
        if not interviews:
            return 0
        happened = defaultdict(set)
        for event in self._connection.execute(
            select(Event.interview_id, Event.revision, Event.occasion).where(
                Event.interview_id.in_([one["id"] for one in interviews]), Event.occasion.is_not(None)
            )
        ):
            happened[event.interview_id, event.revision].add(event.occasion)
        following = []
        events = []
        for interview in interviews:
            planned = coming(interview, now)
            following.append({"which": interview["id"], "next": planned[0].moment if planned else None})
            if occasion := due(interview, happened[interview["id"], interview["revision"]], now):
                events.append((interview, occasion))
        self._connection.execute(_ADVANCE, following)
        log = EventLog(self._connection)
        for interview, occasion in events:
            log.append(interview, occasion.type, at=now, actor=EventActor.SYSTEM, occasion=occasion.name)
        return len(interviews)
