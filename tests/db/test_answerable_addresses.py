"""Which company addresses answers of candidates may go to: those of verified users, of seed files and of commands."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from interviews_api.accounts.answerable_addresses import ANSWERABLE_EMAIL, answerable_address
from interviews_api.accounts.models import Company, User
from interviews_api.accounts.repository import UserRepository
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.events.models import Import
from tests.support.factories import World


def addresses(database: Database) -> dict[str, str | None]:
    with database.reads.connection() as connection:
        rows = connection.execute(select(Company.name, ANSWERABLE_EMAIL)).mappings()
        return {row["name"]: answerable_address(row) for row in rows}


def set_verified(database: Database, email: str, at: Any) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(User).where(User.email == email).values(email_verified_at=at))


@pytest.mark.parametrize(
    ("user", "typed", "answerable"),
    [
        ("Boss@us.example", "Boss@US.example", "Boss@us.example"),
        ("boss@us.example", "boss@them.example", None),
        ("boss@us.example", None, None),
        ("boss@bücher.example", "boss@bücher.example", "boss@xn--bcher-kva.example"),
    ],
)
def test_typed_address_counts_once_it_is_a_verified_users(
    user: str, typed: str | None, answerable: str | None, client: FlaskClient, database: Database
) -> None:
    body = {"email": user, "password": "long enough 1", "company": {"name": "us", "email": typed}}
    assert client.post("/auth/register/company", json=body).status_code == 201
    set_verified(database, user, None)
    assert addresses(database) == {"us": None}
    set_verified(database, user, now())
    assert addresses(database) == {"us": answerable}


def test_verified_user_of_another_company_does_not_count(world: World, client: FlaskClient, database: Database) -> None:
    world.company_user(world.company(name="them"), email="boss@them.example")
    world.load()
    body = {"email": "us@us.example", "password": "long enough 1"}
    client.post("/auth/register/company", json=body | {"company": {"name": "us", "email": "boss@them.example"}})
    assert addresses(database) == {"us": None, "them": None}


def test_address_of_a_seed_file_counts_until_another_takes_its_place(
    app: Flask, world: World, database: Database
) -> None:
    company = world.company(name="us", email="hr@us.example")
    world.company(name="none")
    world.company(name="no address", email="ask at the desk")
    world.load()
    others: dict[str, str | None] = {"none": None, "no address": None}
    assert addresses(database) == others | {"us": "hr@us.example"}
    with database.engine.begin() as connection:
        connection.execute(update(Company).where(Company.name == "us").values(email="hr@them.example"))
    assert addresses(database) == others | {"us": None}
    company["email"] = "jobs@us.example"
    world.load()
    assert addresses(database) == others | {"us": "jobs@us.example"}


@pytest.mark.parametrize("is_vouched", [True, False])
def test_verification_invalidates_caches_only_if_it_changes_where_answers_go(
    is_vouched: bool, app: Flask, world: World, database: Database
) -> None:
    company = world.company(name="us", email="hr@us.example")
    user = world.company_user(company, email="hr@us.example")
    world.load()
    set_verified(database, user["email"], None)
    if not is_vouched:  # as before addresses of seed files counted
        with database.engine.begin() as connection:
            connection.execute(update(Company).values(vouched_email=None))
    before = addresses(database), import_version(database)
    with app.app_context(), transaction() as connection:
        UserRepository(connection).verify_email(user["id"], now=now())
    after = addresses(database), import_version(database)
    assert after[0] == {"us": "hr@us.example"}
    assert (before == after) == is_vouched
    assert (before[1] == after[1]) == is_vouched


def import_version(database: Database) -> str:
    with database.reads.connection() as connection:
        return str(connection.execute(select(Import.version)).scalar_one())
