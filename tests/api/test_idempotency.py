"""`Idempotency-Key`: a repeated request acts once and gets the same reply."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select, update

from interviews_api.accounts.models import Company, IdempotentReply, Role, User
from interviews_api.accounts.reply_repository import REPLY_LIFETIME, ReplyRepository
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.events.models import Event
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.models import Interview
from tests.support.api import Caller, invitation
from tests.support.database_rows import hold_write_lock
from tests.support.factories import World
from tests.support.fixtures import MakeLimited
from tests.support.people import People
from tests.support.tokens import Headers


def count(database: Database, *models: Any) -> list[int]:
    with database.reads.connection() as connection:
        return [connection.execute(select(func.count()).select_from(model)).scalar_one() for model in models]


def test_repeated_request_gets_the_same_reply(people: People, database: Database) -> None:
    us, candidate = people.us, people.candidate
    job = us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
    for caller, path, body in (
        (us, "/jobs", {"title": "Baker"}),
        (us, "/interviews/schedule", invitation(people.us_application_id)),
        (candidate, f"/jobs/{job['id']}/applications", None),
    ):
        first = caller.call("POST", path, body, Idempotency_Key="k")
        before = count(database, Job, Application, Interview, Event)
        again = caller.call("POST", path, body, Idempotency_Key="k")
        assert (again.status_code, again.data, again.mimetype) == (201, first.data, "application/json")
        assert again.headers["Idempotent-Replayed"] == "true"
        assert count(database, Job, Application, Interview, Event) == before
    assert count(database, Job, Application, Interview, Event) == [3, 3, 1, 1]


def test_key_with_another_body_is_refused(people: People) -> None:
    us = people.us
    us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
    reused = (422, "This Idempotency-Key was used with another body")
    assert us.refused("POST", "/jobs", {"title": "Cook"}, Idempotency_Key="k") == reused
    assert us.refused("POST", "/jobs", {"title": ""}, Idempotency_Key="k") == reused


def test_key_belongs_to_one_user_and_one_route(people: People, world: World, headers: Callable[..., Headers]) -> None:
    us, them = people.us, people.them
    ours = us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
    theirs = them.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
    assert ours["company"] != theirs["company"]
    colleague = world.company_user({"id": people.us_company_id})
    world.load()
    second = Caller(us.client, headers(colleague["id"], Role.COMPANY))
    assert second.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")["id"] != ours["id"]
    us.ok("POST", "/interviews/schedule", invitation(people.us_application_id), Idempotency_Key="k")


def test_invalid_input_stores_no_reply(people: People, database: Database) -> None:
    us = people.us
    foreign = invitation(people.them_application_id)
    for path, body, status in (
        ("/jobs", {"title": ""}, 400), ("/jobs", {"x": 1}, 400), ("/interviews/schedule", foreign, 403),
        ("/interviews/schedule", invitation("f" * 24), 404), ("/interviews/schedule", {}, 400),
    ):  # fmt: skip
        assert us.refused("POST", path, body, Idempotency_Key="k")[0] == status
    assert count(database, IdempotentReply, Job, Interview) == [0, 2, 0]
    us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")


def test_conflict_is_replayed(people: People, database: Database) -> None:
    us = people.us
    first = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    body = invitation(people.us_application_id)
    clash = us.call("POST", "/interviews/schedule", body, Idempotency_Key="k")
    us.ok("PUT", f"/interviews/{first['interviewId']}/cancel", {"cancellationReason": "x"})
    again = us.call("POST", "/interviews/schedule", body, Idempotency_Key="k")
    assert (clash.status_code, again.status_code, again.data) == (409, 409, clash.data)
    assert count(database, Interview) == [1]


def test_conflicts_that_are_kept_are_limited(people: People, database: Database, make_limited: MakeLimited) -> None:
    """A conflict undoes what its request counted, and is itself a row. Over the limit it is answered alike."""
    limited = make_limited(LIMITS="conflicts=3/3600")
    us, candidate = (Caller(limited, caller.headers) for caller in (people.us, people.candidate))
    us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    job = us.ok("POST", "/jobs", {"title": "Baker"})
    apply = f"/jobs/{job['id']}/applications"
    candidate.ok("POST", apply)
    for caller, path, body in (
        (us, "/interviews/schedule", invitation(people.us_application_id)),
        (candidate, apply, None),
    ):
        before = count(database, IdempotentReply)[0]
        answers = [caller.call("POST", path, body, Idempotency_Key=f"k{number}") for number in range(6)]
        assert {(answer.status_code, answer.data) for answer in answers} == {(409, answers[0].data)}
        assert count(database, IdempotentReply)[0] == before + 3
        again = caller.call("POST", path, body, Idempotency_Key="k5")
        assert (again.status_code, "Idempotent-Replayed" in again.headers) == (409, False)
        assert caller.call("POST", path, body, Idempotency_Key="k0").headers["Idempotent-Replayed"] == "true"
        assert caller.call("POST", path, body).status_code == 409  # writes nothing


def test_reply_is_forgotten_after_a_day(people: People, database: Database) -> None:
    us = people.us
    first = us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
    with database.engine.begin() as connection:
        expiry = connection.execute(select(IdempotentReply.expires_at)).scalar_one()
        assert timedelta(0) <= now() + REPLY_LIFETIME - expiry < timedelta(seconds=5)
        connection.execute(update(IdempotentReply).values(expires_at=now()))
    second = us.ok("POST", "/jobs", {"title": "Cook"}, Idempotency_Key="k")
    assert second["id"] != first["id"]
    assert us.ok("POST", "/jobs", {"title": "Cook"}, Idempotency_Key="k") == second


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é", "\t"])
def test_invalid_key_is_refused(key: str, people: People) -> None:
    status, message = people.us.refused("POST", "/jobs", {"title": "Baker"}, Idempotency_Key=key)
    assert (status, message) == (400, "Idempotency-Key: Must be 1 to 255 printable ASCII characters.")


def test_refusals_keep_their_order_under_a_key(people: People, world: World, client: Any) -> None:
    us, candidate = people.us, people.candidate
    assert Caller(client, {}).refused("POST", "/jobs", {"x": 1}, Idempotency_Key="")[0] == 401
    assert candidate.refused("POST", "/jobs", {"x": 1}, Idempotency_Key="")[0] == 403
    for key in ("k", ""):
        for wrong in ("nope", "%00", "a%00b", "%ff", "F" * 24):
            path = f"/jobs/{wrong}/applications"
            assert candidate.refused("POST", path, {"x": 1}, Idempotency_Key=key)[0] == 404, wrong
            assert candidate.refused("POST", path, Idempotency_Key=key or "k")[0] == 404, wrong
    gone = Caller(client, us.headers)
    us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="mine")
    us.ok("POST", "/auth/logout")
    assert gone.refused("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="mine")[0] == 401  # no replay either
    large = json.dumps({"title": "x" * 70_000})
    headers = people.them.headers | {"Idempotency-Key": "k"}
    assert client.post("/jobs", data=large, headers=headers, content_type="application/json").status_code == 413


@pytest.mark.parametrize("key", ["a b", "", "k"])
def test_schedule_refuses_by_application_before_a_bad_key(key: str, people: People) -> None:
    us, foreign, absent = people.us, people.them_application_id, "f" * 24
    for application, expected in (
        (absent, (404, "Application not found")),
        (foreign, (403, "This application does not belong to you")),
    ):
        body = invitation(application)
        assert us.refused("POST", "/interviews/schedule", body, Idempotency_Key=key) == expected
    own = us.call("POST", "/interviews/schedule", invitation(people.us_application_id), Idempotency_Key=key)
    assert own.status_code == (201 if key == "k" else 400)


def test_second_request_is_refused_while_the_first_runs(people: People, database: Database) -> None:
    """Postgres refuses at once, as it sees the lock; SQLite when the first writer has finished."""
    post = partial(people.us.call, "POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            replies = ReplyRepository(connection, people.us_user_id, "POST /jobs", "k")
            assert replies.find(now(), now()) is None
            second = pool.submit(post)
            if database.engine.dialect.name == "postgresql":
                assert second.result(30).status_code == 409
            time.sleep(0.3)
            body_hash = sha256(b'{"title": "Baker"}').hexdigest()
            replies.save(body_hash, status=201, reply='{"statusCode": 201}', error_code=None, now=now())
        assert second.result(30).status_code == 409
        assert second.result().json["message"] == "A request with this Idempotency-Key is still running"
    assert post().json == {"statusCode": 201}


def test_reply_is_replayed_after_the_clock_is_put_back(people: People) -> None:
    us, ahead = people.us, now() + timedelta(minutes=5)
    with time_machine.travel(ahead):
        us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
    for seconds in (0.05, 1, 60, 290):
        with time_machine.travel(ahead - timedelta(seconds=seconds)):
            again = us.call("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
            assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true"), seconds
            assert us.refused("POST", "/jobs", {"title": "Cook"}, Idempotency_Key="k")[0] == 422


def test_rolled_back_request_leaves_its_key_free(people: People, database: Database) -> None:
    """A request that waits too long on SQLite gets 503; Postgres answers 409 at once."""
    us = people.us
    with hold_write_lock(database) as connection:
        assert ReplyRepository(connection, people.us_user_id, "POST /jobs", "k").find(now(), now()) is None
        is_sqlite = database.engine.dialect.name == "sqlite"
        status, _ = us.refused("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
        assert status == (503 if is_sqlite else 409)
    us.ok("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")


def test_user_removed_during_a_request_is_unauthorized(people: People, database: Database) -> None:
    us = people.us
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            connection.execute(select(Company.id).with_for_update())  # the new job's foreign key waits for this
            post = pool.submit(us.refused, "POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k")
            time.sleep(0.5)
            connection.execute(delete(User).where(User.id == people.us_user_id))
            assert not post.done()
        assert post.result() == (401, "Unauthorized")
    assert count(database, Job, IdempotentReply) == [2, 0]
