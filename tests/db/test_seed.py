"""Seed files: loaded as a whole or not at all, by id, with each refusal named."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select, update

from interviews_api import models
from interviews_api.db.connections import Database
from interviews_api.seed.schemas import SeedFile
from tests.support.api import PASSWORD
from tests.support.database_rows import everything_but_imports
from tests.support.factories import Record, World
from tests.support.tokens import Headers

Content = dict[str, list[Record]]


@pytest.fixture
def content(world: World) -> Content:
    company = world.company(timeZone="Asia/Kolkata")
    world.company_user(company, password=PASSWORD)
    candidate = world.candidate(password=PASSWORD)
    application = world.application(candidate, world.job(company))
    world.interview(application, id="641a5f123456789012345678")
    world.interview(application)
    return world.content


@pytest.fixture
def load(runner: FlaskCliRunner, tmp_path: Path) -> Callable[[object], Any]:
    """Return a function that runs `flask seed load` on a file with this content."""

    def run(content: object) -> Any:
        file = tmp_path / "seed.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return runner.invoke(args=["seed", "load", str(file)])

    return run


def test_loading_a_file_twice_changes_nothing(
    content: Content, load: Callable[[object], Any], database: Database, client: FlaskClient
) -> None:
    result = load(content)
    assert (result.exit_code, result.output) == (
        0,
        "Loaded 1 companies, 1 companyUsers, 1 jobs, 1 candidates, 1 applications, 2 interviews\n",
    )
    before = everything_but_imports(database)
    for user in (*content["candidates"], *content["companyUsers"]):
        del user["password"]  # stays what it was
    assert load(content).exit_code == 0
    assert everything_but_imports(database) == before
    for user in (*content["candidates"], *content["companyUsers"]):
        login = client.post("/auth/login", json={"email": user["email"], "password": PASSWORD})
        assert login.status_code == 200


def test_record_is_replaced_by_its_id(
    content: Content, load: Callable[[object], Any], client: FlaskClient, headers: Callable[..., Headers]
) -> None:
    content["interviews"][0] |= {"notes": "old", "location": "old"}
    load(content)
    changed = content["interviews"][0] | {"notes": "new", "status": "annule"}
    del changed["location"]
    content["companies"][0]["name"] = "Renamed"
    assert load({"interviews": [changed], "companies": content["companies"]}).exit_code == 0
    authorization = headers(content["candidates"][0]["id"])
    interview = client.get(f"/candidate/interviews/{changed['id']}", headers=authorization).get_json()["data"]
    assert (interview["notes"], interview["location"], interview["status"]) == ("new", None, "annule")
    assert interview["company"]["name"] == "Renamed"


def test_loaded_update_keeps_the_revision(content: Content, load: Callable[[object], Any], database: Database) -> None:
    load(content)
    with database.engine.begin() as connection:
        connection.execute(update(models.Interview).values(revision=3))
    load(content)
    with database.reads.connection() as connection:
        assert set(connection.execute(select(models.Interview.revision)).scalars()) == {3}


def test_loaded_addresses_are_trimmed_and_keep_their_case(
    content: Content, load: Callable[[object], Any], database: Database
) -> None:
    content["candidates"][0]["email"] = " \tInes@Example.com\n"
    assert load(content).exit_code == 0
    with database.reads.connection() as connection:
        users = connection.execute(
            select(models.User.email, models.User.email_key).where(models.User.role == "candidate")
        )
        assert users.one() == ("Ines@Example.com", "ines@example.com")


def test_interview_without_a_zone_takes_the_companys(
    content: Content, load: Callable[[object], Any], client: FlaskClient, headers: Callable[..., Headers]
) -> None:
    del content["interviews"][0]["timeZone"]
    load(content)
    authorization = headers(content["candidates"][0]["id"])
    interview = client.get("/candidate/interviews/641a5f123456789012345678", headers=authorization).get_json()["data"]
    assert interview["scheduledTime"] == "14:30"


def test_application_can_move_to_another_candidate(
    content: Content, load: Callable[[object], Any], world: World, client: FlaskClient, headers: Callable[..., Headers]
) -> None:
    load(content)
    other = world.candidate()
    moved = content["applications"][0] | {"candidateId": other["id"]}
    assert load({"candidates": [other], "applications": [moved]}).exit_code == 0
    assert client.get("/candidate/interviews", headers=headers(other["id"])).get_json()["data"]["total"] == 2


def test_null_means_the_default(content: Content, load: Callable[[object], Any], database: Database) -> None:
    required = {
        "companies": {"id", "name"}, "companyUsers": {"id", "companyId", "email"}, "jobs": {"id", "companyId", "title"},
        "candidates": {"id", "email", "firstName", "lastName"},
        "applications": {"id", "candidateId", "jobId", "appliedAt"},
        "interviews": {"id", "applicationId", "status", "type", "scheduledDate", "scheduledAt"},
    }  # fmt: skip
    least = {
        array: [{name: record[name] for name in required[array]} for record in records]
        for array, records in content.items()
    }
    assert load(least).exit_code == 0
    before = everything_but_imports(database)
    nulls = {
        str(array.data_key): [
            dict.fromkeys(str(field.data_key) for field in array.inner.schema.fields.values()) | record  # type: ignore[attr-defined]
            for record in least[str(array.data_key)]
        ]
        for array in SeedFile().fields.values()
    }
    assert load(nulls).exit_code == 0
    assert everything_but_imports(database) == before
    assert load(dict.fromkeys(content)).output.startswith("Loaded 0 companies, 0 companyUsers")


def test_addresses_that_only_fold_alike_are_different(world: World, client: FlaskClient) -> None:
    for email in ("ada@straße.example", "ada@strasse.example"):
        world.candidate(email=email, password=PASSWORD)
    world.load()
    for email in ("ADA@STRAẞE.Example", "ADA@STRASSE.example"):
        login = client.post("/auth/login", json={"email": email, "password": PASSWORD})
        assert login.get_json()["data"]["user"]["email"] == email.lower()


def wrong(array: str, index: int, field: str, value: object = ...) -> tuple[str, int, str, object]:
    return array, index, field, value


@pytest.mark.parametrize(
    ("array", "index", "field", "value"),
    [
        wrong("companies", 0, "name"), wrong("companies", 0, "name", ""),
        wrong("companies", 0, "timeZone", "Mars/Base"), wrong("companies", 0, "timeZone", "../UTC"),
        wrong("companies", 0, "id", "xyz"), wrong("companies", 0, "x", 1),
        wrong("companyUsers", 0, "companyId", "f" * 24), wrong("companyUsers", 0, "email", "nobody"),
        wrong("jobs", 0, "companyId", "f" * 24), wrong("jobs", 0, "title", None),
        wrong("candidates", 0, "email"), wrong("candidates", 0, "firstName", 5),
        wrong("candidates", 0, "password", "x" * 129),
        wrong("applications", 0, "candidateId", "f" * 24), wrong("applications", 0, "jobId", "f" * 24),
        wrong("applications", 0, "status", "confirmed"), wrong("applications", 0, "appliedAt", "2025-05-15"),
        wrong("interviews", 1, "applicationId", "f" * 24), wrong("interviews", 1, "status", "maybe"),
        wrong("interviews", 1, "type", "Fax"), wrong("interviews", 1, "scheduledDate", "tomorrow"),
        wrong("interviews", 1, "scheduledDate", 5), wrong("interviews", 1, "timeZone", "CEST+2"),
        wrong("interviews", 1, "durationMinutes", 4), wrong("interviews", 1, "durationMinutes", 1441),
        wrong("interviews", 1, "durationMinutes", 60.5), wrong("interviews", 1, "durationMinutes", "60"),
        wrong("interviews", 1, "durationMinutes", True), wrong("interviews", 1, "durationMinutes", 10**30),
        wrong("interviews", 1, "meetingLink", "javascript:alert(1)"), wrong("interviews", 1, "isHired", "yes"),
        wrong("interviews", 1, "cancelledBy", "me"), wrong("interviews", 1, "shareFeedback", "no"),
        wrong("interviews", 1, "applicationId", None), wrong("interviews", 1, "x", None),
        wrong("interviews", 1, "feedback", {"overallRating": 11}), wrong("interviews", 1, "feedback", {"mood": "good"}),
        wrong("interviews", 1, "feedback", {"strengths": [1]}), wrong("interviews", 1, "notes", "x" * 20_001),
        wrong("interviews", 1, "id", "641a5f123456789012345678"),
        wrong("interviews", 1, "id", "641a5f12345678901234567e\n"),
        wrong("interviews", 1, "meetingLink", "https://meet.example/a\nb"),
        wrong("interviews", 1, "meetingLink", "https://a b"),
        wrong("candidates", 0, "email", "a@example.com\nb"), wrong("candidates", 0, "email", "x" * 250 + "@a.io"),
        wrong("candidates", 0, "email", None), wrong("candidates", 0, "email", "=?utf-8?q?x?=@example.com"),
        wrong("companyUsers", 0, "email", "üser@example.com"), wrong("interviews", 1, "timeZone", "UTC\n"),
    ],
)  # fmt: skip
def test_invalid_record_is_named_and_nothing_is_written(
    array: str, index: int, field: str, value: object,
    content: Content, load: Callable[[object], Any], database: Database,
) -> None:  # fmt: skip
    before = everything_but_imports(database)
    if value is ...:
        del content[array][index][field]
    else:
        content[array][index][field] = value
    result = load(content)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: nothing was written.\n{array}[{index}].{field}"), result.output
    assert everything_but_imports(database) == before


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not valid JSON"), (b"[]", "the file: "), (b"5", "the file: "), (b"{]", "not valid JSON"),
        (b'{"x": []}', "x: Unknown field."), (b'{"jobs": {}}', "jobs: "), (b'{"jobs": [5]}', "jobs[0]"),
        (b'{"jobs": [], "jobs": []}', "duplicate key"), (b"[" * 100_000, "nested"),
        (b'{"jobs": [{"id": "\\ud800"}]}', "surrogate"),
        (b'{"jobs": [{"title": "\\u0000"}]}', "NUL"), (b'{"x": NaN}', "NaN"), (b"\xff\xfe", "UTF-16"),
    ],
)  # fmt: skip
def test_broken_file_is_refused(raw: bytes, reason: str, load: Callable[[object], Any]) -> None:
    result = load(raw)
    assert result.exit_code == 1
    assert reason in result.output


def test_only_fifty_problems_are_shown(load: Callable[[object], Any]) -> None:
    result = load({"jobs": [{}] * 60})
    assert len(result.output.splitlines()) == 52
    assert result.output.endswith("... and 130 more\n")


def test_users_cannot_share_an_address_or_an_id(
    content: Content, load: Callable[[object], Any], world: World, database: Database
) -> None:
    load(content)
    before = everything_but_imports(database)
    taken = content["candidates"][0]["email"]
    newcomer = {"id": "a" * 24, "email": taken.upper(), "firstName": "A", "lastName": "B"}
    company_id = content["companies"][0]["id"]
    colleague = {"id": content["candidates"][0]["id"], "companyId": company_id, "email": "new@example.com"}
    for wrong_file, reason in (
        ({"candidates": [newcomer]}, "candidates[0].email: Email is already registered."),
        ({"candidates": [newcomer, newcomer | {"id": "b" * 24}]}, "candidates[1].email: "),
        ({"companyUsers": [colleague]}, "companyUsers[0].id: A user of the other role has this id."),
        (
            {"companyUsers": [colleague | {"id": "c" * 24}], "candidates": [newcomer | {"id": "c" * 24}]},
            "candidates[0].id: ",
        ),
    ):
        result = load(wrong_file)
        assert (result.exit_code, reason in result.output) == (1, True), result.output
    assert everything_but_imports(database) == before


def test_loaded_candidate_applies_once_for_a_job(content: Content, load: Callable[[object], Any]) -> None:
    load(content)
    second = content["applications"][0] | {"id": "a" * 24}
    for file in ({"applications": [second]}, {"applications": [content["applications"][0], second]}):
        result = load(file)
        assert result.exit_code == 1
        assert f"applications[{len(file['applications']) - 1}].jobId: " in result.output


def test_users_cannot_swap_addresses(
    content: Content, load: Callable[[object], Any], world: World, database: Database
) -> None:
    first, second = content["candidates"][0], world.candidate()
    load(content)
    before = everything_but_imports(database)
    swapped = [first | {"email": second["email"]}, second | {"email": first["email"]}]
    result = load({"candidates": swapped})
    assert result.exit_code == 1
    assert "candidates[0].email: Email is already registered.\ncandidates[1].email: " in result.output
    assert everything_but_imports(database) == before


def test_loaded_feedback_is_shown_only_when_shared(
    content: Content, load: Callable[[object], Any], client: FlaskClient, headers: Callable[..., Headers]
) -> None:
    feedback = {"overallRating": 8, "comments": "planted-canary", "strengths": ["a"], "recommendation": "hire"}
    private = {"internalNotes": "planted-canary", "hiringDecisionReason": "planted-canary"}
    path = "/candidate/interviews/641a5f123456789012345678"
    for share, visible in ((True, feedback), (False, None)):
        content["interviews"][0] |= {"feedback": feedback, "shareFeedback": share, **private}
        load(content)
        authorization = headers(content["candidates"][0]["id"])
        response = client.get(path, headers=authorization)
        assert response.get_json()["data"]["feedback"] == visible
        assert response.text.count("planted-canary") == share
        assert "planted-canary" not in client.get("/candidate/interviews", headers=authorization).text


def test_load_does_not_modify_its_argument(app: Flask, content: Content, world: World) -> None:
    before = deepcopy(content)
    world.load()
    assert content == before
