"""The document's own React hook and Vue composable, and /docs in Chromium, against gunicorn."""

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from interviews_api.accounts.tokens import issue_access_token
from interviews_api.clock import format_instant, now
from tests.conftest import begin_session
from tests.factories import World
from tests.live import LiveServer

FRONTEND = Path(__file__).parent / "frontend"


def run_node(script: str, **environment: str) -> None:
    finished = subprocess.run(
        ["node", script], cwd=FRONTEND, env=os.environ | environment, capture_output=True, text=True, timeout=90
    )
    assert (finished.returncode, finished.stdout.strip()) == (0, "as documented"), finished.stderr


@pytest.mark.needs_node
@pytest.mark.parametrize("script", ["react.mjs", "vue.mjs"])
def test_the_documented_front_end_works(script: str, app: Flask, live: LiveServer, world: World) -> None:
    soon = format_instant(now() + timedelta(days=2))
    candidate = world.candidate_with(
        {"id": "641a5f123456789012345678", "scheduledDate": soon},
        {"status": "confirmed", "scheduledDate": soon, "confirmedAt": soon},
        {"status": "completed", "completedAt": "2025-05-15T10:00:00.000Z"},
        {"status": "annule"},
    )
    world.load()
    with app.app_context():
        token = issue_access_token(begin_session(candidate["id"]))
    run_node(script, BASE_URL=live.url, TOKEN=token, PENDING_ID="641a5f123456789012345678")


@pytest.mark.needs_chromium
def test_the_docs_page_works_without_the_internet(live: LiveServer) -> None:
    run_node("docs-page.mjs", BASE_URL=live.url, CHROMIUM=shutil.which("chromium") or "")
