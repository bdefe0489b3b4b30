"""The document's own React hook and Vue composable, and /docs in Chromium, against gunicorn."""

import json
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api.accounts.mailed_links import RESET_LINK
from interviews_api.accounts.models import PasswordReset
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.clock import format_instant, now
from interviews_api.db.connections import Database, transaction
from interviews_api.interviews.link_tokens import make_token
from tests.support.api import Caller
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.proof_table import IS_FULL, figure, proof
from tests.support.sessions import sessions, sign_in
from tests.support.settings import SECRETS
from tests.support.tokens import begin_session

FRONTEND = Path(__file__).parents[1] / "frontend"


def run_node(script: str, seconds: int = 180, **environment: str) -> None:
    finished = subprocess.run(
        ["node", script], cwd=FRONTEND, env=os.environ | environment, capture_output=True, text=True, timeout=seconds
    )
    assert (finished.returncode, finished.stdout.strip()) == (0, "as documented"), finished.stderr


@pytest.mark.needs_node
@pytest.mark.parametrize("script", ["react.mjs", "vue.mjs"])
def test_documented_front_end_works(script: str, app: Flask, gunicorn_server: GunicornServer, world: World) -> None:
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
    run_node(script, BASE_URL=gunicorn_server.url, TOKEN=token, PENDING_ID="641a5f123456789012345678")


@pytest.mark.matrix
@pytest.mark.needs_chromium
def test_docs_page_works_offline(gunicorn_server: GunicornServer) -> None:
    run_node("docs-page.mjs", BASE_URL=gunicorn_server.url, CHROMIUM=shutil.which("chromium") or "")


@pytest.mark.matrix
@pytest.mark.needs_chromium
def test_link_page_is_accessible_in_each_state(gunicorn_server: GunicornServer, world: World) -> None:
    """Run axe in each state, with and without JavaScript, small and light, wide and dark; a proof runs all pairs."""
    states = ["en_attente", "en_attente", "confirmed", "completed", "annule", "en_attente"]
    ids = [f"{number:024x}" for number in range(1, 7)]
    texts = {
        "notes": "Please prepare a brief presentation about your recent projects.\nBring a document with your picture.",
        "location": "18 Rue de la Paix, 75002 Paris",
        "meetingLink": "https://meet.example/" + "a-rather-long-address-that-has-to-break-somewhere-" * 2,
    }
    date = "2999-05-15T09:00:00.000Z"
    company = world.company(phone="+33 1 70 18 99 00", email="jobs@example.com", address="18 Rue de la Paix")
    application = world.application(world.candidate(phone="+33 6 12 34 56 78"), world.job(company))
    for interview_id, status in zip(ids, states, strict=True):
        kind = {"type": "Phone", "location": None, "meetingLink": None} if interview_id == ids[5] else {}
        world.interview(application, id=interview_id, status=status, scheduledDate=date, **texts | kind)
    world.load()
    paths = [f"/interviews/confirm/{make_token(SECRETS['SECRET_KEY'], interview_id, 0)}" for interview_id in ids]
    links = {"pending": paths[:2], "confirmed": paths[2], "completed": paths[3], "cancelled": paths[4]}
    links["phone"] = paths[5]
    links["invalid"] = "/interviews/confirm/x"
    run_node(
        "link-page.mjs",
        figure(sample=180, full=420),  # all pairs open over a hundred pages
        BASE_URL=gunicorn_server.url,
        CHROMIUM=shutil.which("chromium") or "",
        LINKS=json.dumps(links),
        PAIRS="all" if IS_FULL else "sample",
    )


@pytest.mark.proof
@pytest.mark.needs_chromium
def test_two_tabs_that_refresh_at_once_stay_signed_in(
    ada_client: Caller, gunicorn_server: GunicornServer, database: Database
) -> None:
    """Each tab sends 50 refreshes at once, in rounds: all get one successor, with which the next round begins."""
    rounds, backend = figure(sample=1, full=20), database.engine.dialect.name
    with proof("two tabs x 50 simultaneous refreshes in Chromium", backend, rounds) as row:
        run_node(
            "two-tabs.mjs",
            BASE_URL=gunicorn_server.url,
            CHROMIUM=shutil.which("chromium") or "",
            REFRESH_TOKEN=sign_in(ada_client)["refreshToken"],
            ROUNDS=str(rounds),
            TIMES="50",
        )
        row.result = "no sign-out"
    assert sessions(database) == 1


@pytest.mark.matrix
@pytest.mark.needs_chromium
def test_reset_page_works_once(app: Flask, gunicorn_server: GunicornServer, world: World) -> None:
    """Run at 360 and 1280 pixels, light and dark. No requested URL holds the secret."""
    person = world.candidate()
    world.load()
    with app.app_context(), transaction() as connection:
        ResetRepository(connection).create(person["email"], now=now())
        reset_id = connection.execute(select(PasswordReset.id)).scalar_one()
    token = RESET_LINK.token(SECRETS["SECRET_KEY"], reset_id)
    run_node("reset-page.mjs", BASE_URL=gunicorn_server.url, CHROMIUM=shutil.which("chromium") or "", TOKEN=token)
