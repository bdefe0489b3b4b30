"""Query parameters of paged routes."""

from marshmallow import EXCLUDE

from interviews_api.db.pagination import MAX_ROWS
from interviews_api.web.fields import CamelSchema, Digits

MAX_SKIP = 2**31 - 1


class PageQuery(CamelSchema):
    """Query `skip` and `limit`; a page has ten rows by default."""

    class Meta:
        unknown = EXCLUDE

    limit = Digits(1, 100, load_default=10, metadata={"component": "Limit", "description": "How many to return."})
    skip = Digits(
        0, MAX_SKIP, load_default=0, metadata={"component": "Skip", "description": "How many to leave out first."}
    )


class UnlimitedPageQuery(PageQuery):
    """Query `skip` and `limit`; without a limit, a page has all rows up to 1,000."""

    limit = Digits(
        1,
        100,
        load_default=lambda: MAX_ROWS,
        metadata={"component": "Limit", "description": "How many to return; when absent all, up to 1,000."},
    )
