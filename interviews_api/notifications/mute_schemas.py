"""Response schemas of muted companies."""

from marshmallow import fields

from interviews_api.web.fields import CamelSchema, Instant, id_field


class MutedCompany(CamelSchema):
    """A company that the candidate has muted, and since when."""

    id = id_field()
    name = fields.String()
    muted_at = Instant()


class MutedCompanies(CamelSchema):
    """A page of the companies that the candidate has muted."""

    companies = fields.List(fields.Nested(MutedCompany), attribute="rows")
    total = fields.Integer()
