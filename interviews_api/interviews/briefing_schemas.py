"""Response schema of the briefing of an interview."""

from marshmallow import fields

from interviews_api.interviews.candidate_actions import CandidateAction
from interviews_api.interviews.company_schemas import RescheduleRequest
from interviews_api.web.fields import CamelSchema, FlatNested, Instant, enum_field, id_field


class Contact(CamelSchema):
    """How the candidate reaches the company."""

    name = fields.String(attribute="company_name")
    email = fields.String(attribute="company_email", allow_none=True)
    phone = fields.String(attribute="company_phone", allow_none=True)


class InterviewBriefing(CamelSchema):
    """All that a page needs of an interview besides its details."""

    interview_id = id_field()
    ends_at = Instant()
    time_zone = fields.String()
    duration_minutes = fields.Integer()
    revision = fields.Integer(metadata={"description": "The SEQUENCE of its calendar entry."})
    contact = FlatNested(Contact)
    reschedule_request = fields.Nested(RescheduleRequest, allow_none=True)
    not_answered = fields.Boolean(metadata={"description": "Whether it is pending and its end has passed."})
    allowed_actions = fields.List(
        enum_field(CandidateAction), metadata={"description": "Those whose routes would not answer 400 now."}
    )
