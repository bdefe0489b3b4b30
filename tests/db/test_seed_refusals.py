"""Refusals of `flask seed load` name the place in the file, in the file's order."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from interviews_api import create_app
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.settings import SECRETS


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ({"companies": [5]}, ["companies[0]: Invalid input type."]),
        ({"companies": [[]], "jobs": [None]}, ["companies[0]: Invalid input type.", "jobs[0]: Field may not be null."]),
        ({"interviews": [{"feedback": 5}]}, ["interviews[0].feedback: Invalid input type."]),
        ({"interviews": [{"feedback": {"strengths": ["a", 1]}}]}, ["interviews[0].feedback.strengths[1]: "]),
        ({"interviews": [{"0": 1, "": 1, "_schema": 1}]}, ["interviews[0].0: ", 'interviews[0]."": ']),
        ({"interviews": [{"0": 1, "_schema": 1}]}, ["interviews[0].0: ", "interviews[0]._schema: Unknown field."]),
        ({"companies.0.name": 1, "": 2}, ['"companies.0.name": Unknown field.', '"": Unknown field.']),
        (dict.fromkeys("zyxabc", 1), [f"{name}: Unknown field." for name in "zyxabc"]),
        (5, ["the file: Invalid input type."]),
    ],
)
def test_refusal_names_its_place(content: object, lines: list[str], runner: FlaskCliRunner, tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(content))
    result = runner.invoke(args=["seed", "load", str(file)])
    assert result.exit_code == 1
    places = [result.output.find(f"\n{line}") for line in lines]
    assert -1 not in places, result.output
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("/nowhere/seed.json", 2, "does not exist"),
        ("/tmp", 2, "is a directory"),
        ("/proc/self/mem", 1, "Error: /proc/self/mem cannot be read: "),  # what even root cannot read
        ("/nowhere/\udcff", 2, "does not exist"),
    ],
)
def test_unreadable_file_fails_in_one_line(name: str, code: int, reason: str, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["seed", "load", name])
    assert (result.exit_code, reason in result.output) == (code, True), result.output
    assert isinstance(result.exception, SystemExit)


def test_seed_without_tables_fails_in_one_line(tmp_path: Path) -> None:
    app = create_app(SECRETS | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"})
    result = app.test_cli_runner().invoke(args=["seed", "demo"])
    assert (result.exit_code, result.output) == (1, "Error: the database refused: no such table: interviews\n")
    service(Database, app).dispose()
