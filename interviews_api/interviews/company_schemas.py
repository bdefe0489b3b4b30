"""Request and response schemas of the company's interview routes."""

from typing import Any

from marshmallow import fields, post_load

from interviews_api.interviews.candidate_schemas import Feedback, ListQuery, NewFeedback
from interviews_api.interviews.models import Actor, InterviewStatus, InterviewType
from interviews_api.interviews.scheduling import check_place
from interviews_api.web.fields import (
    CamelSchema,
    FlatNested,
    Instant,
    JsonBoolean,
    LocalDate,
    LocalTime,
    WallTime,
    WholeNumber,
    enum_field,
    filled_text_field,
    id_field,
    text_field,
    time_zone_field,
)
from interviews_api.web.link_fields import link_field
from interviews_api.web.shared_schemas import CandidateContact, JobBrief
from interviews_api.web.text_rules import MAX_LOCATION, MAX_NOTES, MAX_REASON


class CompanyListQuery(ListQuery):
    """Query of a page of the viewer's company; another company's id is refused."""

    # A callable, so that OpenAPI shows no default.
    company_id = fields.String(load_default=lambda: None, metadata={"description": "The viewer's company."})


class _LocalStart(CamelSchema):
    """Local date and time of an interview's start."""

    day = LocalDate(data_key="date", required=True)
    wall_time = LocalTime(data_key="time", required=True)


class Schedule(_LocalStart):
    """The request body of a new interview."""

    application_id = id_field(required=True)
    time_zone = time_zone_field(load_default=None, allow_none=True, metadata={"description": "Default: the company's."})
    duration_minutes = WholeNumber(5, 1440, load_default=60, metadata={"component": "DurationMinutes"})
    type = enum_field(InterviewType, required=True)
    location = filled_text_field(MAX_LOCATION, load_default=None, allow_none=True)
    meeting_link = link_field(load_default=None, allow_none=True)
    notes = text_field(MAX_NOTES, load_default=None, allow_none=True)
    internal_notes = text_field(load_default=None, allow_none=True)

    @post_load
    def _check_place(self, loaded: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
        check_place(loaded)
        return loaded


class Reschedule(_LocalStart):
    """The request body of a reschedule; absent keys keep their values."""

    time_zone = time_zone_field()
    duration_minutes = WholeNumber(5, 1440, metadata={"component": "DurationMinutes"})
    type = enum_field(InterviewType)
    location = filled_text_field(MAX_LOCATION, allow_none=True)
    meeting_link = link_field(allow_none=True)
    notes = text_field(MAX_NOTES, allow_none=True)
    internal_notes = text_field(allow_none=True)


class Cancellation(CamelSchema):
    """The request body of a cancellation."""

    cancellation_reason = filled_text_field(MAX_REASON, required=True)


class Completion(CamelSchema):
    """The request body of a completion: feedback and decision."""

    feedback = fields.Nested(NewFeedback, load_default=None, allow_none=True)
    is_hired = JsonBoolean(load_default=None, allow_none=True)
    hiring_decision_reason = text_field(MAX_REASON, load_default=None, allow_none=True)
    share_feedback = JsonBoolean(load_default=True)


class RescheduleRequest(CamelSchema):
    """The candidate's reschedule request, with instants as text."""

    reason = fields.String(allow_none=True)
    proposed_times = fields.List(fields.String(metadata={"component": "Instant"}))
    requested_at = fields.String(metadata={"component": "Instant"})


class CompanyInterview(CamelSchema):
    """An interview in full, for its company."""

    interview_id = id_field()
    application_id = id_field()
    candidate = FlatNested(CandidateContact)
    job = FlatNested(JobBrief)
    status = enum_field(InterviewStatus)
    type = enum_field(InterviewType)
    scheduled_date = Instant(attribute="starts_at", metadata={"description": "The instant it begins."})
    scheduled_time = WallTime(metadata={"description": "That instant on the wall clock of its time zone."})
    time_zone = fields.String()
    duration_minutes = fields.Integer()
    location = fields.String(allow_none=True)
    meeting_link = fields.String(allow_none=True)
    notes = fields.String(allow_none=True, metadata={"description": "For the candidate."})
    internal_notes = fields.String(allow_none=True, metadata={"description": "For the company alone."})
    confirmed_at = Instant(allow_none=True)
    completed_at = Instant(allow_none=True)
    cancelled_at = Instant(allow_none=True)
    cancelled_by = enum_field(Actor, allow_none=True)
    cancellation_reason = fields.String(allow_none=True)
    is_hired = fields.Boolean(allow_none=True)
    hiring_decision_reason = fields.String(allow_none=True)
    feedback = fields.Nested(Feedback, allow_none=True)
    share_feedback = fields.Boolean()
    reschedule_request = fields.Nested(RescheduleRequest, allow_none=True)
    scheduled_at = Instant(attribute="created_at", metadata={"description": "When it was created."})


class CompanyInterviews(CamelSchema):
    """A page of the company's interviews."""

    interviews = fields.List(fields.Nested(CompanyInterview), attribute="rows")
    total = fields.Integer()
