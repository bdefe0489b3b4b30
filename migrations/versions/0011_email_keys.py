"""Keys of e-mail addresses as they go on the wire: the domain in A-labels, no quotes that are not needed.

Of users with one key the oldest gets it. The others keep their old key; one that had the new key already gets a blank
after it, which no key of an address has. An address with a hidden character got no mail, so its owner may have
registered again: it gets the key only if no other address has it.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from interviews_api.email_addresses import email_key
from interviews_api.web.hidden_characters import hidden_character

revision = "0011"
down_revision = "0010"

PAGE = 200  # rows that are read at once
USERS = sa.table("users", *(sa.column(name, sa.Text) for name in ("id", "email", "email_key")), sa.column("created_at"))
# The key of all other addresses stays.
IS_SPECIAL = USERS.c.email.regexp_match(r'[^\x01-\x7f]|"')


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    for user in _pages(IS_SPECIAL):
        if not _has_hidden_character(user):
            _give_new_key(user)
    for user in _pages(IS_SPECIAL):
        if _has_hidden_character(user) and _holder(email_key(user.email)) is None:
            _set_key(user.id, email_key(user.email))


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    has_changed = True
    while has_changed:  # an old key may be free only after another user has got its own
        has_changed = False
        for user in _pages(IS_SPECIAL | (USERS.c.email_key != sa.func.lower(USERS.c.email))):
            old_key = _old_key(user.email)
            if old_key != user.email_key and _holder(old_key) is None:
                _set_key(user.id, old_key)
                has_changed = True


def _give_new_key(user: sa.Row[Any]) -> None:
    """Give the user its new key, unless an older user holds it; a younger one gets its old key back."""
    new_key = email_key(user.email)
    holder = _holder(new_key)
    if holder is not None:
        if (holder.created_at, holder.id) <= (user.created_at, user.id):
            return
        old_key = _old_key(holder.email)
        _set_key(holder.id, old_key if old_key != new_key else f"{new_key} ")
    _set_key(user.id, new_key)


def _has_hidden_character(user: sa.Row[Any]) -> bool:
    return hidden_character(user.email.strip()) is not None


def _pages(condition: sa.ColumnElement[bool]) -> Iterator[sa.Row[Any]]:
    """Yield the users by id; those of a page are read before the first of them changes."""
    after = ""
    while True:
        page = sa.select(USERS).where(USERS.c.id > after, condition).order_by(USERS.c.id).limit(PAGE)
        users = op.get_bind().execute(page).all()
        yield from users
        if len(users) < PAGE:
            return
        after = users[-1].id


def _holder(key: str) -> sa.Row[Any] | None:
    return op.get_bind().execute(sa.select(USERS).where(USERS.c.email_key == key)).one_or_none()


def _set_key(user_id: str, key: str) -> None:
    op.get_bind().execute(sa.update(USERS).where(USERS.c.id == user_id).values(email_key=key))


def _old_key(email: str) -> str:
    return email.strip().lower()
