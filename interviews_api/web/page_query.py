"""What every paged route takes."""

from marshmallow import EXCLUDE

from interviews_api.web.fields import CamelSchema, Digits

MAX_SKIP = 2**31 - 1
EVERYTHING = 2**31 - 1
"""A `limit` that leaves nothing out."""


class AnyPage(CamelSchema):
    """`skip` and `limit`; without a limit, everything."""

    class Meta:
        unknown = EXCLUDE

    limit = Digits(
        1, 100, load_default=lambda: EVERYTHING, metadata={"description": "How many to return; all when absent."}
    )
    skip = Digits(0, MAX_SKIP, load_default=0, metadata={"description": "How many to leave out first."})


class PageQuery(AnyPage):
    """`skip` and `limit`, ten at a time."""

    limit = Digits(1, 100, load_default=10, metadata={"description": "How many to return."})
