"""The data that is asked for, and the files of requests that wrk rotates through."""

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
"""Settings with which nothing is remembered between requests."""
POSTGRES = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB",
    "checkpoint_timeout": "30min", "max_wal_size": "8GB", "autovacuum": "off",
}  # fmt: skip
_VIEWS = ("", "?skip=10", "?limit=5", "/pending", "/upcoming", "/history")
_RESET = """
UPDATE interviews SET status = 'en_attente', confirmed_at = NULL WHERE id = ANY(%s) AND status = 'confirmed'
"""
_FORGET = "DELETE FROM events WHERE type = 'interview.confirmed'"
_ANOTHER_IMPORT = "UPDATE imports SET version = substr(md5(version), 1, 24)"  # for who remembers what is no more so


class World:
    """So many candidates with so many interviews each, in a migrated database, all of them signed in."""

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
        """Where wrk.lua reads them."""
        path = self._folder / f"{name}.tsv"
        path.write_text("".join("\t".join(one) + "\n" for one in requests))
        return path

    def reset(self) -> None:
        """See `reset_confirmed`."""
        reset_confirmed(self.url, [row.id for row in self.pending])


def fill(world: BulkWorld) -> None:
    """Write it, and what a living installation has besides: an event of each interview, and an import."""
    for _ in write_bulk(world):
        pass
    source = Interview.__table__.c
    values = [literal(EventType.SCHEDULED.value), source.created_at, literal(EventActor.COMPANY.value)]
    same = ["revision", "candidate_id", "company_id"]
    rows = select(source.id, *values, *[source[name] for name in same]).where(source.id.contains(world.run))
    with transaction(no_timeouts=True) as connection:
        connection.execute(insert(Event).from_select(["interview_id", "type", "at", "actor", *same], rows))
        invalidate_all_caches(connection)


def reset_confirmed(url: str, interview_ids: list[str]) -> None:
    """Nobody has confirmed any of these; the tables are as fresh as before."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(_RESET, [interview_ids])
        connection.execute(_FORGET)
        connection.execute(_ANOTHER_IMPORT)
        for statement in ("VACUUM ANALYZE interviews", "VACUUM ANALYZE applications", "VACUUM events", "CHECKPOINT"):
            connection.execute(statement)


def _details(interview_id: str, token: str) -> tuple[str, str, str]:
    return "GET", f"/candidate/interviews/{interview_id}", token


def sign_in(candidate_ids: list[str]) -> dict[str, str]:
    """A token for each, and the session behind it."""
    viewers = [Viewer(one, Role.CANDIDATE, new_id()) for one in candidate_ids]
    expires_at = datetime.now(UTC) + timedelta(days=1)
    rows = [
        {"id": one.session_id, "user_id": one.user_id, "refresh_id": new_id(), "created_at": now(),
         "expires_at": expires_at} for one in viewers
    ]  # fmt: skip
    with transaction(no_timeouts=True) as connection:
        connection.execute(insert(Session), rows)
    return {one.user_id: issue_access_token(one) for one in viewers}
