"""REGISTRATION: closed routes answer as routes that do not exist."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from interviews_api import create_app
from interviews_api.config import Settings, SettingsError
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.accounts import ADA, LUMEN, rows
from tests.support.api import PASSWORD, Caller
from tests.support.factories import World
from tests.support.settings import SECRETS, SETTINGS

NOT_FOUND = (404, "Not Found")
BODIES = {"candidate": ADA, "company": LUMEN}


@pytest.fixture
def caller_with(app: Flask) -> Iterator[Callable[[str], Caller]]:
    """Return a function that makes a caller of an application with that REGISTRATION."""
    apps = []

    def make(registration: str) -> Caller:
        url = service(Settings, app).database_url
        apps.append(create_app(SETTINGS | {"DATABASE_URL": url, "REGISTRATION": registration}))
        return Caller(apps[-1].test_client(), {})

    yield make
    for closed_app in apps:
        service(Database, closed_app).dispose()


@pytest.mark.parametrize(
    ("registration", "open_for"), [("open", {"candidate", "company"}), ("candidates", {"candidate"}), ("closed", set())]
)
def test_closed_registration_is_not_found(
    registration: str, open_for: set[str], caller_with: Callable[[str], Caller], database: Database
) -> None:
    caller = caller_with(registration)
    for role, body in BODIES.items():
        before, path = rows(database), f"/auth/register/{role}"
        if role in open_for:
            caller.ok("POST", path, body)
            continue
        for attempt in (body, {}, {"x": 1}):
            assert caller.refused("POST", path, attempt) == NOT_FOUND
        assert rows(database) == before


def test_users_of_a_closed_registration_sign_in(caller_with: Callable[[str], Caller], world: World) -> None:
    world.candidate(email="a@example.com", password=PASSWORD)
    world.load()
    caller_with("closed").ok("POST", "/auth/login", {"email": "a@example.com", "password": PASSWORD})


def test_registration_has_three_values() -> None:
    with pytest.raises(SettingsError, match="REGISTRATION must be one of open, candidates, closed"):
        Settings.load(SECRETS | {"REGISTRATION": "companies"})
