"""Request and response schemas of jobs and applications."""

from marshmallow import fields

from interviews_api.hiring.models import ApplicationStatus
from interviews_api.web.fields import (
    CamelSchema,
    Digits,
    FlatNested,
    Instant,
    enum_field,
    id_field,
    name_field,
    text_field,
)
from interviews_api.web.page_query import PageQuery
from interviews_api.web.shared_schemas import CandidateContact, CompanyBrief, CompanyLink, JobBrief


class NewJob(CamelSchema):
    """The request body of a new job."""

    title = name_field(required=True)
    description = text_field(load_default=None, allow_none=True)


class JobQuery(PageQuery):
    """Query of a page of all jobs, whose `skip` is bounded, because anybody may ask and skipped rows are read."""

    skip = Digits(
        0, 10_000, load_default=0, metadata={"component": "JobSkip", "description": "How many to leave out first."}
    )


class ListedJob(JobBrief):
    """A job in the public list, with its company."""

    description = fields.String(attribute="job_description", allow_none=True)
    company = FlatNested(CompanyBrief)


class Jobs(CamelSchema):
    """A page of all jobs."""

    jobs = fields.List(fields.Nested(ListedJob), attribute="rows")
    total = fields.Integer()


class _Application(CamelSchema):
    status = enum_field(ApplicationStatus)
    applied_at = Instant()


class SubmittedApplication(_Application):
    """The response to a new application."""

    application_id = id_field()
    job_id = id_field()


class _ListedApplication(_Application):
    job = FlatNested(JobBrief)
    date_seen = Instant(allow_none=True)
    date_interview_scheduled = Instant(allow_none=True)
    date_confirmed = Instant(allow_none=True)
    date_cancelled = Instant(allow_none=True)
    cancellation_reason = fields.String(allow_none=True)


class CandidateApplication(_ListedApplication):
    """An application in its candidate's list."""

    id = id_field(attribute="application_id")
    company = FlatNested(CompanyLink)
    is_rejected = fields.Function(lambda row: row["status"] == ApplicationStatus.REJECTED, metadata={"type": "boolean"})


class CandidateApplications(CamelSchema):
    """A page of a candidate's applications."""

    applications = fields.List(fields.Nested(CandidateApplication), attribute="rows")
    total = fields.Integer()


class CompanyApplication(_ListedApplication):
    """An application as its company sees it, with the candidate."""

    application_id = id_field()
    candidate = FlatNested(CandidateContact)


class CompanyApplications(CamelSchema):
    """A page of the applications for a company's jobs."""

    applications = fields.List(fields.Nested(CompanyApplication), attribute="rows")
    total = fields.Integer()
