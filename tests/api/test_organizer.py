"""The organizer of calendar entries: a company's address while it is known to be the company's, else the sender's."""

from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from interviews_api.accounts.models import Company, User
from interviews_api.accounts.repository import UserRepository
from interviews_api.clock import now
from interviews_api.db.connections import Database, transaction
from tests.support.api import PASSWORD, Caller, invitation
from tests.support.factories import World
from tests.support.icalendar import properties
from tests.support.people import People
from tests.support.tokens import Headers

SENDER = ["mailto:no-reply@localhost"]


def test_organizer_is_an_address_that_came_by_a_seed_file(people: People, world: World, calendar_feed: str) -> None:
    people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))

    def organizer() -> list[str]:
        return properties(people.us.client.get(calendar_feed).data)["ORGANIZER"]

    assert organizer() == SENDER
    world.content["companies"][0]["email"] = "hr@bücher.example"
    world.load()
    assert organizer() == ["mailto:hr@xn--bcher-kva.example"]


def test_typed_address_is_organizer_while_its_user_is_verified(
    cached_workers: list[Flask], world: World, headers: Callable[..., Headers], database: Database
) -> None:
    """Each change shows at once, also in cached feeds."""
    candidate = world.candidate()
    world.load()
    company = {"name": "us", "email": "HR@us.example"}
    callers = [Caller(worker.test_client(), {}) for worker in cached_workers]
    body = {"email": "boss@us.example", "password": PASSWORD, "company": company}
    token = callers[0].ok("POST", "/auth/register/company", body)["accessToken"]
    us = Caller(callers[0].client, {"Authorization": f"Bearer {token}"})
    job_id = us.ok("POST", "/jobs", {"title": "Tester"})["id"]
    me = Caller(callers[0].client, headers(candidate["id"]))
    application_id = me.ok("POST", f"/jobs/{job_id}/applications")["applicationId"]
    us.ok("POST", "/interviews/schedule", invitation(application_id))
    feed = me.ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")

    def check(organizer: list[str]) -> None:
        for caller in callers:
            assert properties(caller.call("GET", feed).data)["ORGANIZER"] == organizer

    check(SENDER)
    us.ok("POST", "/auth/company/users", {"email": "hr@US.example", "password": PASSWORD})
    check(SENDER)
    with database.reads.connection() as connection:
        user_id = connection.execute(select(User.id).where(User.email_key == "hr@us.example")).scalar_one()
    with cached_workers[1].app_context(), transaction() as connection:
        UserRepository(connection).verify_email(user_id, now=now())
    check(["mailto:HR@us.example"])
    us.ok("DELETE", f"/auth/company/users/{user_id}")
    check(SENDER)


def test_company_that_is_registered_again_shows_at_once(
    cached_workers: list[Flask], verifying_app: Flask, world: World, headers: Callable[..., Headers], database: Database
) -> None:
    """The company has invited a candidate while addresses had not to be verified."""
    candidate = world.candidate()
    world.load()
    callers = [Caller(worker.test_client(), headers(candidate["id"])) for worker in cached_workers]
    body = {"email": "boss@us.example", "password": PASSWORD, "company": {"name": "us"}}
    token = callers[0].ok("POST", "/auth/register/company", body)["accessToken"]
    us = Caller(callers[0].client, {"Authorization": f"Bearer {token}"})
    job_id = us.ok("POST", "/jobs", {"title": "Tester"})["id"]
    application_id = callers[0].ok("POST", f"/jobs/{job_id}/applications")["applicationId"]
    us.ok("POST", "/interviews/schedule", invitation(application_id))
    feed = callers[0].ok("POST", "/candidate/calendar-feed")["url"].removeprefix("http://127.0.0.1:8000")

    def names() -> set[str]:
        lists = [caller.ok("GET", "/candidate/interviews")["interviews"] for caller in callers]
        entries = [properties(caller.call("GET", feed).data)["SUMMARY"] for caller in callers]
        return {row["company"]["name"] for rows in lists for row in rows} | {title[-2:] for (title,) in entries}

    assert names() == {"us"}
    again = body | {"company": {"name": "we"}}
    Caller(verifying_app.test_client(), {}).ok("POST", "/auth/register/company", again)
    assert names() == {"we"}
    with database.reads.connection() as connection:
        assert connection.execute(select(Company.updated_at)).scalar_one() is not None
