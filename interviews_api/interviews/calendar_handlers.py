"""Blueprint `calendar`: calendar files of interviews, and a feed for each candidate."""

import secrets
from collections.abc import Iterable
from functools import wraps
from typing import Any

from flask import Blueprint

from interviews_api.accounts.authentication import candidate_required
from interviews_api.accounts.email_verification import is_verification_required
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limits import by_subject, count_attempt, count_attempt_of
from interviews_api.cache import Version, Versioned
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import FEED_READS, FEEDS
from interviews_api.db.connections import read_connection, transaction
from interviews_api.interviews.calendar_repository import CalendarFeedRepository, RequestedFeed, hash_secret
from interviews_api.interviews.calendar_schemas import FeedAddress, FeedState
from interviews_api.interviews.candidate_actions import has_calendar_file
from interviews_api.interviews.candidate_repository import CandidateInterviewRepository
from interviews_api.interviews.errors import CalendarNotFound, InterviewNotFound, NoCalendarFile, NotYourInterview
from interviews_api.interviews.icalendar_export import InterviewRow, Method, export_calendar
from interviews_api.interviews.terms import FEED_NAME
from interviews_api.services import service
from interviews_api.web.fields import Nothing
from interviews_api.web.operation import operation
from interviews_api.web.route_contract import CachePolicy, View

blueprint = Blueprint("calendar", __name__)

_CALENDAR = "text/calendar"
_ATTACHMENT = {"Content-Disposition": 'attachment; filename="interview.ics"'}


def _publish(interviews: Iterable[InterviewRow], feed_name: str | None = None) -> bytes:
    return export_calendar(service(Settings), interviews, Method.PUBLISH, feed_name=feed_name)


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
        interview = CandidateInterviewRepository(connection).get_for_calendar(viewer, interview_id)
    if not has_calendar_file(interview["status"]):
        raise NoCalendarFile
    return _publish([interview])


@blueprint.post("/candidate/calendar-feed")
@candidate_required
@operation("Calendar feed created successfully", FeedAddress, status=201, body=Nothing, limits=(FEEDS,))
def create_calendar_feed(viewer: Viewer) -> dict[str, str]:
    """Create the secret address of the candidate's feed; an earlier address stops working."""
    count_attempt_of(viewer, FEEDS)
    secret = secrets.token_urlsafe(32)
    with transaction() as connection:
        CalendarFeedRepository(connection).create(viewer, hash_secret(secret), now=now())
    url = f"{service(Settings).public_url}/calendar/{secret}.ics"
    return {"url": url, "webcal_url": f"webcal:{url.partition(':')[2]}"}


@blueprint.get("/candidate/calendar-feed")
@candidate_required
@operation("Calendar feed retrieved successfully", FeedState, has_etag=True)
def show_calendar_feed(viewer: Viewer) -> dict[str, Any]:
    """Show whether the candidate has a feed, since when, and when it was last read; never its address."""
    with read_connection() as connection:
        return CalendarFeedRepository(connection).get(viewer)


@blueprint.delete("/candidate/calendar-feed")
@candidate_required
@operation("Calendar feed deleted successfully", Nothing, body=Nothing)
def delete_calendar_feed(viewer: Viewer) -> dict[str, object]:
    """Delete the candidate's feed; its address stops working."""
    with transaction() as connection:
        CalendarFeedRepository(connection).delete(viewer)
    return {}


def _version_of(*, feed: RequestedFeed) -> Version:
    return feed.version


def _count_read(view: View) -> View:
    """Count and record a read of an existing feed, also a cached one, and call the view with the feed.

    The feed has the hash of the secret, so the cache's keys hold no secret. Raises CalendarNotFound and
    TooManyRequests.
    """

    @wraps(view)
    def counted(*, secret: str) -> Any:
        with read_connection() as connection:
            feeds = CalendarFeedRepository(connection)
            feed = feeds.get_by_secret(hash_secret(secret), now=now(), of_verified=is_verification_required())
        count_attempt([by_subject(FEED_READS, feed.secret_hash)])
        if feed.is_read_due:
            with transaction() as connection:
                CalendarFeedRepository(connection).mark_read(feed.secret_hash, now=now())
        return view(feed=feed)

    return counted


@blueprint.get("/calendar/<secret>.ics")
@_count_read
@operation(
    "The candidate's interviews as an iCalendar file (RFC 5545)",
    media_type=_CALENDAR,
    errors=(CalendarNotFound,),
    limits=(FEED_READS,),
    has_etag=True,
    cache=CachePolicy(_version_of),
)
def read_calendar_feed(*, feed: RequestedFeed) -> Versioned[bytes]:
    """Read the feed: open interviews, and ended ones of the last 90 days. The address is the only credential.

    At most 500 interviews, the newest first, with at most 2,000 characters of notes and of the place each.
    """
    with read_connection() as connection:
        interviews, freshness = CalendarFeedRepository(connection).interviews(feed.secret_hash, now=now())
    return Versioned(_publish(interviews, FEED_NAME), freshness)
