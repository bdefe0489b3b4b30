"""Older keys of e-mail addresses: the oldest user of a mailbox gets the new one, and a downgrade restores all."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from flask.testing import FlaskCliRunner
from sqlalchemy import insert, select, update

from interviews_api.accounts.email_key_repository import EmailKeyRepository
from interviews_api.accounts.models import User
from interviews_api.db.connections import Database
from interviews_api.email_addresses import email_key
from tests.support.addresses import MAILBOX
from tests.support.databases import alembic_config, fresh_database
from tests.support.factories import World
from tests.support.settings import BACKENDS

COMPOSED, DECOMPOSED = "Ada@Bücher.example", "ada@bu\u0308cher.example"
OTHERS = {
    "ada@example.com": "ada@example.com", "Bob@Example.com": "bob@example.com", '"bob"@example.org': "bob@example.org",
    "ada@STRAẞE.example": "ada@xn--strae-oqa.example", "eve@example.com\u200b": "eve@example.com",
    "ada@☃.Example": "ada@☃.example", "ada@straße.org": "ada@xn--strae-oqa.org",
}  # fmt: skip
"""Addresses that no other user has, and their keys."""


class OldUsers:
    """Users of a database of the revision before, the first one the oldest."""

    def __init__(self, url: str) -> None:
        self._config = alembic_config(url)
        self.database = Database(url)
        command.upgrade(self._config, "0010")
        self._count = 0

    def add(self, emails: Any) -> None:
        with self.database.engine.begin() as connection:
            for email in emails:
                self._count += 1
                at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=self._count)
                # Ids that fall, because those of seed files are in no order.
                values = {"id": f"{10**9 - self._count:024}", "role": "candidate", "created_at": at}
                connection.execute(insert(User).values(**values, email=email, email_key=email.lower()))

    def migrate(self, target: str) -> None:
        (command.downgrade if target == "0010" else command.upgrade)(self._config, target)

    def run_again(self) -> None:
        command.stamp(self._config, "0010")
        command.upgrade(self._config, "0011")
        command.stamp(self._config, "head")

    def keys(self) -> dict[str, str]:
        with self.database.reads.connection() as connection:
            return dict(connection.execute(select(User.email, User.email_key)).all())

    def outdated(self) -> list[str]:
        with self.database.reads.connection() as connection:
            return [row["email"] for row in EmailKeyRepository(connection).outdated()]


@pytest.fixture(params=BACKENDS)
def old_users(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OldUsers]:
    with fresh_database(request.param, tmp_path) as url:
        users = OldUsers(url)
        yield users
        users.database.dispose()


def test_oldest_user_of_a_mailbox_gets_its_key_and_a_downgrade_restores_all(old_users: OldUsers) -> None:
    groups = []
    for number, order in enumerate(permutations((COMPOSED, DECOMPOSED, MAILBOX))):
        groups.append([f"{number}{email}" for email in order])
        old_users.add(groups[-1])
    old_users.add(OTHERS)
    before = old_users.keys()
    for _ in range(2):
        old_users.migrate("head")
        for again in (False, True):
            if again:
                old_users.run_again()
            keys = old_users.keys()
            assert {email: keys[email] for email in OTHERS} == OTHERS
            for number, (oldest, *younger) in enumerate(groups):
                key = f"{number}{MAILBOX}"
                assert keys[oldest] == key
                for email in younger:
                    assert keys[email] == (f"{key} " if email == key else before[email])
            assert sorted(old_users.outdated()) == sorted(email for group in groups for email in group[1:])
        old_users.migrate("0010")
        assert old_users.keys() == before


def test_address_with_a_hidden_character_takes_no_key_of_another(old_users: OldUsers) -> None:
    """Its owner got no mail, and registered again without the character."""
    right = ["ada@example.com", "Bob@Example.com", COMPOSED]
    mistyped = ["ada@exam\u00adple.com", "Bob@Exa\u200bmple.com", *(f"{email}\ufeff" for email in right)]
    old_users.add([*mistyped[:3], *right, *mistyped[3:]])
    before = old_users.keys()
    old_users.migrate("head")
    keys = old_users.keys()
    assert {email: keys[email] for email in right} == {email: email_key(email) for email in right}
    assert {email: keys[email] for email in mistyped} == {email: before[email] for email in mistyped}
    assert sorted(old_users.outdated()) == sorted(mistyped)


def test_pages_of_users_are_all_migrated(old_users: OldUsers) -> None:
    old_users.add(f"{number}@bücher{number % 7}.example" for number in range(410))
    old_users.migrate("head")
    assert all(key.isascii() for key in old_users.keys().values())
    assert old_users.outdated() == []
    old_users.migrate("0010")
    assert len(old_users.outdated()) == 410
    assert all(key == email for email, key in old_users.keys().items())


def test_users_with_an_outdated_key_are_listed(runner: FlaskCliRunner, world: World, database: Database) -> None:
    first, second = world.candidate(email="ada@example.com"), world.candidate(email="a@example.org")
    world.load()
    assert runner.invoke(args=["users", "outdated-keys"]).output == "0 users\n"
    with database.engine.begin() as connection:
        of_second = update(User).where(User.id == second["id"])
        connection.execute(of_second.values(email=COMPOSED, email_key="ada@bücher.example"))
        connection.execute(update(User).where(User.id == first["id"]).values(email_key="ada@example.com "))
    lines = runner.invoke(args=["users", "outdated-keys"]).output.splitlines()
    assert lines == [f"{first['id']}  ada@example.com", f"{second['id']}  {COMPOSED}", "2 users"]
    with database.engine.begin() as connection:
        pasted = update(User).where(User.id == first["id"]).values(email="ada@example.com\u200b")
        connection.execute(pasted)
    lines = runner.invoke(args=["users", "outdated-keys"]).output.splitlines()
    assert lines[0] == f"{first['id']}  ada@example.com\u200b  (hidden character U+200B)"
    second["email"] = COMPOSED
    world.load()
    assert runner.invoke(args=["users", "outdated-keys"]).output == "0 users\n"
