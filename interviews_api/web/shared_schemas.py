"""Schemas of company, job and candidate, which several features nest in their own."""

from marshmallow import fields

from interviews_api.web.fields import CamelSchema, id_field


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


class CandidateContact(CamelSchema):
    """The candidate with e-mail address and phone number."""

    id = id_field(attribute="candidate_id")
    full_name = fields.Function(
        lambda row: f"{row['first_name']} {row['last_name']}".strip(), metadata={"type": "string"}
    )
    email = fields.String(attribute="candidate_email")
    phone = fields.String(attribute="candidate_phone", allow_none=True)
