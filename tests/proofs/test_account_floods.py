"""Proof: whatever route a registered user floods, with the worst request for it, other clients are served."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from interviews_api.db.connections import Database
from tests.support.access_rules import CANDIDATE, COMPANY, REFRESH, RULES, SIGNED_IN
from tests.support.api import PASSWORD, Caller, invitation
from tests.support.factories import Record, World
from tests.support.floods import Route, assert_harmless, describe, flood_routes, flooded_routes
from tests.support.gunicorn_server import GunicornServer
from tests.support.nginx import Nginx
from tests.support.proof_table import figure, proof

pytestmark = pytest.mark.needs_nginx
SECONDS = figure(sample=1, full=4)
MILLISECONDS = figure(sample=5000, full=100)  # a sample shares the processors with other tests
APPLICATIONS, OPEN_INTERVIEWS = 10, 20  # as many as a candidate and a company may have
NOTES, INTERNAL_NOTES = "é" * 5000, "é" * 10_000


@dataclass
class Accounts:
    """A candidate and an owner of a company with all that they may store, and the ids in the paths of their routes."""

    world: World
    client: FlaskClient
    ids: dict[str, str]
    emails: dict[str, str]

    def sign_in(self, role: str) -> dict[str, Any]:
        """Restore what an earlier flood has changed, and begin a new session."""
        self.world.load()
        body = {"email": self.emails.get(role, self.emails[CANDIDATE]), "password": PASSWORD}
        tokens: dict[str, Any] = Caller(self.client, {}).ok("POST", "/auth/login", body)
        return tokens


@pytest.fixture
def accounts(world: World, client: FlaskClient) -> Accounts:
    emails = {CANDIDATE: "candidate@flood.example", COMPANY: "owner@flood.example"}
    candidate = world.candidate(email=emails[CANDIDATE], password=PASSWORD)
    company = world.company()
    world.company_user(company, email=emails[COMPANY], password=PASSWORD)
    applications = [world.application(candidate, world.job(company)) for _ in range(APPLICATIONS)]
    interviews = [interview(world, application) for application in applications for _ in range(OPEN_INTERVIEWS)]
    ids = {
        "interview_id": interviews[0]["id"], "application_id": applications[0]["id"], "company_id": company["id"],
        "user_id": world.company_user(company)["id"], "job_id": world.job(company)["id"], "notice_id": "1",
    }  # fmt: skip
    return Accounts(world, client, ids, emails)


def interview(world: World, application: Record) -> Record:
    texts = {"notes": NOTES, "internalNotes": INTERNAL_NOTES}
    return world.interview(application, scheduledDate="2999-01-01T09:00:00.000Z", **texts)


@pytest.mark.matrix
def test_registered_users_flood_delays_no_other_client(
    app: Flask, proxied_servers: tuple[GunicornServer, Nginx], accounts: Accounts, database: Database
) -> None:
    """A route joins when it is in the URL map and its access rule names a role."""
    api, nginx = proxied_servers
    workers = api.workers
    targets = flooded_routes(app, CANDIDATE, COMPANY, SIGNED_IN, REFRESH)[:: figure(sample=14, full=1)]

    def requests_for(route: Route) -> list[bytes]:
        rule = RULES[route.name]
        tokens = accounts.sign_in(rule.role)
        token = tokens["refreshToken" if rule.role == REFRESH else "accessToken"]
        body = invitation(accounts.ids["application_id"]) if rule.body == "invitation" else rule.body
        return route.requests(accounts.ids, {"Authorization": f"Bearer {token}"}, body)

    with proof("routes flooded by a registered user", database.engine.dialect.name, len(targets)) as proof_row:
        floods = flood_routes(nginx, targets, requests_for, seconds=SECONDS, milliseconds=MILLISECONDS)
        proof_row.result = describe(floods)
        assert_harmless(floods, MILLISECONDS)
    assert api.workers == workers
