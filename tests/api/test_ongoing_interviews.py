"""The candidate's list of upcoming interviews with `ongoing=true`, which also has those that have begun."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from interviews_api.clock import format_instant
from tests.support.factories import World
from tests.support.tokens import Headers

NOW = datetime(2025, 5, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "query",
    [
        "ongoing=",
        "ongoing=1",
        "ongoing=True",
        "ongoing=TRUE",
        "ongoing=yes",
        "ongoing=true%00",
        "ongoing=true&ongoing=true",
    ],
)
def test_invalid_ongoing_names_its_parameter(
    client: FlaskClient, world: World, headers: Callable[..., Headers], query: str
) -> None:
    me = world.candidate()
    world.load()
    response = client.get(f"/candidate/interviews/upcoming?{query}", headers=headers(me["id"]))
    assert response.status_code == 400
    assert response.json is not None
    assert list(response.json["details"]) == ["ongoing"]


def test_upcoming_has_ongoing_interviews_only_when_asked(
    client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    """A late candidate needs the link; without `ongoing=true` only those to come are listed."""
    starts = {"ended": -1440, "ongoing": -1439, "begins": 0, "later": 5}
    me = world.candidate_with(
        *(
            {
                "status": "confirmed", "scheduledDate": format_instant(NOW + timedelta(minutes=minutes)),
                "durationMinutes": 1440, "id": f"{number:024x}",
            }
            for number, minutes in enumerate(starts.values())
        ),
        {"status": "en_attente", "scheduledDate": format_instant(NOW), "durationMinutes": 1440},
    )  # fmt: skip
    world.load()
    with time_machine.travel(NOW, tick=False):
        authorization = headers(me["id"])
        for query, expected in (
            ("", ["begins", "later"]), ("?ongoing=false", ["begins", "later"]),
            ("?ongoing=true", ["ongoing", "begins", "later"]), ("?ongoing=true&limit=1", ["ongoing"]),
            ("?ongoing=true&limit=1&skip=1", ["begins"]),
        ):  # fmt: skip
            data = client.get(f"/candidate/interviews/upcoming{query}", headers=authorization).get_json()["data"]
            names = [list(starts)[int(interview["interviewId"], 16)] for interview in data["interviews"]]
            assert names == expected, query
            assert data["total"] == (3 if "true" in query else 2)
