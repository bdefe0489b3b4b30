"""Access control: each route for each kind of caller with own, foreign and absent ids.

A new route without a rule here fails the suite.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from interviews_api.accounts.models import Role
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from interviews_api.ids import new_id
from interviews_api.interviews.link_tokens import make_token
from interviews_api.notifications.models import Webhook
from tests.support.access_rules import CANDIDATE, COMPANY, COMPANY_USERS, OWNER, PUBLIC, RULES
from tests.support.api import Caller, invitation
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.routes import routes
from tests.support.settings import SECRETS
from tests.support.tokens import Headers


def test_every_route_has_a_rule(session_app: Flask) -> None:
    assert routes(session_app).keys() == RULES.keys()


@dataclass(frozen=True)
class AccessWorld:
    """Ids in a route's path by side (own, foreign, absent), and a function that signs a caller in by side and role."""

    ids: dict[str, dict[str, str]]
    caller: Callable[[str], Caller]


@pytest.fixture
def access_world(app: Flask, client: FlaskClient, world: World, headers: Callable[..., Headers]) -> AccessWorld:
    """Load two companies with two users each, two candidates, and an interview of each candidate with a company."""
    ids: dict[str, dict[str, str]] = {}
    users = {}
    for side in ("own", "foreign"):
        company = world.company()
        users[f"{side} company"] = world.company_user(company)
        colleague = world.company_user(company)
        users[f"{side} member company"] = world.company_user(company, role="member")
        candidate = world.candidate()
        users[f"{side} candidate"] = candidate
        job = world.job(company)
        application = world.application(candidate, job)
        interview = world.interview(application, scheduledDate="2999-01-01T09:00:00.000Z")
        ids[side] = {
            "user_id": colleague["id"], "job_id": job["id"], "application_id": application["id"],
            "company_id": company["id"], "interview_id": interview["id"], "name": "init.js",
            "token": make_token(SECRETS["SECRET_KEY"], interview["id"], 0), "secret": "nobody-knows",
            "webhook_id": new_id(), "notice_id": "1",
        }  # fmt: skip
    open_job = world.job({"id": ids["own"]["company_id"]})  # one that the candidate has not applied for
    ids["own"]["job_id"] = open_job["id"]
    ids["absent"] = dict.fromkeys(ids["own"], "f" * 24) | {"name": "init.js", "token": ids["own"]["token"]}
    world.load()
    with app.app_context(), transaction() as connection:
        for side_ids in (ids["own"], ids["foreign"]):
            values = {"url": "https://nobody.invalid", "secret": "x", "created_at": now()}
            connection.execute(
                insert(Webhook).values(id=side_ids["webhook_id"], company_id=side_ids["company_id"], **values)
            )

    def caller(name: str) -> Caller:
        role = Role.COMPANY if name.endswith("company") else Role.CANDIDATE
        return Caller(client, {} if name == "nobody" else headers(users[name]["id"], role))

    return AccessWorld(ids, cache(caller))


SIDES = ("own", "foreign", "absent")


def kind_of(route: str) -> str:
    """Return whether candidates or companies may call the route; candidates, if all may."""
    return COMPANY if RULES[route].role in COMPANY_USERS else CANDIDATE


ANSWERS = {
    "POST /auth/login": (401, "Invalid email or password"),
    "POST /auth/refresh": (401, "Unauthorized"),  # an access token opens it for nobody
    "GET /candidate/interviews/<interview_id>/calendar.ics": (
        400, "Calendar file is only available for confirmed interviews",
    ),
    "GET /calendar/<secret>.ics": (404, "Calendar not found"),
    "GET /candidate/interviews/updates": (426, "Live updates need a WebSocket"),
    "GET /auth/invitations/<token>": (400, "Invalid invitation"),  # the token is an interview's
    "POST /auth/invitations/<token>": (400, "Invalid invitation"),
    "POST /auth/email/verification": (400, "Email is already verified"),  # the callers come from a seed file
    "GET /auth/email/verify/<token>": (400, "Invalid verification token"),
    "POST /auth/email/verify": (400, "Invalid verification token"),
    "POST /auth/email/not-me": (400, "Invalid verification token"),
    "POST /auth/password/reset": (400, "Invalid reset token"),
    "GET /push/public-key": (404, "Web Push is not set up"),
    "POST /interviews/<interview_id>/notices/<notice_id>/resend": (404, "Notice not found"),
    "PUT /auth/password": (400, "currentPassword: Is not the current password."),
}  # fmt: skip
"""Answers to a caller with the right role that are no success: the request's own data is not what the route needs."""


