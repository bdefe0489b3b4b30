"""Programs that refuse to start say why in one line, without a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interviews_api.config import Settings
from tests.support.gunicorn_server import clean_environment
from tests.support.postgres import free_port
from tests.support.provider import WEAK, pem, settings_for
from tests.support.settings import PRODUCTION, ROOT, SECRETS

WEAK_KEY = "holds no public key for RS256, which needs an RSA key of at least 2048 bits"


@pytest.mark.parametrize("command", [["gunicorn", "wsgi:app"], ["flask", "--app", "wsgi", "routes"]])
def test_weak_provider_key_stops_each_program(command: list[str], tmp_path: Path) -> None:
    environment = clean_environment(settings_for(tmp_path, pem(WEAK)))
    finished = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 1
    assert finished.stderr == f"Refusing to start: IDP_PUBLIC_KEY_FILE {WEAK_KEY}\n"


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "gunicorn", "wsgi:app"],
        ["-m", "flask", "--app", "wsgi", "routes"],
        ["-c", "import wsgi"],
    ],
)
def test_short_secret_stops_each_program(command: list[str]) -> None:
    environment = clean_environment(PRODUCTION | {"SECRET_KEY": "short", "PORT": "1"})
    finished = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode != 0
    assert "Refusing to start: SECRET_KEY is shorter than 32 bytes" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u@h:port/x", "Refusing to start: DATABASE_URL must begin with"),
        ("sqlite:////dev/null/x.sqlite3", "Refusing to start: the folder of DATABASE_URL cannot be made"),
        ("sqlite:////proc/none/x.sqlite3", "Refusing to start: the folder of DATABASE_URL cannot be made"),
        ("sqlite:////tmp", "the database refused: unable to open database file"),
        ("postgresql://127.0.0.1:1/x", "the database refused: connection failed"),
    ],
)
def test_invalid_database_url_fails_in_one_line(url: str, reason: str) -> None:
    environment = clean_environment(SECRETS | {"DATABASE_URL": url})
    for command in (["alembic", "upgrade", "head"], ["flask", "--app", "wsgi", "tokens", "issue", "a@example.com"]):
        finished = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )
        assert finished.returncode == 1
        assert reason in finished.stderr
        assert "Traceback" not in finished.stderr


def test_each_program_warns_once_of_what_production_lacks(tmp_path: Path) -> None:
    environment = clean_environment(PRODUCTION | {"DATABASE_URL": f"sqlite:///{tmp_path / 'x'}"})
    environment |= {"PORT": str(free_port()), "RATELIMIT_ENABLED": "no", "WEB_CONCURRENCY": "2"}
    expected = [("warning", text) for text in Settings.load(environment).warnings]
    assert len(expected) == 3
    for command, started in ((["gunicorn", "wsgi:app"], "Booting worker"),
                             (["gunicorn", "-c", "gunicorn.live.conf.py", "wsgi:app"], "Booting worker"),
                             (["flask", "--app", "wsgi", "worker"], "The worker delivers")):  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", *command], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        with process:
            assert process.stdout is not None
            output = ""
            while started not in output:
                line = process.stdout.readline()
                assert line, output
                output += line
            process.terminate()
            output += process.stdout.read()
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        warnings = [(line["level"], line["message"]) for line in lines if line["message"].split()[0].isupper()]
        assert warnings == expected, output


def test_gunicorn_starts_no_workers_without_a_database_folder() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=ROOT, env=clean_environment(SECRETS | {"DATABASE_URL": "sqlite:////dev/null/x"}),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert finished.returncode != 0
    assert "Refusing to start: the folder of DATABASE_URL cannot be made" in finished.stderr
    assert "Booting worker" not in finished.stderr
