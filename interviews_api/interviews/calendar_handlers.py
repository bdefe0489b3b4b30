"""The blueprint `calendar`: an interview as a calendar file, and all of them as a feed to subscribe to."""

import secrets

from flask import Blueprint, current_app
from marshmallow import fields

from interviews_api.accounts.models import Viewer
from interviews_api.accounts.tokens import candidate_required
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection, transaction
from interviews_api.errors import IllegalTransition
from interviews_api.interviews.calendar_repository import CalendarFeedRepository
from interviews_api.interviews.candidate_repository import CandidateInterviewRepository
from interviews_api.interviews.icalendar_export import Interview, Method, export_calendar
from interviews_api.interviews.models import InterviewStatus
from interviews_api.web.fields import CamelSchema, Nothing
from interviews_api.web.operation import operation

blueprint = Blueprint("calendar", __name__)

_CALENDAR = "text/calendar"
_ATTACHMENT = {"Content-Disposition": 'attachment; filename="interview.ics"', "X-Content-Type-Options": "nosniff"}
_TOO_EARLY = "Calendar file is only available for confirmed interviews"


class FeedAddress(CamelSchema):
    """Where to subscribe; who knows it needs nothing else."""

    url = fields.String()


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _published(interviews: list[Interview]) -> bytes:
    return export_calendar(interviews, Method.PUBLISH, organizer=_settings().mail_from)


@blueprint.get("/candidate/interviews/<id:interview_id>/calendar.ics")
@candidate_required
@operation(
    "The interview as an iCalendar file (RFC 5545)",
    file=_CALENDAR,
    headers=_ATTACHMENT,
    errors={403: "This interview does not belong to you", 404: "Interview not found", 400: _TOO_EARLY},
    has_etag=True,
)
def download_calendar_file(viewer: Viewer, *, interview_id: str) -> bytes:
    """A confirmed interview for one's calendar."""
    with read_connection() as connection:
        interview = CandidateInterviewRepository(connection).get(viewer, interview_id)
    if interview["status"] != InterviewStatus.CONFIRMED:
        raise IllegalTransition(_TOO_EARLY)
    return _published([interview])


@blueprint.post("/candidate/calendar-feed")
@candidate_required
@operation("Calendar feed created successfully", FeedAddress, status=201, body=Nothing)
def create_calendar_feed(viewer: Viewer) -> dict[str, str]:
    """An address to subscribe to; one made earlier dies."""
    secret = secrets.token_urlsafe(32)
    with transaction() as connection:
        CalendarFeedRepository(connection).create(viewer, secret, now=now())
    return {"url": f"{_settings().public_url}/calendar/{secret}.ics"}


@blueprint.delete("/candidate/calendar-feed")
@candidate_required
@operation("Calendar feed deleted successfully", Nothing, body=Nothing)
def delete_calendar_feed(viewer: Viewer) -> dict[str, object]:
    """The address dies."""
    with transaction() as connection:
        CalendarFeedRepository(connection).delete(viewer)
    return {}


@blueprint.get("/calendar/<secret>.ics")
@operation(
    "The candidate's interviews as an iCalendar file (RFC 5545)",
    file=_CALENDAR,
    errors={404: "Calendar not found"},
    headers={"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"},
    has_etag=True,
)
def read_calendar_feed(*, secret: str) -> bytes:
    """Open interviews, and those of the last 90 days that are over; who knows the address may read."""
    with read_connection() as connection:
        return _published(list(CalendarFeedRepository(connection).interviews(secret, now=now())))
