"""Seed files and commands read names, texts, instants and time zones as the API does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select

from interviews_api.accounts.models import Candidate, Company
from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from tests.support.factories import Record, World
from tests.support.tokens import Headers
from tests.support.typed_texts import TURNED_NAMES, TURNED_PROSE

ONE_NAME = "One of firstName and lastName is needed."


@pytest.fixture
def load(runner: FlaskCliRunner, tmp_path: Path) -> Callable[[bytes], Any]:
    """Return a function that runs `flask seed load` on a file with these bytes."""

    def run(raw: bytes) -> Any:
        file = tmp_path / "seed.json"
        file.write_bytes(raw)
        return runner.invoke(args=["seed", "load", str(file)])

    return run


@pytest.fixture
def records(world: World) -> dict[str, Record]:
    company = world.company(email=None)
    job = world.job(company, description="x")
    candidate = world.candidate()
    interview = world.interview(world.application(candidate, job))
    return {"companies": company, "jobs": job, "candidates": candidate, "interviews": interview}


def problem(result: Any) -> str:
    assert result.exit_code == 1
    first, line, *_ = result.output.splitlines()
    assert first == "Error: nothing was written."
    return str(line)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_file_may_begin_with_a_byte_order_mark(encoding: str, world: World, load: Callable[[bytes], Any]) -> None:
    world.company(name="Łódź")
    assert load(json.dumps(world.content, ensure_ascii=False).encode(encoding)).output.startswith("Loaded 1 companies")


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-16", "The JSON must be in UTF-8, and this is UTF-16"),
        ("utf-16-be", "The JSON must be in UTF-8, and this looks like UTF-16 or UTF-32"),
        ("utf-32", "The JSON must be in UTF-8, and this is UTF-32"),
        ("cp1252", "The JSON must be in UTF-8"),
    ],
)
def test_file_in_another_encoding_is_refused(
    encoding: str, words: str, world: World, load: Callable[[bytes], Any]
) -> None:
    world.company(name="Müller")
    assert problem(load(json.dumps(world.content, ensure_ascii=False).encode(encoding))) == words


@pytest.mark.usefixtures("records")
def test_time_zones_are_read_in_any_letter_case(
    world: World, records: dict[str, Record], load: Callable[[bytes], Any], database: Database
) -> None:
    records["companies"]["timeZone"], records["interviews"]["timeZone"] = "europe/paris", "ASIA/KOLKATA"
    assert load(json.dumps(world.content).encode()).exit_code == 0
    with database.reads.connection() as connection:
        assert connection.execute(select(Company.time_zone)).scalar_one() == "Europe/Paris"
        assert connection.execute(select(Interview.time_zone)).scalar_one() == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("array", "zone", "words"),
    [
        ("companies", "W. Europe Standard Time", 'the Windows name "W. Europe Standard Time" means Europe/Berlin.'),
        ("interviews", "india standard time", 'the Windows name "India Standard Time" means Asia/Kolkata.'),
        ("companies", "Factory", "Must be an IANA time zone like Asia/Kolkata."),
    ],
)
def test_name_that_is_no_iana_zone_is_explained(
    array: str, zone: str, words: str, world: World, records: dict[str, Record], load: Callable[[bytes], Any]
) -> None:
    records[array]["timeZone"] = zone
    line = problem(load(json.dumps(world.content).encode()))
    assert line.startswith(f"{array}[0].timeZone: Must be an IANA time zone")
    assert line.endswith(words)


@pytest.mark.parametrize("typed", ["2027-05-15T09:00:00.0000000Z", "2027-05-15t14:30:00.000999+05:30"])
def test_instants_are_read_as_other_programs_write_them(
    typed: str, world: World, records: dict[str, Record], load: Callable[[bytes], Any], client: FlaskClient,
    headers: Callable[..., Headers],
) -> None:  # fmt: skip
    interview = records["interviews"]
    interview |= {"scheduledDate": typed, "scheduledAt": "2016-12-31T23:59:60Z", "confirmedAt": "2027-01-01t00:00:00z"}
    assert load(json.dumps(world.content).encode()).exit_code == 0
    answer = client.get(f"/candidate/interviews/{interview['id']}", headers=headers(records["candidates"]["id"]))
    shown = answer.get_json()["data"]
    assert (shown["scheduledDate"], shown["scheduledAt"]) == ("2027-05-15T09:00:00.000Z", "2017-01-01T00:00:00.000Z")
    assert shown["confirmedAt"] == "2027-01-01T00:00:00.000Z"


def test_names_lose_bidirectional_controls_and_texts_unbalanced_ones(
    world: World, records: dict[str, Record], load: Callable[[bytes], Any], database: Database
) -> None:
    company, job, person, interview = (records[name] for name in ("companies", "jobs", "candidates", "interviews"))
    for typed, kept in TURNED_NAMES.items():
        company |= dict.fromkeys(("name", "address", "phone"), typed)
        job["title"] = typed
        person |= dict.fromkeys(("firstName", "lastName", "phone"), typed)
        assert load(json.dumps(world.content).encode()).exit_code == 0
        with database.reads.connection() as connection:
            stored = connection.execute(select(Company)).mappings().one()
            assert [stored[name] for name in ("name", "address", "phone")] == [kept] * 3
            names = connection.execute(select(Candidate.first_name, Candidate.last_name, Candidate.phone)).one()
            assert tuple(names) == (kept, kept, kept)
    for typed, kept in TURNED_PROSE.items():
        interview |= dict.fromkeys(("notes", "internalNotes", "location", "cancellationReason"), typed)
        interview["feedback"] = {"comments": typed, "strengths": [typed]}
        assert load(json.dumps(world.content).encode()).exit_code == 0
        with database.reads.connection() as connection:
            row = connection.execute(select(Interview)).mappings().one()
        texts = [row[name] for name in ("notes", "internal_notes", "location", "cancellation_reason")]
        assert [*texts, row["feedback"]["comments"], *row["feedback"]["strengths"]] == [kept] * 6


@pytest.mark.parametrize(
    ("array", "field", "value", "words"),
    [
        ("companies", "name", "\u202e", "Length must be between 1 and 20000."),
        ("jobs", "title", " \u2066", "Must not be blank."),
        ("candidates", "firstName", " ", "Must not be blank."),
        ("companies", "name", "\ufeff", "Must not be blank."),
        ("candidates", "lastName", "\u2067\u2069", "Length must be between 1 and 20000."),
    ],
)
def test_blank_name_is_refused(
    array: str, field: str, value: str, words: str, world: World, records: dict[str, Record],
    load: Callable[[bytes], Any],
) -> None:  # fmt: skip
    records[array][field] = value
    assert problem(load(json.dumps(world.content).encode())) == f"{array}[0].{field}: {words}"


def test_candidate_may_have_one_name(
    world: World, load: Callable[[bytes], Any], client: FlaskClient, headers: Callable[..., Headers]
) -> None:
    persons = [world.candidate(firstName=first, lastName=last) for first, last in
               (("Suharto", None), ("", "Suharto"), ("Suharto", ""))]  # fmt: skip
    del persons[0]["lastName"]
    for _ in range(2):
        assert load(json.dumps(world.content).encode()).exit_code == 0
    names = []
    for person in persons:
        user = client.get("/auth/me", headers=headers(person["id"])).get_json()["data"]["user"]
        names.append((user["firstName"], user["lastName"]))
    assert names == [("Suharto", None), (None, "Suharto"), ("Suharto", None)]


@pytest.mark.parametrize("names", [{}, {"firstName": None, "lastName": ""}])
def test_candidate_without_a_name_is_refused(names: dict[str, Any], world: World, load: Callable[[bytes], Any]) -> None:
    person = world.candidate()
    del person["firstName"], person["lastName"]
    person |= names
    assert problem(load(json.dumps(world.content).encode())) == f"candidates[0].firstName: {ONE_NAME}"


def test_command_creates_a_candidate_with_one_name(
    runner: FlaskCliRunner, client: FlaskClient, headers: Callable[..., Headers]
) -> None:
    command = ["users", "create-candidate", "--password", "a-good-password"]
    for number, name in enumerate((["--first-name", "Suharto"], ["--last-name", "Suharto", "--first-name", ""])):
        result = runner.invoke(args=[*command, *name, "--email", f"{number}@example.com"])
        user_id = result.output.split()[-1]
        user = client.get("/auth/me", headers=headers(user_id)).get_json()["data"]["user"]
        assert (user["firstName"], user["lastName"]) == (("Suharto", None), (None, "Suharto"))[number]
    assert ONE_NAME in problem(runner.invoke(args=[*command, "--email", "x@example.com"]))


def test_command_creates_a_company_in_a_zone_of_any_letter_case(runner: FlaskCliRunner, database: Database) -> None:
    command = ["users", "create-company", "--name", "\u202eLumen", "--email", "hr@lumen.example", "--password",
               "a-good-password", "--time-zone"]  # fmt: skip
    line = problem(runner.invoke(args=[*command, "Romance Standard Time"]))
    assert line.endswith('the Windows name "Romance Standard Time" means Europe/Paris.')
    assert runner.invoke(args=[*command, "europe/paris"]).exit_code == 0
    with database.reads.connection() as connection:
        assert tuple(connection.execute(select(Company.name, Company.time_zone)).one()) == ("Lumen", "Europe/Paris")
