"""The demo world and bulk data."""

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select

from interviews_api import models
from interviews_api.db.connections import Database
from interviews_api.seed import bulk, demo
from tests.support.database_rows import everything_but_imports


def test_demo_world_is_varied_and_repeatable(
    app: Flask, runner: FlaskCliRunner, database: Database, client: FlaskClient
) -> None:
    with time_machine.travel("2026-07-01T12:00:00Z", tick=False):
        first = runner.invoke(args=["seed", "demo"])
        before = everything_but_imports(database)
        second = runner.invoke(args=["seed", "demo"])
        after = everything_but_imports(database)
        login = client.post("/auth/login", json={"email": demo.CANDIDATE_EMAIL, "password": demo.PASSWORD}).get_json()
        authorization = {"Authorization": f"Bearer {login['data']['accessToken']}"}
        data = client.get("/candidate/interviews?limit=100", headers=authorization).get_json()["data"]
    assert (first.exit_code, second.exit_code, first.output) == (0, 0, second.output)
    assert demo.CANDIDATE_EMAIL in first.output
    assert demo.PASSWORD in first.output
    without_hashes = [{name: rows for name, rows in world.items() if name != "users"} for world in (before, after)]
    assert without_hashes[0] == without_hashes[1]
    statuses = {interview["status"] for interview in data["interviews"]}
    assert statuses == {"en_attente", "confirmed", "completed", "annule"}
    assert {interview["type"] for interview in data["interviews"]} == {"Video", "InPerson", "Phone"}
    assert len({interview["company"]["name"] for interview in data["interviews"]}) == 4
    assert data["pendingCount"] >= 2
    assert data["upcomingCount"] >= 2
    with database.reads.connection() as connection:
        assert connection.execute(select(func.count(models.Interview.time_zone.distinct()))).scalar_one() >= 4
    moments = [interview["scheduledDate"] for interview in data["interviews"]]
    assert "2026-05-15" < min(moments) < "2026-07-01" < max(moments) < "2026-08-01"


def test_bulk_data_is_spread_evenly_and_added(runner: FlaskCliRunner, database: Database, client: FlaskClient) -> None:
    for _ in range(2):
        result = runner.invoke(args=["seed", "bulk", "--candidates", "3", "--interviews", "10"])
        assert result.exit_code == 0, result.output
    with database.reads.connection() as connection:
        each = select(func.count(models.Interview.id)).group_by(models.Interview.candidate_id)
        assert sorted(connection.execute(each).scalars()) == [3, 3, 3, 3, 4, 4]
    email = result.output.split()[-4]
    login = client.post("/auth/login", json={"email": email, "password": bulk.PASSWORD}).get_json()["data"]
    authorization = {"Authorization": f"Bearer {login['accessToken']}"}
    assert client.get("/candidate/interviews", headers=authorization).get_json()["data"]["total"] == 4


@pytest.mark.parametrize("arguments", [["0", "5"], ["5", "0"], ["1", "70000"], ["x", "5"], ["-1", "5"]])
def test_bulk_refuses_invalid_counts(arguments: list[str], runner: FlaskCliRunner) -> None:
    candidates, interviews = arguments
    result = runner.invoke(args=["seed", "bulk", "--candidates", candidates, "--interviews", interviews])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
