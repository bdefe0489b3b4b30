"""Blueprint `calendar`: calendar files of interviews, and a feed for each candidate."""

import secrets

from flask import Blueprint
from marshmallow import fields

from interviews_api.accounts.models import Viewer
from interviews_api.accounts.tokens import candidate_required
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection, transaction
from interviews_api.interviews.calendar_repository import CalendarFeedRepository
from interviews_api.interviews.candidate_repository import CandidateInterviewRepository
from interviews_api.interviews.errors import CalendarNotFound, InterviewNotFound, NoCalendarFile, NotYourInterview
from interviews_api.interviews.icalendar_export import InterviewRow, Method, export_calendar
from interviews_api.interviews.models import InterviewStatus
from interviews_api.services import service
from interviews_api.web.fields import CamelSchema, Nothing
from interviews_api.web.operation import operation

blueprint = Blueprint("calendar", __name__)

_CALENDAR = "text/calendar"
_ATTACHMENT = {"Content-Disposition": 'attachment; filename="interview.ics"', "X-Content-Type-Options": "nosniff"}


class FeedAddress(CamelSchema):
    """Secret address of a feed, the only credential of a calendar program."""

    url = fields.String()


def _publish(interviews: list[InterviewRow]) -> bytes:
    return export_calendar(interviews, Method.PUBLISH, organizer=service(Settings).mail_from)


@blueprint.get("/candidate/interviews/<id:interview_id>/calendar.ics")
@candidate_required
@operation(
    "The interview as an iCalendar file (RFC 5545)",
    media_type=_CALENDAR,
    headers=_ATTACHMENT,
    errors=(NotYourInterview, InterviewNotFound, NoCalendarFile),
    has_etag=True,
)
def download_calendar_file(viewer: Viewer, *, interview_id: str) -> bytes:
    """Download a confirmed interview as a calendar file."""
    with read_connection() as connection:
        interview = CandidateInterviewRepository(connection).get(viewer, interview_id)
    if interview["status"] != InterviewStatus.CONFIRMED:
        raise NoCalendarFile
    return _publish([interview])


@blueprint.post("/candidate/calendar-feed")
@candidate_required
@operation("Calendar feed created successfully", FeedAddress, status=201, body=Nothing)
def create_calendar_feed(viewer: Viewer) -> dict[str, str]:
    """Create the secret address of the candidate's feed; an earlier address stops working."""
    secret = secrets.token_urlsafe(32)
    with transaction() as connection:
        CalendarFeedRepository(connection).create(viewer, secret, now=now())
    return {"url": f"{service(Settings).public_url}/calendar/{secret}.ics"}


@blueprint.delete("/candidate/calendar-feed")
@candidate_required
@operation("Calendar feed deleted successfully", Nothing, body=Nothing)
def delete_calendar_feed(viewer: Viewer) -> dict[str, object]:
    """Delete the candidate's feed; its address stops working."""
    with transaction() as connection:
        CalendarFeedRepository(connection).delete(viewer)
    return {}


@blueprint.get("/calendar/<secret>.ics")
@operation(
    "The candidate's interviews as an iCalendar file (RFC 5545)",
    media_type=_CALENDAR,
    errors=(CalendarNotFound,),
    headers={"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"},
    has_etag=True,
)
def read_calendar_feed(*, secret: str) -> bytes:
    """Read the feed: open interviews, and ended ones of the last 90 days. The address is the only credential."""
    with read_connection() as connection:
        return _publish(list(CalendarFeedRepository(connection).interviews(secret, now=now())))
