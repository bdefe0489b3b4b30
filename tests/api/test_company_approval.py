"""Companies that the operator has not approved, or has suspended."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from interviews_api import create_app
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.services import service
from tests.support.accounts import LUMEN, bearer
from tests.support.api import Caller, in_days, invitation, local
from tests.support.database_rows import everything
from tests.support.people import People
from tests.support.receivers import wait_for, working
from tests.support.settings import SETTINGS

REFUSED = (403, "This company is not approved yet")


@pytest.fixture
def strict_app(app: Flask) -> Iterator[Flask]:
    """Yield an application that requires approval, over the database of `app`."""
    url = service(Settings, app).database_url
    strict_app = create_app(SETTINGS | {"DATABASE_URL": url, "COMPANY_APPROVAL": "required"})
    yield strict_app
    service(Database, strict_app).dispose()


def test_company_publishes_after_its_approval(strict_app: Flask, database: Database) -> None:
    account = Caller(strict_app.test_client(), {}).ok("POST", "/auth/register/company", LUMEN)
    company = bearer(strict_app.test_client(), account)
    company.ok("GET", "/auth/me")
    company.ok("GET", "/auth/company/users")
    before = everything(database)
    for body in ({"title": "Baker"}, {}, {"x": 1}):
        assert company.refused("POST", "/jobs", body) == REFUSED
    assert company.refused("POST", "/jobs", {"title": "Baker"}, Idempotency_Key="k") == REFUSED
    assert everything(database) == before
    company_id, runner = account["user"]["company"]["id"], strict_app.test_cli_runner()
    listed = f"{company_id}  pending    Lumen Works\n1 companies\n"
    assert runner.invoke(args=["companies", "list", "--approval", "pending"]).output == listed
    assert runner.invoke(args=["companies", "approve", company_id]).output == f"Company {company_id} is approved\n"
    company.ok("POST", "/jobs", {"title": "Baker"})
    assert runner.invoke(args=["companies", "list", "--approval", "pending"]).output == "0 companies\n"


def test_approval_is_required_only_by_the_setting(strict_app: Flask, app: Flask) -> None:
    account = Caller(strict_app.test_client(), {}).ok("POST", "/auth/register/company", LUMEN)
    bearer(app.test_client(), account).ok("POST", "/jobs", {"title": "Baker"})
    other = LUMEN | {"email": "other@lumen.example"}
    account = Caller(app.test_client(), {}).ok("POST", "/auth/register/company", other)
    bearer(strict_app.test_client(), account).ok("POST", "/jobs", {"title": "Baker"})


def test_companies_of_seed_files_are_approved(strict_app: Flask, people: People) -> None:
    Caller(strict_app.test_client(), people.us.headers).ok("POST", "/jobs", {"title": "Baker"})


def test_suspended_company_can_only_cancel_and_complete(
    people: People, anonymous: Caller, runner: FlaskCliRunner, database: Database
) -> None:
    us, them = people.us, people.them
    scheduled = [
        us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days))["interviewId"]
        for days in (3, 4, 5)
    ]
    foreign = them.ok("POST", "/interviews/schedule", invitation(people.them_application_id))["interviewId"]
    (notice, *_) = us.ok("GET", f"/interviews/{scheduled[0]}/notices")["notices"]
    jobs = anonymous.ok("GET", "/jobs")["total"]
    assert runner.invoke(args=["companies", "suspend", people.us_company_id]).exit_code == 0

    moved = local(in_days(6))
    resend = f"/interviews/{scheduled[0]}/notices/{notice['id']}/resend"
    before = everything(database)
    for method, path, body in (
        ("POST", "/jobs", {"title": "Baker"}),
        ("POST", "/interviews/schedule", invitation(people.us_application_id, 9)),
        ("POST", "/interviews/schedule", {}),
        ("PUT", f"/interviews/{scheduled[0]}/reschedule", moved),
        ("PUT", f"/interviews/{scheduled[0]}/reschedule", {"date": "x"}),
        ("POST", resend, None),
    ):
        assert us.refused(method, path, body) == REFUSED, path
    mine, ours = "This interview does not belong to you", "This application does not belong to you"
    assert us.refused("PUT", f"/interviews/{foreign}/reschedule", moved) == (403, mine), "before the approval"
    assert us.refused("PUT", f"/interviews/{'f' * 24}/reschedule", moved) == (404, "Interview not found")
    assert us.refused("POST", "/interviews/schedule", invitation(people.them_application_id, 9)) == (403, ours)
    assert everything(database) == before
    listed = anonymous.ok("GET", "/jobs")
    assert listed["total"] == len(listed["jobs"]) == jobs - 1
    assert people.us_company_id not in {job["company"]["id"] for job in listed["jobs"]}
    us.ok("PUT", f"/interviews/{scheduled[0]}/cancel", {"cancellationReason": "x"})
    us.ok("PUT", f"/interviews/{scheduled[1]}/complete", {})
    them.ok("POST", "/jobs", {"title": "Baker"})

    runner.invoke(args=["companies", "approve", people.us_company_id])
    us.ok("PUT", f"/interviews/{scheduled[2]}/reschedule", moved)
    assert anonymous.ok("GET", "/jobs")["total"] == jobs + 1


def test_waiting_mails_of_a_suspended_company_are_suppressed(
    app: Flask, people: People, runner: FlaskCliRunner, database: Database
) -> None:
    interviews = [
        people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days))["interviewId"]
        for days in (3, 4)
    ]
    them = people.them.ok("POST", "/interviews/schedule", invitation(people.them_application_id))["interviewId"]
    people.us.ok("PUT", f"/interviews/{interviews[1]}/cancel", {"cancellationReason": "x"})
    runner.invoke(args=["companies", "suspend", people.us_company_id])
    sent: list[Any] = []
    with working(app, {Channel.EMAIL: lambda _user, context: sent.append(context)}):
        wait_for(lambda: len(statuses(database)) == 4 and "pending" not in statuses(database))
    delivered = {(context["interview_id"], context["event_type"]) for context in sent}
    assert delivered == {(them, "interview.scheduled"), (interviews[1], "interview.cancelled")}


def statuses(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery.status).where(Delivery.channel == Channel.EMAIL)).scalars())


def test_unknown_company_is_named(runner: FlaskCliRunner) -> None:
    for command in ("approve", "suspend"):
        result = runner.invoke(args=["companies", command, "nope"])
        assert (result.exit_code, result.output) == (1, "Error: there is no company nope\n")


def test_reloaded_seed_file_leaves_a_suspension(people: People, runner: FlaskCliRunner, world: Any) -> None:
    runner.invoke(args=["companies", "suspend", people.us_company_id])
    world.load()
    assert people.us.refused("POST", "/jobs", {"title": "Baker"}) == REFUSED


def test_suspended_company_gets_no_applicants_and_mails_nobody(
    app: Flask, people: People, runner: FlaskCliRunner, database: Database
) -> None:
    job = people.us.ok("POST", "/jobs", {"title": "Baker"})["id"]
    people.us.ok("POST", "/auth/company/users", {"email": "new@x.example"})
    runner.invoke(args=["companies", "suspend", people.us_company_id])
    assert people.candidate.refused("POST", f"/jobs/{job}/applications") == (404, "Job not found")
    people.us.ok("POST", "/auth/company/users", {"email": "another@x.example"})
    with working(app, {Channel.EMAIL: lambda _user, _context: None}):
        wait_for(lambda: statuses(database) == ["suppressed"])
    runner.invoke(args=["companies", "approve", people.us_company_id])
    people.candidate.ok("POST", f"/jobs/{job}/applications")
