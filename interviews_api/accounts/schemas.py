"""What the authentication routes take and answer."""

from marshmallow import fields, validate

from interviews_api.accounts.models import Role
from interviews_api.web.fields import (
    CamelSchema,
    FlatNested,
    email_field,
    id_field,
    link_field,
    name_field,
    text_field,
    time_zone_field,
)
from interviews_api.web.shared_schemas import CompanyLink


class Credentials(CamelSchema):
    """What a user signs in with."""

    email = fields.String(required=True)
    password = fields.String(required=True)


class _NewUser(CamelSchema):
    email = email_field(required=True)
    password = text_field(128, minimum=10, required=True)


class NewCandidate(_NewUser):
    """A candidate who registers."""

    first_name = name_field(200, required=True)
    last_name = name_field(200, required=True)
    phone = text_field(50, load_default=None, allow_none=True)


class NewCompanyDetails(CamelSchema):
    """The company that registers."""

    name = name_field(200, required=True)
    logo = link_field(load_default=None, allow_none=True)
    address = text_field(500, load_default=None, allow_none=True)
    phone = text_field(50, load_default=None, allow_none=True)
    email = email_field(load_default=None, allow_none=True)
    time_zone = time_zone_field(load_default="UTC")


class NewCompany(_NewUser):
    """A company with its first user."""

    company = fields.Nested(NewCompanyDetails, required=True)


class NewCompanyUser(_NewUser):
    """One more user of a company."""


class PasswordChange(CamelSchema):
    """The password one has and the one one wants."""

    current_password = fields.String(required=True)
    new_password = text_field(128, minimum=10, required=True)


class PasswordResetRequest(CamelSchema):
    """Whose password is forgotten."""

    email = email_field(required=True)


class NewPassword(CamelSchema):
    """The token from the mail, and the password one wants."""

    token = fields.String(required=True)
    new_password = text_field(128, minimum=10, required=True)


class _User(CamelSchema):
    id = id_field()
    email = fields.String()


class CandidateUser(_User):
    """A signed-in candidate; the id is the candidate's."""

    role = fields.String(validate=validate.Equal(Role.CANDIDATE.value))
    first_name = fields.String()
    last_name = fields.String()
    phone = fields.String(allow_none=True)


class CompanyUser(_User):
    """Somebody signed in for a company."""

    role = fields.String(validate=validate.Equal(Role.COMPANY.value))
    company = FlatNested(CompanyLink)


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


class CompanyUsers(CamelSchema):
    """A page of a company's users."""

    users = fields.List(fields.Nested(CompanyUser), attribute="rows")
    total = fields.Integer()
