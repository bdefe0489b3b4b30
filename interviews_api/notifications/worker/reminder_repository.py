"""The SQL of reminders: append an event for each occasion that is due, once."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, select, update

from interviews_api.events.log import EventLog, valid_revision
from interviews_api.events.models import Event, EventActor
from interviews_api.interviews.models import Interview
from interviews_api.interviews.reminders import coming_occasions, due_occasion

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
    Interview.reschedule_request,
)
_IS_DUE = Interview.next_notice_at <= _NOW
_ANY_DUE = select(exists().where(_IS_DUE))
_DUE = (
    select(*_COLUMNS).where(_IS_DUE).order_by(Interview.next_notice_at).limit(BATCH).with_for_update(skip_locked=True)
)
_ADVANCE = (
    update(Interview)
    .where(Interview.id == bindparam("due_id", type_=Interview.id.type))
    .values(next_notice_at=bindparam("next", type_=Interview.next_notice_at.type))
)


class ReminderRepository:
    """Interviews whose next occasion is due. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_any_due(self, now: datetime) -> bool:
        """Return whether `remind` would find an interview; only reads."""
        return bool(self._connection.execute(_ANY_DUE, {"now": now}).scalar())

    def remind(self, now: datetime) -> int:
        """Append the reminders and nudges that are due; return how many interviews were read, at most BATCH.

        Locks the interviews until the commit: another worker skips them on Postgres, and a transition waits.
        """
        interviews = self._connection.execute(_DUE, {"now": now}).mappings().all()
        if not interviews:
            return 0
        logged_names = self._logged_names([interview["id"] for interview in interviews])
        advances = []
        due = []
        for interview in interviews:
            planned = coming_occasions(interview, now)
            advances.append({"due_id": interview["id"], "next": planned[0].moment if planned else None})
            if occasion := due_occasion(interview, logged_names[interview["id"], interview["revision"]], now):
                due.append((interview, occasion))
        self._connection.execute(_ADVANCE, advances)
        event_log = EventLog(self._connection)
        for interview, occasion in due:
            event_log.append(interview, occasion.type, at=now, actor=EventActor.SYSTEM, occasion=occasion.name)
        return len(interviews)

    def _logged_names(self, interview_ids: list[str]) -> defaultdict[tuple[str, int], set[str]]:
        """Return the names of the occasions in the log, by interview and the revision up to which they hold."""
        statement = select(Event.interview_id, valid_revision(Event).label("valid_revision"), Event.occasion).where(
            Event.interview_id.in_(interview_ids), Event.occasion.is_not(None)
        )
        names = defaultdict(set)
        for event in self._connection.execute(statement):
            names[event.interview_id, event.valid_revision].add(event.occasion)
        return names
