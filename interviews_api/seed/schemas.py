"""Schemas of the seed file: one JSON object of arrays (docs/seed-file.md)."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, pre_load, validate

from interviews_api.accounts.models import CompanyRole
from interviews_api.accounts.passwords import MAX_PASSWORD
from interviews_api.accounts.schemas import NewPasswordText
from interviews_api.hiring.models import ApplicationStatus
from interviews_api.interviews.candidate_schemas import Feedback, text_list
from interviews_api.interviews.models import Actor, InterviewStatus, InterviewType
from interviews_api.web.email_fields import contact_email_field, new_email_field
from interviews_api.web.fields import (
    CamelSchema,
    InlineText,
    Instant,
    JsonBoolean,
    WholeNumber,
    enum_field,
    id_field,
    inline_text_field,
    refuse_blank,
    text_field,
    time_zone_field,
)
from interviews_api.web.link_fields import link_field
from interviews_api.web.shared_schemas import PersonNames

_MAX_TEXT = 20_000  # characters; files come from the operator, and older texts may be longer than the API accepts


def _optional_text() -> fields.String:
    return text_field(_MAX_TEXT, load_default=None, allow_none=True)


def _name(**kwargs: Any) -> fields.String:
    return InlineText(validate=[validate.Length(min=1, max=_MAX_TEXT), refuse_blank], **kwargs)


def _optional_inline_text() -> fields.String:
    return inline_text_field(_MAX_TEXT, load_default=None, allow_none=True)


def _optional_instant() -> Instant:
    return Instant(load_default=None, allow_none=True)


class _Record(CamelSchema):
    @pre_load
    def _null_is_absent(self, data: Any, **_kwargs: object) -> Any:
        """Drop null for fields with a default; null for a required field stays, and is refused."""
        if not isinstance(data, Mapping):
            return data
        optional = {field.data_key for field in self.load_fields.values() if not field.required}
        return {name: value for name, value in data.items() if value is not None or name not in optional}


class SeedCompany(_Record):
    """An element of the array `companies`."""

    id = id_field(required=True)
    name = _name(required=True)
    logo = link_field(load_default=None, allow_none=True)
    address = _optional_inline_text()
    phone = _optional_inline_text()
    email = contact_email_field(_MAX_TEXT, load_default=None, allow_none=True)
    time_zone = time_zone_field(load_default="UTC")


class _SeedUser(_Record):
    id = id_field(required=True)
    email = new_email_field(required=True)
    password = NewPasswordText(validate=validate.Length(min=1, max=MAX_PASSWORD), load_default=None, allow_none=True)


class SeedCompanyUser(_SeedUser):
    """An element of the array `companyUsers`."""

    company_id = id_field(required=True)
    role = enum_field(CompanyRole, load_default=CompanyRole.OWNER.value)


class SeedCandidate(PersonNames, _SeedUser):
    """An element of the array `candidates`."""

    first_name = _name(load_default="")
    last_name = _name(load_default="")
    phone = _optional_inline_text()


class SeedJob(_Record):
    """An element of the array `jobs`."""

    id = id_field(required=True)
    company_id = id_field(required=True)
    title = _name(required=True)
    description = _optional_text()


class SeedApplication(_Record):
    """An element of the array `applications`."""

    id = id_field(required=True)
    candidate_id = id_field(required=True)
    job_id = id_field(required=True)
    status = enum_field(ApplicationStatus, load_default=ApplicationStatus.PENDING.value)
    applied_at = Instant(required=True)


class SeedFeedback(Feedback):
    """The feedback of a record of `interviews`."""

    comments = text_field(_MAX_TEXT, allow_none=True)
    strengths = text_list(50, 1000)
    weaknesses = text_list(50, 1000)


class SeedInterview(_Record):
    """An element of the array `interviews`."""

    id = id_field(required=True)
    application_id = id_field(required=True)
    status = enum_field(InterviewStatus, required=True)
    type = enum_field(InterviewType, required=True)
    starts_at = Instant(data_key="scheduledDate", required=True)
    time_zone = time_zone_field(load_default=None)
    duration_minutes = WholeNumber(5, 1440, load_default=60)
    location = _optional_text()
    meeting_link = link_field(load_default=None, allow_none=True)
    notes = _optional_text()
    internal_notes = _optional_text()
    confirmed_at = _optional_instant()
    completed_at = _optional_instant()
    cancelled_at = _optional_instant()
    cancelled_by = enum_field(Actor, load_default=None, allow_none=True)
    cancellation_reason = _optional_text()
    is_hired = JsonBoolean(load_default=None, allow_none=True)
    hiring_decision_reason = _optional_text()
    feedback = fields.Nested(SeedFeedback, load_default=None, allow_none=True)
    share_feedback = JsonBoolean(load_default=True)
    created_at = Instant(data_key="scheduledAt", required=True)


class SeedFile(_Record):
    """The whole file; every array is optional."""

    companies = fields.List(fields.Nested(SeedCompany), load_default=list)
    company_users = fields.List(fields.Nested(SeedCompanyUser), load_default=list)
    jobs = fields.List(fields.Nested(SeedJob), load_default=list)
    candidates = fields.List(fields.Nested(SeedCandidate), load_default=list)
    applications = fields.List(fields.Nested(SeedApplication), load_default=list)
    interviews = fields.List(fields.Nested(SeedInterview), load_default=list)
