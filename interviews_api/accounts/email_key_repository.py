"""The SQL of users whose e-mail address is compared by an older rule."""

from collections.abc import Iterator

from sqlalchemy import Connection, RowMapping, func, or_, select

from interviews_api.accounts.models import User
from interviews_api.email_addresses import email_key

_PAGE = 200  # rows that are read at once

# The key of any other address is the address in lower case.
_IS_SPECIAL = User.email.regexp_match(r'[^\x01-\x7f]|"')
_SUSPECTS = (
    select(User.id, User.email, User.email_key)
    .where(or_(_IS_SPECIAL, User.email_key != func.lower(User.email)))
    .order_by(User.id)
    .limit(_PAGE)
)


class EmailKeyRepository:
    """The keys of users' e-mail addresses. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def outdated(self) -> Iterator[RowMapping]:
        """Yield `id`, `email` and `email_key` of users with another key than `email_key` makes, by id.

        Nobody finds them by their address. Reads the whole table once, in pages.
        """
        after = ""
        while True:
            page = self._connection.execute(_SUSPECTS.where(User.id > after)).mappings().all()
            yield from (user for user in page if user["email_key"] != email_key(user["email"]))
            if len(page) < _PAGE:
                return
            after = page[-1]["id"]
