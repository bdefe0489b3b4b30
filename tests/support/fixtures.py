"""Fixtures that test files of several folders share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from interviews_api import create_app
from interviews_api.accounts.models import Role
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.incoming.reply_addresses import make_reply_address
from interviews_api.services import service
from tests.support.api import Caller, invitation
from tests.support.calendar_mails import REPLY_ADDRESS, Invited, Receive
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.http_server import HttpServer
from tests.support.linked_interview import INTERVIEW
from tests.support.live_sockets import DEPLOYED, IN_PROCESS, InProcessServer
from tests.support.nginx import Nginx
from tests.support.people import Parties, People
from tests.support.provider import Provider, settings_for
from tests.support.sessions import ACCOUNT
from tests.support.settings import SECRETS, SETTINGS
from tests.support.tokens import Headers, begin_session

MakeLimited = Callable[..., FlaskClient]
"""Makes a client of an application with rate limits and these settings."""


@pytest.fixture
def cached_workers(app: Flask, database_url: str) -> Iterator[list[Flask]]:
    """Yield two applications that cache and one that does not, whatever CACHE_BYTES is."""
    settings = SETTINGS | {"DATABASE_URL": database_url, "ACCESS_TOKEN_MINUTES": "1440"}
    apps = [create_app(settings | {"CACHE_BYTES": size}) for size in ("1000000", "1000000", "0")]
    yield apps
    for app_ in apps:
        service(Database, app_).dispose()


@pytest.fixture
def make_limited(app: Flask, database_url: str) -> Iterator[MakeLimited]:
    """Yield a function that makes a client of an application with rate limits over the database of `app`."""
    apps: list[Flask] = []

    def make(**settings: str) -> FlaskClient:
        apps.append(create_app(SECRETS | {"DATABASE_URL": database_url} | settings))
        return apps[-1].test_client()

    yield make
    for strict in apps:
        service(Database, strict).dispose()


@pytest.fixture
def verifying_app(app: Flask, database_url: str) -> Iterator[Flask]:
    """Yield an application that requires verified addresses, over the database of `app`."""
    verifying = create_app(SETTINGS | {"DATABASE_URL": database_url, "EMAIL_VERIFICATION": "required"})
    yield verifying
    service(Database, verifying).dispose()


@pytest.fixture
def calendar_feed(people: People) -> str:
    url: str = people.candidate.ok("POST", "/candidate/calendar-feed")["url"]
    return url.removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def linked_interview(world: World) -> dict[str, Any]:
    """Store a candidate with a pending interview in the year 2999, and return the candidate."""
    me = world.candidate_with({"id": INTERVIEW, "scheduledDate": "2999-05-15T09:00:00.000Z"})
    world.load()
    return me


@pytest.fixture
def anonymous(client: FlaskClient) -> Caller:
    return Caller(client, {})


@pytest.fixture
def ada_client(client: FlaskClient, world: World) -> Caller:
    """Return a caller without a token; Ada's account is stored."""
    world.candidate(**ACCOUNT)
    world.load()
    return Caller(client, {})


LISTS = [
    "/candidate/interviews", "/candidate/interviews?limit=1", "/candidate/interviews/pending",
    "/candidate/interviews/upcoming", "/candidate/interviews/history", "/application-status/candidate",
    "/candidate/interviews/upcoming?ongoing=true",
]  # fmt: skip


@pytest.fixture
def candidate_reads(people: People) -> list[str]:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/candidate/interviews/{interview['interviewId']}"
    return [*LISTS, f"{path}/briefing", path, f"{path}/timeline"]


@pytest.fixture
def mail_settings() -> Settings:
    return Settings.load(SECRETS | {"MAIL_FROM": "Interviews <no-reply@jobs.example>"})


@pytest.fixture(scope="module")
def proxied_servers(database_url: str) -> Iterator[tuple[GunicornServer, Nginx]]:
    with ExitStack() as stack:
        settings = SETTINGS | {"DATABASE_URL": database_url, "TRUSTED_PROXIES": "1", "RATELIMIT_ENABLED": "true"}
        api = GunicornServer(settings)
        stack.callback(api.stop)
        live = GunicornServer(settings, config="gunicorn.live.conf.py")
        stack.callback(live.stop)
        nginx = Nginx(api.port, live.port)
        stack.callback(nginx.stop)
        yield api, nginx


