"""What the candidate's routes take and answer: exactly the keys of the contract, over rows of the repository."""

from marshmallow import EXCLUDE, fields, validate

from interviews_api.fields import CamelSchema, Digits, Instant, Part, WallTime, WholeNumber, id_field, text_field
from interviews_api.interviews.models import InterviewStatus, InterviewType

MAX_SKIP = 2**31 - 1
EVERYTHING = 2**31 - 1
"""A `limit` that leaves nothing out."""


class AnyPage(CamelSchema):
    """`skip` and `limit`; without a limit, everything."""

    class Meta:
        unknown = EXCLUDE

    limit = Digits(
        1, 100, load_default=lambda: EVERYTHING, metadata={"description": "How many to return; all when absent."}
    )
    skip = Digits(0, MAX_SKIP, load_default=0, metadata={"description": "How many to leave out first."})


class PageQuery(AnyPage):
    """`skip` and `limit`, ten at a time."""

    limit = Digits(1, 100, load_default=10, metadata={"description": "How many to return."})


class ListQuery(PageQuery):
    """A page, of one status or of all."""

    status = fields.String(
        load_default=lambda: None,
        validate=validate.OneOf(list(InterviewStatus)),
        metadata={"description": "Only these."},
    )


class CompanyBrief(CamelSchema):
    """The company as the lists show it."""

    id = id_field(attribute="company_id")
    name = fields.String(attribute="company_name")
    logo = fields.String(attribute="company_logo", allow_none=True)


class CompanyContact(CompanyBrief):
    """The company with how to reach it."""

    address = fields.String(attribute="company_address", allow_none=True)
    phone = fields.String(attribute="company_phone", allow_none=True)
    email = fields.String(attribute="company_email", allow_none=True)


class JobBrief(CamelSchema):
    """The job as the lists show it."""

    id = id_field(attribute="job_id")
    title = fields.String(attribute="job_title")


class JobDescribed(JobBrief):
    """The job with its description."""

    description = fields.String(attribute="job_description", allow_none=True)


class CompanyName(CamelSchema):
    """Just the name."""

    name = fields.String(attribute="company_name")


class JobTitle(CamelSchema):
    """Just the title."""

    title = fields.String(attribute="job_title")


class _Interview(CamelSchema):
    """What every view of an interview begins with."""

    interview_id = id_field()
    application_id = id_field()
    company = Part(CompanyBrief)
    job = Part(JobBrief)
    status = fields.String(validate=validate.OneOf(list(InterviewStatus)))
    type = fields.String(validate=validate.OneOf(list(InterviewType)))
    scheduled_date = Instant(attribute="starts_at", metadata={"description": "The instant it begins."})
    scheduled_time = WallTime(metadata={"description": "That instant on the wall clock of its time zone."})


class ListedInterview(_Interview):
    """As in the list of all."""

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
    """As in the list of those that wait for a yes."""

    meeting_link = fields.String(allow_none=True)
    notes = fields.String(allow_none=True)
    applied_at = Instant()
    scheduled_at = Instant(attribute="created_at")


class UpcomingInterview(_Interview):
    """As in the list of confirmed ones to come."""

    meeting_link = fields.String(allow_none=True)
    confirmed_at = Instant(allow_none=True)
    applied_at = Instant()


class PastInterview(_Interview):
    """As in the history."""

    completed_at = Instant(allow_none=True)
    is_hired = fields.Boolean(allow_none=True)
    applied_at = Instant()


def _rating() -> WholeNumber:
    return WholeNumber(1, 10, allow_none=True)


class Feedback(CamelSchema):
    """What the company thought of the interview, marks from 1 to 10; every part optional."""

    has_optional_parts = True

    overall_rating = _rating()
    technical_skills = _rating()
    communication = _rating()
    motivation = _rating()
    cultural_fit = _rating()
    comments = text_field(allow_none=True)
    strengths = fields.List(text_field(), allow_none=True, validate=validate.Length(max=100))
    weaknesses = fields.List(text_field(), allow_none=True, validate=validate.Length(max=100))
    recommendation = fields.String(validate=validate.OneOf(["hire", "reject", "consider"]), allow_none=True)


class InterviewDetails(ListedInterview):
    """One interview with all that its candidate may know."""

    company = Part(CompanyContact)
    job = Part(JobDescribed)
    feedback = fields.Nested(Feedback, allow_none=True, metadata={"description": "Null unless it was shared."})


class CandidateInterviews(CamelSchema):
    """A page of the list of all, and the counts over all."""

    interviews = fields.List(fields.Nested(ListedInterview))
    total = fields.Integer()
    pending_count = fields.Integer(attribute="counts.pending_count")
    upcoming_count = fields.Integer(attribute="counts.upcoming_count")
    completed_count = fields.Integer(attribute="counts.completed_count")


class PendingInterviews(CamelSchema):
    """Those that wait for a yes."""

    interviews = fields.List(fields.Nested(PendingInterview))
    total = fields.Integer()


class UpcomingInterviews(CamelSchema):
    """Confirmed ones to come."""

    interviews = fields.List(fields.Nested(UpcomingInterview))
    total = fields.Integer()


class InterviewHistory(CamelSchema):
    """Completed and cancelled ones."""

    interviews = fields.List(fields.Nested(PastInterview))
    total = fields.Integer()


class ConfirmedMeeting(CamelSchema):
    """When and where, inside the answer to a confirm."""

    date = Instant(attribute="starts_at")
    time = WallTime()
    type = fields.String(validate=validate.OneOf(list(InterviewType)))
    location = fields.String(allow_none=True)
    meeting_link = fields.String(allow_none=True)
    company = Part(CompanyName)
    job = Part(JobTitle)


class Confirmation(CamelSchema):
    """The answer to a confirm."""

    interview_id = id_field()
    status = fields.String(validate=validate.OneOf(list(InterviewStatus)))
    confirmed_at = Instant(allow_none=True)
    interview = Part(ConfirmedMeeting)
