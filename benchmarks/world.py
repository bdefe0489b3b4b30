"""Data of the benchmarks, and the files of requests that wrk rotates through."""

import random
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from alembic import command
from sqlalchemy import insert, literal, select

from interviews_api import create_app
from interviews_api.accounts.models import Role, Session, Viewer
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.clock import now
from interviews_api.db.connections import Database, read_connection, transaction
from interviews_api.events.log import invalidate_all_caches
from interviews_api.events.models import Event, EventActor, EventType
from interviews_api.ids import new_id
from interviews_api.interviews.models import Interview, InterviewStatus
from interviews_api.seed.bulk import BulkWorld, write_bulk
from interviews_api.services import service
from tests.support.databases import alembic_config
from tests.support.settings import SECRETS

SETTINGS = SECRETS | {"RATELIMIT_ENABLED": "false", "ACCESS_TOKEN_MINUTES": "1440"}
NOTHING = {"CACHE_BYTES": "0", "VERIFIED_TOKENS": "0"}
"""Settings that turn all caches off."""
POSTGRES = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB",
    "checkpoint_timeout": "30min", "max_wal_size": "8GB", "autovacuum": "off",
}  # fmt: skip
_VIEWS = ("", "?skip=10", "?limit=5", "/pending", "/upcoming", "/history")
_RESET = """
UPDATE interviews SET status = 'en_attente', confirmed_at = NULL WHERE id = ANY(%s) AND status = 'confirmed'
"""
_DELETE_EVENTS = "DELETE FROM events WHERE type = 'interview.confirmed'"
_INVALIDATE_CACHES = "UPDATE imports SET version = substr(md5(version), 1, 24)"


class World:
    """Migrated database of signed-in candidates with `each` interviews each, and the requests to it."""

    def __init__(self, url: str, candidates: int, each: int, folder: Path) -> None:
        self.url, self._folder = url, folder
        command.upgrade(alembic_config(url), "head")
        app = create_app(SETTINGS | {"DATABASE_URL": url})
        dice = random.Random(0)
        with app.app_context():
            fill(BulkWorld(candidates, candidates * each))
            with read_connection() as connection:
                columns = select(Interview.id, Interview.candidate_id, Interview.status)
                rows = connection.execute(columns.order_by(Interview.id)).all()
            self.tokens = sign_in(sorted({row.candidate_id for row in rows}))
        service(Database, app).dispose()
        dice.shuffle(rows)
        self.pending = [row for row in rows if row.status == InterviewStatus.PENDING]
        one_each = {row.candidate_id: row for row in rows}
        self.lists = [("GET", "/candidate/interviews", self.tokens[row.candidate_id]) for row in one_each.values()]
        self.details = [_details(row.id, self.tokens[row.candidate_id]) for row in one_each.values()]
        self.everything = [
            ("GET", f"/candidate/interviews{view}", token) for _, _, token in self.lists for view in _VIEWS
        ]
        self.confirms = [
            ("PUT", f"/candidate/interviews/{row.id}/confirm", self.tokens[row.candidate_id]) for row in self.pending
        ]

    def file(self, name: str, requests: Iterable[tuple[str, ...]]) -> Path:
        """Write requests to a file for wrk.lua; return its path."""
        path = self._folder / f"{name}.tsv"
        path.write_text("".join("\t".join(request) + "\n" for request in requests))
        return path

    def reset(self) -> None:
        """Undo all confirms; see `reset_confirmed`."""
        reset_confirmed(self.url, [row.id for row in self.pending])


def fill(world: BulkWorld) -> None:
    """Write the world, an event of each interview and an import version, as a used installation has them."""
    for _ in write_bulk(world):
        pass
    source = Interview.__table__.c
    values = [literal(EventType.SCHEDULED.value), source.created_at, literal(EventActor.COMPANY.value)]
    copied = ["revision", "candidate_id", "company_id"]
    rows = select(source.id, *values, *[source[name] for name in copied]).where(source.id.contains(world.run))
    with transaction(no_timeouts=True) as connection:
        connection.execute(insert(Event).from_select(["interview_id", "type", "at", "actor", *copied], rows))
        invalidate_all_caches(connection)


def reset_confirmed(url: str, interview_ids: list[str]) -> None:
    """Undo the confirms of these interviews and their events; vacuum the tables."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(_RESET, [interview_ids])
        connection.execute(_DELETE_EVENTS)
        connection.execute(_INVALIDATE_CACHES)
        for statement in ("VACUUM ANALYZE interviews", "VACUUM ANALYZE applications", "VACUUM events", "CHECKPOINT"):
            connection.execute(statement)


def _details(interview_id: str, token: str) -> tuple[str, str, str]:
    return "GET", f"/candidate/interviews/{interview_id}", token


def sign_in(candidate_ids: list[str]) -> dict[str, str]:
    """Write a session for each candidate; return access tokens by candidate id."""
    viewers = [Viewer(id_, Role.CANDIDATE, new_id(), is_verified=True) for id_ in candidate_ids]
    expires_at = datetime.now(UTC) + timedelta(days=1)
    rows = [
        {"id": viewer.session_id, "user_id": viewer.user_id, "refresh_id": new_id(), "created_at": now(),
         "expires_at": expires_at} for viewer in viewers
    ]  # fmt: skip
    with transaction(no_timeouts=True) as connection:
        connection.execute(insert(Session), rows)
    return {viewer.user_id: issue_access_token(viewer) for viewer in viewers}
