"""Request and response schemas of the candidate's interview routes, over rows of the repository."""

from datetime import datetime

from marshmallow import ValidationError, fields, validate

from interviews_api.clock import now
from interviews_api.events.models import EventActor, EventType
from interviews_api.interviews.models import InterviewStatus, InterviewType
from interviews_api.web.fields import (
    CamelSchema,
    FlatNested,
    Instant,
    QueryBoolean,
    ShortList,
    WallTime,
    WholeNumber,
    enum_field,
    id_field,
    text_field,
)
from interviews_api.web.page_query import PageQuery, UnlimitedPageQuery
from interviews_api.web.shared_schemas import CompanyBrief, CompanyName, JobBrief, JobTitle
from interviews_api.web.text_rules import MAX_REASON


class ListQuery(PageQuery):
    """Query of a page of interviews, of one status or of all."""

    status = enum_field(
        InterviewStatus, load_default=lambda: None, metadata={"description": "Only interviews of this status."}
    )


class UpcomingQuery(UnlimitedPageQuery):
    """Query of a page of upcoming interviews."""

    ongoing = QueryBoolean(
        load_default=False, metadata={"description": "Whether those that have begun and not ended are listed, too."}
    )


class CompanyContact(CompanyBrief):
    """The company with address, phone number and e-mail address."""

    address = fields.String(attribute="company_address", allow_none=True)
    phone = fields.String(attribute="company_phone", allow_none=True)
    email = fields.String(attribute="company_email", allow_none=True)


class JobDescribed(JobBrief):
    """A job with its description."""

    description = fields.String(attribute="job_description", allow_none=True)


class _Interview(CamelSchema):
    """Keys that all lists and the details have in common."""

    interview_id = id_field()
    application_id = id_field()
    company = FlatNested(CompanyBrief)
    job = FlatNested(JobBrief)
    status = enum_field(InterviewStatus)
    type = enum_field(InterviewType)
    scheduled_date = Instant(attribute="starts_at", metadata={"description": "The instant it begins."})
    scheduled_time = WallTime(metadata={"description": "That instant on the wall clock of its time zone."})


class ListedInterview(_Interview):
    """An interview in the list of all."""

    location = fields.String(allow_none=True)
    meeting_link = fields.String(allow_none=True)
    notes = fields.String(allow_none=True)
    confirmed_at = Instant(allow_none=True)
    completed_at = Instant(allow_none=True)
    cancelled_at = Instant(allow_none=True)
    cancellation_reason = fields.String(allow_none=True)
    is_hired = fields.Boolean(allow_none=True)
    applied_at = Instant()
    scheduled_at = Instant(attribute="created_at", metadata={"description": "When it was created."})


class PendingInterview(_Interview):
    """An interview in the list of pending ones."""

    meeting_link = fields.String(allow_none=True)
    notes = fields.String(allow_none=True)
    applied_at = Instant()
    scheduled_at = Instant(attribute="created_at")


class UpcomingInterview(_Interview):
    """An interview in the list of upcoming ones."""

    meeting_link = fields.String(allow_none=True)
    confirmed_at = Instant(allow_none=True)
    applied_at = Instant()


class PastInterview(_Interview):
    """An interview in the history."""

    completed_at = Instant(allow_none=True)
    is_hired = fields.Boolean(allow_none=True)
    applied_at = Instant()


def _rating() -> WholeNumber:
    return WholeNumber(1, 10, allow_none=True, metadata={"component": "Rating"})


class Feedback(CamelSchema):
    """Feedback that a company gave, with ratings from 1 to 10. All keys are optional."""

    has_optional_parts = True

    overall_rating = _rating()
    technical_skills = _rating()
    communication = _rating()
    motivation = _rating()
    cultural_fit = _rating()
    comments = fields.String(allow_none=True)
    strengths = fields.List(fields.String(), allow_none=True)
    weaknesses = fields.List(fields.String(), allow_none=True)
    recommendation = fields.String(
        validate=validate.OneOf(["hire", "reject", "consider"]),
        allow_none=True,
        metadata={"component": "Recommendation"},
    )


def text_list(entries: int, characters: int) -> ShortList:
    """Return an optional list of at most so many texts of at most so many characters."""
    return ShortList(text_field(characters), allow_none=True, validate=validate.Length(max=entries))


class NewFeedback(Feedback):
    """Feedback in a request. All keys are optional."""

    comments = text_field(allow_none=True)
    strengths = text_list(20, 500)
    weaknesses = text_list(20, 500)


class InterviewDetails(ListedInterview):
    """An interview in full, for its candidate."""

    company = FlatNested(CompanyContact)
    job = FlatNested(JobDescribed)
    feedback = fields.Nested(Feedback, allow_none=True, metadata={"description": "Null unless it was shared."})


class CandidateInterviews(CamelSchema):
    """A page of all interviews, with counts over all pages."""

    interviews = fields.List(fields.Nested(ListedInterview), attribute="rows")
    total = fields.Integer()
    pending_count = fields.Integer()
    upcoming_count = fields.Integer()
    completed_count = fields.Integer()


class PendingInterviews(CamelSchema):
    """A page of pending interviews."""

    interviews = fields.List(fields.Nested(PendingInterview), attribute="rows")
    total = fields.Integer()


class UpcomingInterviews(CamelSchema):
    """A page of confirmed interviews that have not begun, or that have not ended."""

    interviews = fields.List(fields.Nested(UpcomingInterview), attribute="rows")
    total = fields.Integer()


class InterviewHistory(CamelSchema):
    """A page of completed and cancelled interviews."""

    interviews = fields.List(fields.Nested(PastInterview), attribute="rows")
    total = fields.Integer()


class ConfirmedMeeting(CamelSchema):
    """Time and place in the response to a confirm."""

    date = Instant(attribute="starts_at")
    time = WallTime()
    type = enum_field(InterviewType)
    location = fields.String(allow_none=True)
    meeting_link = fields.String(allow_none=True)
    company = FlatNested(CompanyName)
    job = FlatNested(JobTitle)


class Confirmation(CamelSchema):
    """The response to a confirm."""

    interview_id = id_field()
    status = enum_field(InterviewStatus)
    confirmed_at = Instant(allow_none=True)
    interview = FlatNested(ConfirmedMeeting)


class Reason(CamelSchema):
    """The request body of a decline: an optional reason."""

    reason = text_field(MAX_REASON, load_default=None, allow_none=True)


def _check_future(instant: datetime) -> None:
    if instant <= now():
        raise ValidationError("Must lie in the future.")


MAX_PROPOSED_TIMES = 5


class RescheduleWish(Reason):
    """The request body of a reschedule request: an optional reason and up to five proposed times."""

    proposed_times = ShortList(
        Instant(validate=_check_future), load_default=list, validate=validate.Length(max=MAX_PROPOSED_TIMES)
    )


class TimelineEvent(CamelSchema):
    """An event in the timeline; ids rise in commit order."""

    id = fields.Integer()
    type = enum_field(EventType)
    at = Instant()
    by = enum_field(EventActor, attribute="actor")


class Timeline(CamelSchema):
    """The events of an interview, up to the newest 1,000."""

    events = fields.List(fields.Nested(TimelineEvent), attribute="rows")
    total = fields.Integer()
