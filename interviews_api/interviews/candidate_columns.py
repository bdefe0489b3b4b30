"""The columns that a candidate's lists, details, links and live updates read."""

from typing import Any

from interviews_api.accounts.models import Company
from interviews_api.db.types import UtcDateTime, as_text
from interviews_api.hiring.models import Job
from interviews_api.interviews.models import Interview


def candidate_columns(interview: type[Interview]) -> tuple[Any, ...]:
    """Return the columns of an interview that its candidate may see."""
    return (
        interview.id.label("interview_id"),
        interview.application_id,
        interview.status,
        interview.type,
        interview.starts_at,
        interview.time_zone,
        interview.location,
        interview.meeting_link,
        interview.notes,
        interview.confirmed_at,
        interview.completed_at,
        interview.cancelled_at,
        interview.cancellation_reason,
        interview.is_hired,
        interview.created_at,
    )


CANDIDATE_COLUMNS = candidate_columns(Interview)
# `starts_at` stays a datetime: pages are sorted by it, and `scheduledTime` needs it.
LISTED_COLUMNS = tuple(
    as_text(column) if isinstance(column.type, UtcDateTime) and column is not Interview.starts_at else column
    for column in CANDIDATE_COLUMNS
)
COMPANY_AND_JOB_COLUMNS = (
    Company.id.label("company_id"),
    Company.name.label("company_name"),
    Company.logo.label("company_logo"),
    Job.id.label("job_id"),
    Job.title.label("job_title"),
)
COMPANY_CONTACT_COLUMNS = (
    Company.address.label("company_address"),
    Company.phone.label("company_phone"),
    Company.email.label("company_email"),
)
