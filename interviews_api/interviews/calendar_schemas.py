"""Response schemas of calendar feeds."""

from marshmallow import fields

from interviews_api.web.fields import CamelSchema, Instant


class FeedAddress(CamelSchema):
    """Secret address of a feed, the only credential of a calendar program; `webcalUrl` opens one that subscribes."""

    url = fields.String()
    webcal_url = fields.String()


class FeedState(CamelSchema):
    """Whether there is a feed; `lastReadAt` is exact to a minute."""

    is_active = fields.Boolean()
    created_at = Instant(allow_none=True)
    last_read_at = Instant(allow_none=True)
