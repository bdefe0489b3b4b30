"""Request and response schemas of the authentication routes."""

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from interviews_api.accounts.models import CompanyRole, Role
from interviews_api.accounts.passwords import MAX_PASSWORD, is_common, normal_form
from interviews_api.web.email_fields import email_field, new_email_field, sign_in_email_field
from interviews_api.web.fields import (
    CamelSchema,
    FlatNested,
    Instant,
    enum_field,
    id_field,
    inline_text_field,
    name_field,
    time_zone_field,
)
from interviews_api.web.link_fields import link_field
from interviews_api.web.shared_schemas import CompanyLink, PersonNames, optional_name_field

_COUNTED = "Characters are counted in the normal form NFC."


def _check_password(password: str) -> None:
    if is_common(password):
        raise ValidationError("Must not be blank or one of the commonest passwords.")


class NewPasswordText(fields.String):
    """Password that is to be stored, in its normal form, by which it is judged."""

    def _deserialize(self, value: object, attr: str | None, data: Any, **kwargs: object) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        return normal_form(text)


def password_field(*, required: bool = True, **kwargs: Any) -> fields.String:
    """Return the field of a password that is to be stored."""
    checks: list[Callable[[str], object]] = [validate.Length(10, MAX_PASSWORD), _check_password]
    return NewPasswordText(required=required, validate=checks, metadata={"description": _COUNTED}, **kwargs)


class Credentials(CamelSchema):
    """The e-mail address and password of a user."""

    email = sign_in_email_field(required=True)
    password = fields.String(required=True)


class _NewUser(CamelSchema):
    email = new_email_field(required=True)
    password = password_field()


class NewCandidate(PersonNames, _NewUser):
    """The request body of a candidate's registration."""

    first_name = optional_name_field()
    last_name = optional_name_field()
    phone = inline_text_field(50, load_default=None, allow_none=True)


class NewCompanyDetails(CamelSchema):
    """The company in a company's registration."""

    name = name_field(required=True)
    logo = link_field(load_default=None, allow_none=True)
    address = inline_text_field(500, load_default=None, allow_none=True)
    phone = inline_text_field(50, load_default=None, allow_none=True)
    email = new_email_field(load_default=None, allow_none=True)
    time_zone = time_zone_field(load_default="UTC")


class NewCompany(_NewUser):
    """The request body of a company's registration: the company and its first user."""

    company = fields.Nested(NewCompanyDetails, required=True)


class NewCompanyUser(CamelSchema):
    """The request body that adds a user to a company: with a password at once, else by a mailed invitation."""

    email = new_email_field(required=True)
    password = password_field(required=False, load_default=None)


class InvitationDetails(CamelSchema):
    """An invitation to join a company, as the mailed link shows it."""

    email = fields.String()
    company = FlatNested(CompanyLink)
    invited_by = fields.String()
    expires_at = Instant()


class InvitationPassword(CamelSchema):
    """The password that the invited person chooses."""

    password = password_field()


class PasswordChange(CamelSchema):
    """The current and the new password."""

    current_password = fields.String(required=True)
    new_password = password_field()


class PasswordResetRequest(CamelSchema):
    """The e-mail address of a user that forgot the password."""

    email = email_field(required=True)


class NewPassword(CamelSchema):
    """The token from the mail and the new password."""

    token = fields.String(required=True)
    new_password = password_field()


class _User(CamelSchema):
    id = id_field()
    email = fields.String()
    email_verified = fields.Boolean(metadata={"description": "Whether the address was verified as the user's."})


class _StoredName(fields.String):
    """One of a candidate's names, for output only: "" is null."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(value or None, attr, obj, **kwargs)


class CandidateProfile(_User):
    """A candidate as the viewer. The id is the candidate's."""

    role = enum_field(Role, only=[Role.CANDIDATE])
    first_name = _StoredName(allow_none=True)
    last_name = _StoredName(allow_none=True)
    phone = fields.String(allow_none=True)


class CompanyUserProfile(_User):
    """A user of a company, with the company."""

    role = enum_field(Role, only=[Role.COMPANY])
    company = FlatNested(CompanyLink)


class CompanyUserWithRole(CompanyUserProfile):
    """A user of a company with its role there."""

    company_role = enum_field(CompanyRole)


class RoleChange(CamelSchema):
    """The new role of a user within its company."""

    role = enum_field(CompanyRole, required=True)


class VerificationToken(CamelSchema):
    """The token from the mail."""

    token = fields.String(required=True)


class VerificationDetails(CamelSchema):
    """A registration, as the mailed link shows it: `name` is the person's or the company's."""

    email = fields.String()
    role = enum_field(Role)
    name = fields.String()
    expires_at = Instant()


class _Tokens(CamelSchema):
    access_token = fields.String()
    refresh_token = fields.String()
    token_type = fields.String(validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(metadata={"description": "Seconds that the access token is good for."})


class CandidateSession(_Tokens):
    """A candidate and the tokens of a new session."""

    user = fields.Nested(CandidateProfile)


class CompanySession(_Tokens):
    """A company user and the tokens of a new session."""

    user = fields.Nested(CompanyUserProfile)


class CandidateMe(CamelSchema):
    """A candidate, with names and phone number."""

    user = fields.Nested(CandidateProfile)


class CompanyMe(CamelSchema):
    """A company user, with its company."""

    user = fields.Nested(CompanyUserProfile)


class CompanyUserAndRole(CamelSchema):
    """A user of the viewer's company."""

    user = fields.Nested(CompanyUserWithRole)


class CompanyUsers(CamelSchema):
    """A page of a company's users."""

    users = fields.List(fields.Nested(CompanyUserWithRole), attribute="rows")
    total = fields.Integer()


SESSION_SCHEMAS: dict[str, Schema] = {Role.CANDIDATE: CandidateSession(), Role.COMPANY: CompanySession()}
ME_SCHEMAS: dict[str, Schema] = {Role.CANDIDATE: CandidateMe(), Role.COMPANY: CompanyMe()}
"""The schemas of routes for both roles, by the user's role."""

SchemaAndValue = tuple[Schema, dict[str, Any]]
"""What a view of such a route returns."""
