"""The SQL of briefings: what a candidate's page needs of an interview besides its details, in one statement."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from interviews_api.accounts.models import Candidate, Company, Viewer
from interviews_api.accounts.repository import IS_SIGNED_IN, VIEWER
from interviews_api.cache import Freshness, Versioned
from interviews_api.clock import last_instant_before
from interviews_api.db.prepared import Prepared
from interviews_api.errors import require_own
from interviews_api.events.log import version_columns, version_in
from interviews_api.interviews.candidate_actions import allowed_actions
from interviews_api.interviews.errors import InterviewNotFound, NotYourInterview
from interviews_api.interviews.models import Interview, InterviewStatus
from interviews_api.interviews.scheduling import ends_at
from interviews_api.interviews.transition_repository import INTERVIEW_ID

_BRIEFING = Prepared(
    select(
        Interview.id.label("interview_id"),
        Interview.candidate_id,
        Interview.status,
        Interview.starts_at,
        Interview.time_zone,
        Interview.duration_minutes,
        Interview.revision,
        Interview.reschedule_request,
        Company.name.label("company_name"),
        Company.email.label("company_email"),
        Company.phone.label("company_phone"),
        *version_columns(VIEWER),
    )
    .select_from(Candidate)
    .outerjoin(Interview, Interview.id == INTERVIEW_ID)
    .outerjoin(Company, Company.id == Interview.company_id)
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)


class BriefingRepository:
    """Briefings of a candidate's own interviews; only reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, viewer: Viewer, interview_id: str, *, now: datetime) -> Versioned[dict[str, Any]]:
        """Return the briefing, fresh until a pending interview ends.

        Raises Unauthorized, InterviewNotFound and NotYourInterview.
        """
        rows = _BRIEFING.rows(self._connection, viewer.keys | {"interview_id": interview_id})
        row = require_own(
            rows[0] if rows else None,
            id_key="interview_id",
            owner_key="candidate_id",
            owner=viewer.user_id,
            not_found=InterviewNotFound,
            not_yours=NotYourInterview,
        )
        end, is_pending = ends_at(row), row["status"] == InterviewStatus.PENDING
        facts = {"ends_at": end, "not_answered": is_pending and end <= now}
        freshness = Freshness(version_in(row))
        if is_pending:
            times = {"since": end} if end <= now else {"until": last_instant_before(end)}
            freshness = Freshness(version_in(row), **times)
        return Versioned({**row, **facts, "allowed_actions": allowed_actions(row["status"])}, freshness)
