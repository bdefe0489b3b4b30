"""The sample responses in tests/golden, value for value, as clients see them."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support.factories import World
from tests.support.golden import golden

ME = "641a5f1234567890123456aa"
SOMEBODY = "641a5f1234567890123456bb"


def load_sample(world: World, sample: dict[str, Any]) -> None:
    """Store the interview that a sample shows."""
    sample = {**sample}
    company, job = sample.pop("company"), sample.pop("job")
    world.company(**company)
    world.job(company, **job)
    candidate = world.candidate(id=ME)
    world.candidate(id=SOMEBODY)
    world.application(candidate, job, id=sample.pop("applicationId"), appliedAt=sample.pop("appliedAt"))
    del sample["scheduledTime"]
    world.interview({"id": "641a5f123456789012345679"}, id=sample.pop("interviewId"), **sample)
    world.load()


@pytest.mark.parametrize(
    ("name", "path", "at"),
    [
        ("list", "", "2025-04-20T14:30:00Z"),
        ("pending", "/pending", "2025-04-20T14:30:00Z"),
        ("upcoming", "/upcoming", "2025-04-20T14:30:00Z"),
        ("history", "/history", "2025-04-20T14:30:00Z"),
    ],
)
def test_list_equals_the_sample(
    name: str, path: str, at: str, client: FlaskClient, world: World, headers: Callable[..., dict[str, str]]
) -> None:
    sample = golden(name)
    load_sample(world, sample["data"]["interviews"][0])
    with time_machine.travel(at, tick=False):
        response = client.get(f"/candidate/interviews{path}", headers=headers(ME))
    assert response.status_code == 200
    assert response.json == sample


def test_upcoming_ends_when_the_interview_begins(
    client: FlaskClient, world: World, headers: Callable[..., dict[str, str]]
) -> None:
    load_sample(world, golden("upcoming")["data"]["interviews"][0])
    for at, total in (("2025-05-15T09:00:00Z", 1), ("2025-05-15T09:00:00.001Z", 0)):
        with time_machine.travel(at, tick=False):
            data = client.get("/candidate/interviews/upcoming", headers=headers(ME)).json["data"]  # type: ignore[index]
            counts = client.get("/candidate/interviews", headers=headers(ME)).json["data"]  # type: ignore[index]
        assert (data["total"], len(data["interviews"]), counts["upcomingCount"]) == (total, total, total)


def test_details_equal_the_sample(client: FlaskClient, world: World, headers: Callable[..., dict[str, str]]) -> None:
    sample = golden("details")
    load_sample(world, sample["data"])
    response = client.get(f"/candidate/interviews/{sample['data']['interviewId']}", headers=headers(ME))
    assert response.json == sample


def test_confirm_and_refusals_equal_the_samples(
    client: FlaskClient, world: World, headers: Callable[..., dict[str, str]]
) -> None:
    load_sample(world, golden("list")["data"]["interviews"][0])
    path = "/candidate/interviews/641a5f123456789012345678/confirm"
    with time_machine.travel("2025-04-20T14:30:00Z", tick=False):
        answers = [
            (client.put(path), 401, "error-401"),
            (client.put(path, headers=headers(SOMEBODY)), 403, "error-403"),
            (client.put(path.replace("5678/", "567f/"), headers=headers(ME)), 404, "error-404"),
            (client.put(path, headers=headers(ME)), 200, "confirm"),
            (client.put(path, headers=headers(ME)), 400, "error-400"),
        ]
    for response, status, name in answers:
        assert (response.status_code, response.json) == (status, golden(name))
