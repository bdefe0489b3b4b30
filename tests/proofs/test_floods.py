"""Proof: whatever route a stranger floods, with the worst request for it, other clients are served."""

import pytest
from flask import Flask

from interviews_api.db.connections import Database
from interviews_api.interviews.link_tokens import make_token
from tests.support.access_rules import PUBLIC, REFRESH, RULES
from tests.support.factories import World
from tests.support.floods import Route, assert_harmless, describe, flood_routes, flooded_routes
from tests.support.gunicorn_server import GunicornServer
from tests.support.nginx import Nginx
from tests.support.proof_table import figure, proof
from tests.support.settings import SECRETS

pytestmark = pytest.mark.needs_nginx
SECONDS = figure(sample=1, full=10)
MILLISECONDS = figure(sample=5000, full=100)  # a sample shares the processors with other tests


@pytest.mark.matrix
def test_strangers_flood_delays_no_other_client(
    app: Flask, proxied_servers: tuple[GunicornServer, Nginx], world: World, database: Database
) -> None:
    """A route joins when it is in the URL map and its access rule says that it is public."""
    company = world.company()
    for _ in range(100):
        world.job(company, title="\U0001f600" * 200, description="é" * 10_000)
    interview = world.interview(world.application(world.candidate()), scheduledDate="2999-01-01T09:00:00.000Z")
    world.load()
    ids = {"token": make_token(SECRETS["SECRET_KEY"], interview["id"], 0), "name": "swagger-ui-bundle.js"}
    api, nginx = proxied_servers
    workers = api.workers
    targets = flooded_routes(app, PUBLIC, REFRESH)[:: figure(sample=7, full=1)]

    def requests_for(route: Route) -> list[bytes]:
        rule = RULES[route.name]
        headers = {"Authorization": "Bearer " + "x" * 7000} if rule.role == REFRESH else {}
        return route.requests(ids, headers, rule.body)

    with proof("routes flooded by a stranger", database.engine.dialect.name, len(targets)) as proof_row:
        floods = flood_routes(nginx, targets, requests_for, seconds=SECONDS, milliseconds=MILLISECONDS)
        proof_row.result = describe(floods)
        assert_harmless(floods, MILLISECONDS)
    assert api.workers == workers
