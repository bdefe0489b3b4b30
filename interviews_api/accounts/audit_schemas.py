"""Response schemas of a user's own security events."""

from marshmallow import fields

from interviews_api.accounts.audit_models import SecurityActor, SecurityEventType
from interviews_api.web.fields import CamelSchema, Instant, enum_field


class ActivityEntry(CamelSchema):
    """A security event as the person concerned sees it."""

    at = Instant()
    type = enum_field(SecurityEventType)
    by = enum_field(SecurityActor, attribute="actor")
    client_address = fields.String(
        allow_none=True,
        metadata={"description": "An IPv4 /24 or IPv6 /48 network, or null without a client."},
    )


class Activity(CamelSchema):
    """A page of a user's security events."""

    events = fields.List(fields.Nested(ActivityEntry), attribute="rows")
    total = fields.Integer()
