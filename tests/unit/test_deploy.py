"""The files of deploy/ are safe as shipped: no secret leaves the machine, and no container can do more than it must."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from interviews_api.config import Settings, SettingsError
from interviews_api.notifications.worker.heartbeat import FILE
from tests.support.gunicorn_server import clean_environment
from tests.support.settings import PRODUCTION, ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
DROP_IN = DEPLOY / "interviews-.service.d" / "10-hardening.conf"
PROGRAMS = ("api", "live", "worker", "migrate")


class ComposeLoader(yaml.SafeLoader):
    """Reads `!override`, which replaces a list of the first file instead of appending to it."""


ComposeLoader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node, deep=True))


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    return yaml.load((DEPLOY / name).read_text(), ComposeLoader)  # a safe loader


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return compose()["services"]


def variables(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_container_is_confined(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "nginx", *PROGRAMS}
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert not {"cap_add", "privileged", "devices", "pid", "ipc", "userns_mode"} & set(service), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[0-9]+[mg]", service["mem_limit"]), name
        assert service["pids_limit"] <= 512, name
        assert service.get("user", "interviews") != "root", name
        assert not any("docker.sock" in volume for volume in service.get("volumes", [])), name
    assert re.search(r"^USER interviews$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)


def test_only_nginx_has_a_port_and_without_tls_only_on_this_machine(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"nginx"}
    assert services["nginx"]["ports"] == ["127.0.0.1:80:80"]
    overlay = compose("compose.tls.yaml")["services"]
    assert set(overlay) == {"nginx"}
    assert overlay["nginx"]["ports"] == ["0.0.0.0:80:80", "0.0.0.0:443:443"]
    for name, port in (("api", 8000), ("live", 8001)):
        assert services[name]["network_mode"] == "service:nginx"
        assert f"--bind 127.0.0.1:{port} " in services[name]["command"]
        assert f"server 127.0.0.1:{port} " in (DEPLOY / "nginx.conf").read_text()


def test_nginx_has_room_for_the_slow_readers_of_an_address(services: dict[str, Any]) -> None:
    """A tmpfs is memory of its container."""
    configuration = (DEPLOY / "nginx.conf").read_text()
    (response,) = re.findall(r"^ +proxy_max_temp_file_size (\d+)m;$", configuration, re.MULTILINE)
    (requests,) = re.findall(r"^ +limit_conn interviews_in_flight (\d+);$", configuration, re.MULTILINE)
    nginx = services["nginx"]
    rooms = {mount.partition(":")[0]: mebibytes(mount) for mount in nginx["tmpfs"]}
    assert int(requests) * int(response) < rooms["/var/cache/nginx"]
    assert sum(rooms.values()) + 128 < mebibytes(f"size={nginx['mem_limit']}")


def mebibytes(options: str) -> int:
    """Return the MiB of `size=...` in the options of a mount."""
    number, unit = re.findall(r"size=([0-9]+)([mg])\b", options)[0]
    return int(number) * {"m": 1, "g": 1024}[unit]


def test_postgres_is_alone_in_an_internal_network(services: dict[str, Any]) -> None:
    assert compose()["networks"]["database"] == {"internal": True}
    assert services["postgres"]["networks"] == ["database"]


def test_each_container_gets_its_own_secrets(services: dict[str, Any]) -> None:
    files = {name: service.get("env_file", []) for name, service in services.items()}
    assert files == {"postgres": ["environment.postgres"], "nginx": [], **{name: ["environment"] for name in PROGRAMS}}
    programs, postgres = variables(DEPLOY / "environment.example"), variables(DEPLOY / "environment.postgres.example")
    assert set(postgres) == {"POSTGRES_PASSWORD", "INTERVIEWS_PASSWORD"}
    assert not set(postgres) & set(programs)
    assert "//interviews:" in programs["DATABASE_URL"]
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            assert not re.search("KEY|PASSWORD|URL", variable), (name, value)


def test_every_container_that_goes_on_has_a_health_check(services: dict[str, Any]) -> None:
    checks = {name: " ".join(service["healthcheck"]["test"]) for name, service in services.items()
              if "healthcheck" in service}  # fmt: skip
    assert set(checks) == {"postgres", "api", "live", "worker"}
    assert ":8000/health/live" in checks["api"]
    assert ":8001/health/live" in checks["live"]
    folder = services["worker"]["environment"]["RUNTIME_DIRECTORY"]
    assert f"'{folder}/{FILE}'" in checks["worker"]
    assert any(mount.startswith(f"{folder}:") for mount in services["worker"]["tmpfs"])


def test_health_check_of_the_worker_fails_without_a_beat(services: dict[str, Any], tmp_path: Path) -> None:
    check = services["worker"]["healthcheck"]["test"][-1].replace("/run/interviews", str(tmp_path))
    beat = tmp_path / FILE

    def is_healthy() -> bool:
        return subprocess.run([sys.executable, "-c", check], capture_output=True, check=False).returncode == 0

    assert not is_healthy()
    beat.touch()
    assert is_healthy()
    os.utime(beat, (beat.stat().st_mtime - 120,) * 2)
    assert not is_healthy()


def test_images_have_exact_tags(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) == 3
    for image in images:
        assert re.search(r":[0-9]+\.[0-9.]*[0-9]+-", image), image


def test_git_ignores_secrets() -> None:
    secrets = [".env", "deploy/environment", "deploy/environment.postgres", "deploy/certificates/privkey.pem"]
    examples = [".env.example", *(f"deploy/{path.name}" for path in DEPLOY.glob("*.example"))]
    assert len(examples) == 3
    result = subprocess.run(
        ["git", "check-ignore", "--no-index", *secrets, *examples], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == secrets


def test_image_has_the_programs_and_nothing_else(tmp_path: Path) -> None:
    """Copies what Dockerfile.dockerignore admits, and starts the programs from there."""
    first, *rest = [line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] != "#"]
    assert first == "*"
    admitted = [line.removeprefix("!") for line in rest if line.startswith("!")]
    refused = [line.removeprefix("**/") for line in rest if not line.startswith("!")]
    assert not any("*" in name or name.startswith(("deploy", ".", "instance", "tests")) for name in admitted)
    assert fnmatch.filter([".env", ".env.local", "__pycache__"], refused[1]) == [".env", ".env.local"]
    for name in admitted:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns(*refused))
        else:
            shutil.copy(source, tmp_path / name)
    environment = clean_environment(PRODUCTION | {"DATABASE_URL": f"sqlite:///{tmp_path}/x", "PORT": "1"})
    for command in (["alembic", "upgrade", "head"], ["gunicorn", "--check-config", "wsgi:app"],
                    ["gunicorn", "-c", "gunicorn.live.conf.py", "--check-config", "wsgi:app"],
                    ["flask", "--app", "wsgi", "purge"]):  # fmt: skip
        result = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, env=environment,
                                capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        assert result.returncode == 0, result.stderr


def test_example_settings_start_once_secrets_are_filled_in() -> None:
    example = variables(DEPLOY / "environment.example")
    with pytest.raises(SettingsError, match="JWT_SECRET_KEY is missing"):
        Settings.load(example)
    secrets = {name: PRODUCTION[name] for name in ("JWT_SECRET_KEY", "SECRET_KEY")}
    assert Settings.load(example | secrets | {"SMTP_HOST": "mail.example"}).warnings == ()


@pytest.mark.needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_unit_is_valid_and_confined(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    python = Path(sys.executable).parent
    copy.write_text(unit.read_text().replace("/srv/interviews/.venv/bin", str(python)))
    shutil.copytree(DROP_IN.parent, tmp_path / DROP_IN.parent.name)
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    assert unit.name not in verified.stderr
    exposure = ["systemd-analyze", "security", "--offline=true", "--threshold=16", "--no-pager", copy]
    rated = subprocess.run(exposure, capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout  # at most 1.6 of 10 points


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_unit_does_not_start_without_its_confinement(unit: Path) -> None:
    assert unit.name.startswith(DROP_IN.parent.name.removesuffix(".service.d"))
    name = DROP_IN.relative_to(DEPLOY)
    assert f"\nAssertPathExists=/etc/systemd/system/{name}\n" in unit.read_text()
    assert "\nUser=interviews\n" in unit.read_text()


def test_units_limit_memory_and_use_no_folder_that_is_cleaned() -> None:
    assert len(UNITS) == 3
    for unit in UNITS:
        assert re.search(r"^MemoryMax=[0-9]+[MG]$", unit.read_text(), re.MULTILINE), unit.name
    for name in ("api", "live"):
        assert f"\nRuntimeDirectory=interviews-{name}\n" in (DEPLOY / f"interviews-{name}.service").read_text()
