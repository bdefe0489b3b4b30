"""What the authentication routes take and answer."""

from marshmallow import fields, validate

from interviews_api.accounts.models import Role
from interviews_api.fields import CamelSchema, Part, id_field


class Credentials(CamelSchema):
    """What a user signs in with."""

    email = fields.String(required=True)
    password = fields.String(required=True)


class _User(CamelSchema):
    id = id_field()
    email = fields.String()


class CandidateUser(_User):
    """A signed-in candidate; the id is the candidate's."""

    role = fields.String(validate=validate.Equal(Role.CANDIDATE.value))
    first_name = fields.String()
    last_name = fields.String()
    phone = fields.String(allow_none=True)


class EmployerBrief(CamelSchema):
    """The company of a company user."""

    id = id_field(attribute="company_id")
    name = fields.String(attribute="company_name")


class CompanyUser(_User):
    """Somebody signed in for a company."""

    role = fields.String(validate=validate.Equal(Role.COMPANY.value))
    company = Part(EmployerBrief)


class _Tokens(CamelSchema):
    access_token = fields.String()
    refresh_token = fields.String()
    token_type = fields.String(validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(metadata={"description": "Seconds that the access token is good for."})


class CandidateSession(_Tokens):
    """A candidate's tokens."""

    user = fields.Nested(CandidateUser)


class CompanySession(_Tokens):
    """A company user's tokens."""

    user = fields.Nested(CompanyUser)


class CandidateMe(CamelSchema):
    """Who a candidate's token says one is."""

    user = fields.Nested(CandidateUser)


class CompanyMe(CamelSchema):
    """Who a company user's token says one is."""

    user = fields.Nested(CompanyUser)