@pytest.fixture
def people(client: FlaskClient, world: World, headers: Callable[..., Headers]) -> People:
    """Return the callers and ids of two companies and a candidate who has applied to both."""
    candidate = world.candidate(phone="+33 6")
    us, them = world.company(name="us", timeZone="Europe/Paris"), world.company(name="them", timeZone="UTC")
    us_user, them_user = world.company_user(us), world.company_user(them)
    applications = [world.application(candidate, world.job(company))["id"] for company in (us, them)]
    world.load()
    return People(
        us=Caller(client, headers(us_user["id"], Role.COMPANY)),
        them=Caller(client, headers(them_user["id"], Role.COMPANY)),
        candidate=Caller(client, headers(candidate["id"])),
        us_user_id=us_user["id"],
        us_company_id=us["id"],
        them_company_id=them["id"],
        candidate_id=candidate["id"],
        us_application_id=applications[0],
        them_application_id=applications[1],
    )


@pytest.fixture(scope="module", params=(IN_PROCESS, *DEPLOYED))
def server(request: pytest.FixtureRequest, database_url: str) -> Iterator[HttpServer]:
    """Yield a server of live sockets: in this process, with threads, and with greenlets as in production."""
    settings = SETTINGS | {"DATABASE_URL": database_url, "WEB_THREADS": "8", "CLOCK_LEEWAY_SECONDS": "0"}
    is_in_process = request.param == IN_PROCESS
    server = InProcessServer(settings) if is_in_process else GunicornServer(settings, config=request.param)
    yield server
    server.stop()


@pytest.fixture
def parties(app: Flask, world: World) -> Parties:
    """Return access tokens of a company user and of a candidate with an application."""
    company = world.company()
    user, candidate = world.company_user(company), world.candidate()
    application = world.application(candidate, world.job(company))
    world.load()

    def issue_token(user_id: str, role: Role = Role.CANDIDATE) -> str:
        with app.app_context():
            return issue_access_token(begin_session(user_id, role))

    return Parties(
        company_token=issue_token(user["id"], Role.COMPANY),
        candidate_token=issue_token(candidate["id"]),
        candidate_id=candidate["id"],
        application_id=application["id"],
        issue_token=issue_token,
    )


@pytest.fixture
def provider(app: Flask, database_url: str, tmp_path: Path) -> Iterator[Provider]:
    """Make a client of an application, over the database of `app`, that has an identity provider."""
    apps = []

    def make(keys: object, algorithm: str = "RS256", **changes: str) -> FlaskClient:
        apps.append(create_app(settings_for(tmp_path, keys, algorithm, **changes) | {"DATABASE_URL": database_url}))
        return apps[-1].test_client()

    yield make
    for provided_app in apps:
        service(Database, provided_app).dispose()


@pytest.fixture
def replying_app(app: Flask, database_url: str) -> Iterator[Flask]:
    """Yield an application with REPLY_ADDRESS and with limits, over the database of `app`."""
    settings = SECRETS | {"DATABASE_URL": database_url, "REPLY_ADDRESS": REPLY_ADDRESS}
    replying = create_app(settings)
    yield replying
    service(Database, replying).dispose()


@pytest.fixture
def invited(people: People) -> Invited:
    """Schedule an interview and return what the candidate's calendar knows of it."""
    interview_id = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    organizer = make_reply_address(REPLY_ADDRESS, SECRETS["SECRET_KEY"], interview_id, people.candidate_id)
    return Invited(organizer, interview_id, 0, people.candidate.ok("GET", "/auth/me")["user"]["email"])


@pytest.fixture
def receive(replying_app: Flask) -> Receive:
    def run(raw: bytes) -> str:
        result = replying_app.test_cli_runner().invoke(args=["mail", "receive"], input=raw)
        assert result.exit_code == 0, result.output
        return str(result.output.strip())

    return run