Ask = Callable[[str, str], tuple[int, str | None]]


@pytest.fixture
def ask(route: str, access_world: AccessWorld, session_app: Flask) -> Ask:
    """Return a function that calls the test's route by caller and side, and returns status and message."""
    body = RULES[route].body
    method, template = route.split()
    rule = routes(session_app)[route]
    if body == "invitation":
        body = invitation(access_world.ids["own"]["application_id"])

    def call(caller: str, side: str) -> tuple[int, str | None]:
        path = template
        for argument in rule.arguments:
            path = path.replace(f"<{argument}>", access_world.ids[side][argument])
        with access_world.caller(caller).call(method, path, body, Accept="application/json") as response:
            answer = response.get_json(silent=True) or {}
            return response.status_code, answer.get("message")

    return call


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if rule.role != PUBLIC])
def test_caller_without_a_token_is_unauthorized(route: str, ask: Ask, database: Database) -> None:
    before = everything(database)
    for side in SIDES:
        assert ask("nobody", side) == (401, "Unauthorized")
    assert everything(database) == before


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if rule.role in (CANDIDATE, *COMPANY_USERS)])
def test_caller_of_another_role_or_owner_is_refused(
    route: str, ask: Ask, access_world: AccessWorld, database: Database
) -> None:
    rule = RULES[route]
    role = kind_of(route)
    other = COMPANY if role == CANDIDATE else CANDIDATE
    for side, kind in product(("own", "foreign"), (role, other)):
        access_world.caller(f"{side} {kind}")
    before = everything(database)
    for side in SIDES:
        for caller in (f"own {other}", f"foreign {other}"):
            assert ask(caller, side) == (403, f"{role.capitalize()} credentials required")
    if rule.foreign:
        assert ask(f"own {role}", "foreign") == ask(f"foreign {role}", "own") == (403, rule.foreign)
    if rule.absent:
        assert ask(f"own {role}", "absent") == (404, rule.absent)
    assert everything(database) == before


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if rule.role == OWNER])
def test_member_of_the_company_is_refused(route: str, ask: Ask, access_world: AccessWorld, database: Database) -> None:
    for side in ("own", "foreign"):
        access_world.caller(f"{side} member company")
    before = everything(database)
    for side in SIDES:
        assert ask("own member company", side) == (403, "Owner rights required")
        assert ask("foreign member company", side) == (403, "Owner rights required")
    assert everything(database) == before


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if rule.role == COMPANY])
def test_member_of_the_company_may_do_the_rest(route: str, ask: Ask) -> None:
    status, message = ask("own member company", "own")
    assert (status, message) == ANSWERS.get(route, (status, message))
    assert route in ANSWERS or status in (200, 201, 202), message


@pytest.mark.parametrize("route", RULES)
def test_caller_of_the_right_role_is_answered(route: str, ask: Ask) -> None:
    status, message = ask(f"own {kind_of(route)}", "own")
    if route in ANSWERS:
        assert (status, message) == ANSWERS[route]
    else:
        assert status in (200, 201, 202), message


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if "<" in route and rule.absent])
def test_malformed_id_is_answered_like_an_absent_one(route: str, access_world: AccessWorld, session_app: Flask) -> None:
    rule = RULES[route]
    method, template = route.split()
    argument = template[template.index("<") + 1 : template.index(">")]
    for wrong in ("nope", "F" * 24, "f" * 25, "%00", "%F0%9F%92%A9", "%ff", "' OR 1=1", "9" * 3000):
        path = template.replace(f"<{argument}>", wrong).replace("<notice_id>", "1")
        refusal = access_world.caller(f"own {kind_of(route)}").refused(method, path, rule.body)
        assert refusal == (404, rule.absent), wrong
