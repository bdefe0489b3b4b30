"""Schemas of company, job and candidate, which several features nest in their own."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, pre_load, validate, validates_schema

from interviews_api.web.fields import CamelSchema, Name, id_field
from interviews_api.web.plain_text import full_name
from interviews_api.web.text_rules import MAX_NAME, NAME_PATTERN, check_name


class CompanyName(CamelSchema):
    """The name of a company."""

    name = fields.String(attribute="company_name")


class CompanyLink(CamelSchema):
    """The id and name of a company."""

    id = id_field(attribute="company_id")
    name = fields.String(attribute="company_name")


class CompanyBrief(CompanyLink):
    """The company of a list's row."""

    logo = fields.String(attribute="company_logo", allow_none=True)


class JobTitle(CamelSchema):
    """The title of a job."""

    title = fields.String(attribute="job_title")


class JobBrief(CamelSchema):
    """The job of a list's row."""

    id = id_field(attribute="job_id")
    title = fields.String(attribute="job_title")


class PersonNames(CamelSchema):
    """The input fields `first_name` and `last_name`, of which one is enough: many people have one name.

    Absent, null and "" are the same. Older processes cannot read NULL, so "" is stored.
    """

    any_required = ("firstName", "lastName")

    @pre_load
    def _drop_empty_names(self, data: Any, **_kwargs: object) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if key not in self.any_required or _is_filled(value)}

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _require_a_name(self, _data: Any, original: Any, **_kwargs: object) -> None:
        if isinstance(original, Mapping) and not any(_is_filled(original.get(key)) for key in self.any_required):
            raise ValidationError("One of firstName and lastName is needed.", "firstName")


def optional_name_field() -> fields.String:
    """Return the field of a person's name for a schema of PersonNames."""
    checks: list[Callable[[str], Any]] = [validate.Length(max=MAX_NAME), check_name]
    return Name(validate=checks, metadata={"pattern": rf"^$|{NAME_PATTERN}"}, load_default="", allow_none=True)


def _is_filled(value: object) -> bool:
    return value is not None and value != ""


class CandidateContact(CamelSchema):
    """The candidate with e-mail address and phone number."""

    id = id_field(attribute="candidate_id")
    full_name = fields.Function(full_name, metadata={"type": "string"})
    email = fields.String(attribute="candidate_email")
    phone = fields.String(attribute="candidate_phone", allow_none=True)
