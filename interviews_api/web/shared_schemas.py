"""The schemas of those whom several features show inside their own: company, job, candidate."""

from marshmallow import fields

from interviews_api.web.fields import CamelSchema, id_field


class CompanyName(CamelSchema):
    """Just the name."""

    name = fields.String(attribute="company_name")


class CompanyLink(CamelSchema):
    """Which company, by name."""

    id = id_field(attribute="company_id")
    name = fields.String(attribute="company_name")


class CompanyBrief(CompanyLink):
    """The company as the lists show it."""

    logo = fields.String(attribute="company_logo", allow_none=True)


class JobTitle(CamelSchema):
    """Just the title."""

    title = fields.String(attribute="job_title")


class JobBrief(CamelSchema):
    """The job as the lists show it."""

    id = id_field(attribute="job_id")
    title = fields.String(attribute="job_title")


class CandidateContact(CamelSchema):
    """The candidate, and how to reach him or her."""

    id = id_field(attribute="candidate_id")
    full_name = fields.Function(
        lambda row: f"{row['first_name']} {row['last_name']}".strip(), metadata={"type": "string"}
    )
    email = fields.String(attribute="candidate_email")
    phone = fields.String(attribute="candidate_phone", allow_none=True)
