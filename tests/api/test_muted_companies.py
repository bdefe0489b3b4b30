"""A candidate's list of muted companies: mute, unmute, list, and the bound on their number."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import time_machine
from flask import Flask
from sqlalchemy import func, insert, select

from interviews_api.clock import now
from interviews_api.config.limits import MUTED_COMPANIES
from interviews_api.db.connections import Database
from interviews_api.notifications.models import MutedCompany
from tests.support.api import Caller
from tests.support.factories import World
from tests.support.people import People
from tests.support.tokens import Headers

MUTED = "/candidate/muted-companies"
TOO_MANY = (409, "A candidate may mute at most 1000 companies")


def count(database: Database) -> int:
    with database.reads.connection() as connection:
        return int(connection.execute(select(func.count()).select_from(MutedCompany)).scalar_one())


def test_candidate_mutes_and_unmutes_a_company(people: People, database: Database) -> None:
    candidate, path = people.candidate, f"{MUTED}/{people.us_company_id}"
    response = candidate.call("PUT", path)
    company = response.get_json()["data"]
    assert (response.status_code, response.get_json()["message"]) == (200, "Company muted successfully")
    assert company == {"id": people.us_company_id, "name": "us", "mutedAt": company["mutedAt"]}
    assert candidate.ok("PUT", path, {}) == company, "the first time stands"
    assert count(database) == 1
    response = candidate.call("DELETE", path)
    assert response.get_json() == {"message": "Company unmuted successfully", "data": {}}
    assert candidate.ok("DELETE", path) == {}
    assert count(database) == 0


def test_list_is_paged_and_has_the_last_muted_first(people: People) -> None:
    candidate = people.candidate
    empty = {"message": "Muted companies retrieved successfully", "data": {"companies": [], "total": 0}}
    assert candidate.call("GET", MUTED).get_json() == empty
    muted = []
    for seconds, id_ in enumerate((people.us_company_id, people.them_company_id)):
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=False):
            muted.append(candidate.ok("PUT", f"{MUTED}/{id_}"))
    response = candidate.call("GET", MUTED)
    assert response.get_json()["data"] == {"companies": muted[::-1], "total": 2}
    caching = (response.headers["Cache-Control"], response.headers["Vary"])
    assert caching == ("private, no-cache", "Authorization, Origin")
    assert candidate.call("GET", MUTED, If_None_Match=response.headers["ETag"]).status_code == 304
    assert candidate.ok("GET", f"{MUTED}?limit=1&skip=1") == {"companies": muted[:1], "total": 2}
    assert candidate.ok("GET", f"{MUTED}?skip=2") == {"companies": [], "total": 2}
    assert candidate.refused("GET", f"{MUTED}?limit=101")[0] == 400


def test_each_candidate_mutes_for_itself(people: People, world: World, headers: Callable[..., Headers]) -> None:
    other = world.candidate()
    world.load()
    stranger = Caller(people.candidate.client, headers(other["id"]))
    people.candidate.ok("PUT", f"{MUTED}/{people.us_company_id}")
    assert stranger.ok("GET", MUTED)["total"] == 0
    stranger.ok("DELETE", f"{MUTED}/{people.us_company_id}")
    assert people.candidate.ok("GET", MUTED)["total"] == 1


def test_unknown_company_and_unexpected_body_are_refused(people: People, database: Database) -> None:
    for method in ("PUT", "DELETE"):
        for id_ in ("f" * 24, people.candidate_id, "nope", "%00"):
            for body in (None, {"reason": "x"}):
                assert people.candidate.refused(method, f"{MUTED}/{id_}", body) == (404, "Company not found")
        path = f"{MUTED}/{people.us_company_id}"
        assert people.candidate.refused(method, path, {"reason": "x"}) == (400, "reason: Unknown field.")
    assert count(database) == 0


def mute_many(people: People, world: World, database: Database, number: int) -> None:
    """Store so many companies that the candidate has muted."""
    companies = [world.company() for _ in range(number)]
    world.load()
    with database.engine.begin() as connection:
        connection.execute(
            insert(MutedCompany),
            [
                {"candidate_id": people.candidate_id, "company_id": company["id"], "created_at": now() + timedelta(n)}
                for n, company in enumerate(companies)
            ],
        )


def test_muted_companies_are_bounded_also_for_simultaneous_requests(
    app: Flask, people: People, world: World, database: Database
) -> None:
    mute_many(people, world, database, MUTED_COMPANIES.allowed - 1)
    barrier = Barrier(2)

    def mute(company_id: str) -> tuple[int, str]:
        caller = Caller(app.test_client(), people.candidate.headers)
        barrier.wait()
        response = caller.call("PUT", f"{MUTED}/{company_id}")
        return response.status_code, response.get_json()["message"]

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(mute, (people.us_company_id, people.them_company_id)))
    assert answers == [(200, "Company muted successfully"), TOO_MANY]
    assert count(database) == MUTED_COMPANIES.allowed
    muted = people.candidate.ok("GET", f"{MUTED}?limit=100")["companies"]
    assert len(muted) == 100
    people.candidate.ok("PUT", f"{MUTED}/{muted[0]['id']}")  # one that is muted already
    people.candidate.ok("DELETE", f"{MUTED}/{muted[0]['id']}")
    for company_id in (people.us_company_id, people.them_company_id):
        people.candidate.ok("PUT", f"{MUTED}/{company_id}")
    assert count(database) == MUTED_COMPANIES.allowed


def test_rows_of_a_deleted_company_or_candidate_go(people: People, database: Database, world: World) -> None:
    company, candidate = world.company(), world.candidate()
    world.load()
    with database.engine.begin() as connection:
        for candidate_id, company_id in ((people.candidate_id, company["id"]), (candidate["id"], company["id"])):
            values = {"candidate_id": candidate_id, "company_id": company_id, "created_at": now()}
            connection.execute(insert(MutedCompany).values(values))
        connection.exec_driver_sql(f"DELETE FROM candidates WHERE id = '{candidate['id']}'")  # no input
    assert count(database) == 1
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM companies WHERE id = '{company['id']}'")  # no input
    assert count(database) == 0


def test_simultaneous_mutes_and_unmutes_are_answered(app: Flask, people: People) -> None:
    def call(method: str) -> int:
        caller = Caller(app.test_client(), people.candidate.headers)
        return caller.call(method, f"{MUTED}/{people.us_company_id}").status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(call, ["PUT", "DELETE"] * 60)) == {200}
