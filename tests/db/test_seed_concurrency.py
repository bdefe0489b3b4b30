"""Seed files loaded during other loads and during transitions."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from interviews_api.accounts.models import Company
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.accounts.unverified_repository import UnverifiedAccountRepository
from interviews_api.db.connections import Database, transaction
from interviews_api.seed.load import load_world
from tests.support.accounts import forget_verification, rows
from tests.support.api import Caller
from tests.support.factories import Record, World
from tests.support.tokens import Headers


def test_loads_in_opposite_orders_do_not_deadlock(app: Flask, world: World, database: Database) -> None:
    companies = [world.company() for _ in range(1000)]
    world.load()
    together = Barrier(2)

    def load_again(records: list[Record]) -> None:
        for _ in range(3):
            together.wait(10)
            with app.app_context():
                load_world({"companies": records})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(load_again, (companies, companies[::-1])))
    with database.reads.connection() as connection:
        assert connection.execute(select(func.count()).select_from(Company)).scalar_one() == 1000


def test_loads_and_registrations_do_not_deadlock(verifying_app: Flask, world: World, database: Database) -> None:
    """The registration of a colleague's address has locked its resets, and then waits for the company of both."""
    company = world.company()
    users = [world.company_user(company, email=f"{name}@x.example") for name in ("first", "second")]
    world.load()
    for user in users:
        forget_verification(database, user["email"])
        Caller(verifying_app.test_client(), {}).ok("POST", "/auth/password/forgot", {"email": user["email"]})
    names = {"firstName": "Ada", "lastName": "Okafor"}
    records = [{"id": str(number) * 24, "email": user["email"], **names} for number, user in enumerate(users)]

    def load() -> dict[str, int]:
        with verifying_app.app_context():
            return load_world({"candidates": records})

    with ThreadPoolExecutor(1) as pool:
        with verifying_app.app_context(), transaction() as connection:
            ResetRepository(connection).lock(users[1]["id"])
            loading = pool.submit(load)
            time.sleep(1)  # until it waits
            assert UnverifiedAccountRepository(connection).lock(users[1]["id"]) is not None
        assert loading.result(30)["candidates"] == 2
    assert rows(database) == [2, 2, 0, 0]


def test_loads_and_transitions_do_not_deadlock(
    app: Flask, client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    """Transitions and loads lock the interview before the application."""
    person = world.candidate()
    moving = [world.interview(world.application(person)) for _ in range(40)]
    world.load()
    candidate = Caller(client, headers(person["id"]))
    is_over = Event()

    def confirm_again(interviews: list[Record]) -> int:
        successes = 0
        while not is_over.is_set():
            for interview in interviews:
                answer = candidate.call("PUT", f"/candidate/interviews/{interview['id']}/confirm")
                assert answer.status_code in {200, 400}, answer.text
                successes += answer.status_code == 200
        return successes

    with ThreadPoolExecutor(2) as pool:
        movers = [pool.submit(confirm_again, moving[part::2]) for part in range(2)]
        try:
            for _ in range(15):
                with app.app_context():
                    load_world(world.content)  # all of them are pending again
        finally:
            is_over.set()
        assert all(mover.result() for mover in movers)
