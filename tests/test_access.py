"""Who may do what: every route of the map x every kind of caller x own, foreign and absent ids.

A new route without a rule here fails the suite.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from interviews_api import models
from interviews_api.accounts.models import Role
from interviews_api.clock import now
from interviews_api.db import Database, transaction
from interviews_api.ids import new_id
from interviews_api.interviews.links import make_token
from interviews_api.notifications.models import Webhook
from interviews_api.vapid import new_private_key, public_key, read_private_key, to_base64url
from tests.api import Caller, in_days, invitation, local
from tests.conftest import SECRETS, Headers
from tests.factories import World

PUBLIC, SIGNED_IN, CANDIDATE, COMPANY = "public", "signed in", "candidate", "company"
REASON = {"cancellationReason": "x"}
MINE, OURS = "This interview does not belong to you", "This application does not belong to you"
SUBSCRIPTION = {
    "endpoint": "https://push.invalid/send/1", "expirationTime": None,
    "keys": {"p256dh": public_key(read_private_key(new_private_key())), "auth": to_base64url(b"x" * 16)},
}  # fmt: skip
# route -> who may call it, a body that is good, and what a foreign and an absent id are answered
RULES: dict[str, tuple[str, Any, str | None, str | None]] = {
    "GET /health/live": (PUBLIC, None, None, None),
    "GET /health/ready": (PUBLIC, None, None, None),
    "GET /metrics": (PUBLIC, None, None, None),
    "GET /openapi.json": (PUBLIC, None, None, None),
    "GET /docs": (PUBLIC, None, None, None),
    "GET /docs/<name>": (PUBLIC, None, None, None),
    "POST /auth/login": (PUBLIC, {"email": "a@b.co", "password": "x"}, None, None),
    "POST /auth/register/candidate": (
        PUBLIC, {"email": "a@b.co", "password": "x" * 10, "firstName": "A", "lastName": "B"}, None, None,
    ),
    "POST /auth/register/company": (
        PUBLIC, {"email": "b@b.co", "password": "x" * 10, "company": {"name": "A"}}, None, None,
    ),
    "POST /auth/refresh": ("refresh token", None, None, None),
    "GET /auth/me": (SIGNED_IN, None, None, None),
    "POST /auth/logout": (SIGNED_IN, None, None, None),
    "PUT /auth/password": (SIGNED_IN, {"currentPassword": "x", "newPassword": "x" * 10}, None, None),
    "GET /auth/company/users": (COMPANY, None, None, None),
    "POST /auth/company/users": (COMPANY, {"email": "c@b.co", "password": "x" * 10}, None, None),
    "DELETE /auth/company/users/<user_id>": (
        COMPANY, None, "This user does not belong to you", "User not found",
    ),
    "GET /jobs": (PUBLIC, None, None, None),
    "POST /jobs": (COMPANY, {"title": "x"}, None, None),
    "POST /jobs/<job_id>/applications": (CANDIDATE, None, None, "Job not found"),
    "GET /application-status/candidate": (CANDIDATE, None, None, None),
    "PUT /application-status/<application_id>/mark-seen": (COMPANY, None, OURS, "Application not found"),
    "GET /interviews/company/<company_id>/candidates": (
        COMPANY, None, "This company is not yours", "Company not found",
    ),
    "POST /interviews/schedule": (COMPANY, "invitation", None, None),
    "GET /interviews/by-status": (COMPANY, None, None, None),
    "GET /interviews/application/<application_id>": (COMPANY, None, OURS, "Application not found"),
    "GET /interviews/<interview_id>": (COMPANY, None, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/confirm": (COMPANY, None, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/reschedule": (COMPANY, local(in_days(8)), MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/cancel": (COMPANY, REASON, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/complete": (COMPANY, {}, MINE, "Interview not found"),
    "GET /interviews/confirm/<token>": (PUBLIC, None, None, None),
    "POST /interviews/confirm/<token>": (PUBLIC, None, None, None),
    "GET /candidate/interviews": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/pending": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/upcoming": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/history": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/<interview_id>": (CANDIDATE, None, MINE, "Interview not found"),
    "GET /candidate/interviews/<interview_id>/timeline": (CANDIDATE, None, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/confirm": (CANDIDATE, None, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/decline": (CANDIDATE, {}, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/request-reschedule": (CANDIDATE, {}, MINE, "Interview not found"),
    "GET /candidate/interviews/<interview_id>/calendar.ics": (CANDIDATE, None, MINE, "Interview not found"),
    "GET /candidate/interviews/updates": (PUBLIC, None, None, None),
    "POST /candidate/calendar-feed": (CANDIDATE, None, None, None),
    "DELETE /candidate/calendar-feed": (CANDIDATE, None, None, None),
    "GET /calendar/<secret>.ics": (PUBLIC, None, None, None),
    "POST /auth/password/forgot": (PUBLIC, {"email": "a@b.co"}, None, None),
    "GET /auth/password/reset": (PUBLIC, None, None, None),
    "POST /auth/password/reset": (PUBLIC, {"token": "x", "newPassword": "x" * 10}, None, None),
    "POST /webhooks": (COMPANY, {"url": "https://nobody.invalid/hook"}, None, None),
    "GET /webhooks": (COMPANY, None, None, None),
    "DELETE /webhooks/<webhook_id>": (COMPANY, None, "This webhook does not belong to you", "Webhook not found"),
    "GET /push/public-key": (PUBLIC, None, None, None),
    "POST /candidate/push-subscriptions": (CANDIDATE, SUBSCRIPTION, None, None),
    "DELETE /candidate/push-subscriptions": (CANDIDATE, {"endpoint": SUBSCRIPTION["endpoint"]}, None, None),
    "GET /interviews/<interview_id>/notices": (COMPANY, None, MINE, "Interview not found"),
    "POST /interviews/<interview_id>/notices/<notice_id>/resend": (COMPANY, None, MINE, "Interview not found"),
}  # fmt: skip


def routes(app: Flask) -> dict[str, Any]:
    """Each method and path of the map, converters left out of the spelling."""
    return {
        method + " " + re.sub("<[^:<>]+:", "<", rule.rule): rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_a_rule(session_app: Flask) -> None:
    assert routes(session_app).keys() == RULES.keys()


@pytest.fixture
def stage(app: Flask, client: FlaskClient, world: World, headers: Callable[..., Headers]) -> dict[str, Any]:
    """Two companies with two users each, two candidates, and an interview of each pair of one."""
    ids: dict[str, dict[str, str]] = {}
    callers: dict[str, Any] = {"nobody": Caller(client, {})}
    users = {}
    for side in ("own", "foreign"):
        company = world.company()
        users[f"{side} company"] = world.company_user(company)
        colleague = world.company_user(company)
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
        for one in (ids["own"], ids["foreign"]):
            values = {"url": "https://nobody.invalid", "secret": "x", "created_at": now()}
            connection.execute(insert(Webhook).values(id=one["webhook_id"], company_id=one["company_id"], **values))
    for name, user in users.items():
        role = Role.COMPANY if name.endswith("company") else Role.CANDIDATE
        callers[name] = Caller(client, headers(user["id"], role))
    return {"ids": ids, "callers": callers}


def everything(database: Database) -> dict[str, Any]:
    with database.reader.connect() as connection:
        return {
            table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in models.metadata.sorted_tables
        }


@pytest.mark.parametrize("route", RULES)
def test_who_may(route: str, stage: dict[str, Any], session_app: Flask, database: Database) -> None:
    """Every refusal first, none of which changes anything; then the one who may."""
    who, body, foreign, absent = RULES[route]
    method, template = route.split()
    rule, callers = routes(session_app)[route], stage["callers"]
    if body == "invitation":
        body = invitation(stage["ids"]["own"]["application_id"])

    def ask(caller: str, side: str) -> tuple[int, str | None]:
        path = template
        for argument in rule.arguments:
            path = path.replace(f"<{argument}>", stage["ids"][side][argument])
        with callers[caller].call(method, path, body) as response:
            answer = response.get_json(silent=True) or {}
            return response.status_code, answer.get("message")

    before = everything(database)
    if who != PUBLIC:
        for side in ("own", "foreign", "absent"):
            assert ask("nobody", side) == (401, "Unauthorized")
    if who in (CANDIDATE, COMPANY):
        other = COMPANY if who == CANDIDATE else CANDIDATE
        for side in ("own", "foreign", "absent"):
            for caller in (f"own {other}", f"foreign {other}"):
                assert ask(caller, side) == (403, f"{who.capitalize()} credentials required")
        if foreign:
            assert ask(f"own {who}", "foreign") == ask(f"foreign {who}", "own") == (403, foreign)
        if absent:
            assert ask(f"own {who}", "absent") == (404, absent)
    assert everything(database) == before
    caller = f"own {who}" if who in (CANDIDATE, COMPANY) else "own candidate"
    status, message = ask(caller, "own")
    wanted = {
        "POST /auth/login": (401, "Invalid email or password"),
        "POST /auth/refresh": (401, "Unauthorized"),  # an access token opens it for nobody
        "GET /candidate/interviews/<interview_id>/calendar.ics": (
            400,
            "Calendar file is only available for confirmed interviews",
        ),
        "GET /calendar/<secret>.ics": (404, "Calendar not found"),
        "GET /candidate/interviews/updates": (426, "Live updates need a WebSocket"),
        "POST /auth/password/reset": (400, "Invalid reset token"),
        "GET /push/public-key": (404, "Web Push is not set up"),
        "POST /interviews/<interview_id>/notices/<notice_id>/resend": (404, "Notice not found"),
        "PUT /auth/password": (400, "currentPassword: Is not the current password."),
    }
    if route in wanted:
        assert (status, message) == wanted[route]
    else:
        assert status in (200, 201, 202), message


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if "<" in route and rule[3]])
def test_a_malformed_id_is_an_absent_one(route: str, stage: dict[str, Any], session_app: Flask) -> None:
    who, body, _, absent = RULES[route]
    method, template = route.split()
    argument = template[template.index("<") + 1 : template.index(">")]
    for wrong in ("nope", "F" * 24, "f" * 25, "%00", "%F0%9F%92%A9", "%ff", "' OR 1=1", "9" * 3000):
        path = template.replace(f"<{argument}>", wrong).replace("<notice_id>", "1")
        assert stage["callers"][f"own {who}"].refused(method, path, body) == (404, absent), wrong
