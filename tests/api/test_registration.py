"""Signing up, colleagues, and what an address may do once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from interviews_api.accounts.models import Candidate, Company, CompanyUser, User
from interviews_api.db.connections import Database
from tests.support.api import Caller
from tests.support.factories import PASSWORD
from tests.support.live import LiveServer

ADA = {"email": " Ada@Example.com ", "password": PASSWORD, "firstName": "Ada", "lastName": "Okafor"}
LUMEN = {
    "email": "hr@lumen.example", "password": PASSWORD,
    "company": {"name": "Lumen Works", "logo": "https://lumen.example/logo.png", "address": "18 Rue de la Paix",
                "phone": "+33 1", "email": "hello@lumen.example", "timeZone": "Europe/Paris"},
}  # fmt: skip


@pytest.fixture
def anyone(client: FlaskClient) -> Caller:
    return Caller(client, {})


def bearer(client: FlaskClient, data: dict[str, Any]) -> Caller:
    return Caller(client, {"Authorization": f"Bearer {data['accessToken']}"})


def rows(database: Database) -> list[int]:
    with database.reader.connect() as connection:
        models = (User, Candidate, CompanyUser, Company)
        return [connection.execute(select(func.count()).select_from(model)).scalar_one() for model in models]


def test_a_candidate_registers_and_is_signed_in(anyone: Caller) -> None:
    response = anyone.call("POST", "/auth/register/candidate", ADA | {"phone": "+33 6"})
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert response.get_json()["message"] == "Candidate registered successfully"
    data = response.get_json()["data"]
    user = {
        "id": data["user"]["id"], "email": "Ada@Example.com", "role": "candidate", "firstName": "Ada",
        "lastName": "Okafor", "phone": "+33 6",
    }  # fmt: skip
    assert data == {
        "accessToken": data["accessToken"], "refreshToken": data["refreshToken"], "tokenType": "Bearer",
        "expiresIn": 900, "user": user,
    }  # fmt: skip
    me = bearer(anyone.client, data)
    assert me.ok("GET", "/auth/me") == {"user": user}
    assert me.ok("GET", "/candidate/interviews")["total"] == 0
    assert anyone.ok("POST", "/auth/login", {"email": "ADA@example.com", "password": PASSWORD})["user"] == user


def test_a_company_registers_and_is_signed_in(anyone: Caller, database: Database) -> None:
    response = anyone.call("POST", "/auth/register/company", LUMEN)
    assert (response.status_code, response.get_json()["message"]) == (201, "Company registered successfully")
    data = response.get_json()["data"]
    company_id = data["user"]["company"]["id"]
    assert data["user"] == {
        "id": data["user"]["id"], "email": "hr@lumen.example", "role": "company",
        "company": {"id": company_id, "name": "Lumen Works"},
    }  # fmt: skip
    assert bearer(anyone.client, data).ok("GET", "/interviews/by-status") == {"interviews": [], "total": 0}
    with database.reader.connect() as connection:
        stored = connection.execute(select(Company)).mappings().one()
    assert dict(stored) == {
        "id": company_id, "name": "Lumen Works", "logo": "https://lumen.example/logo.png",
        "address": "18 Rue de la Paix", "phone": "+33 1", "email": "hello@lumen.example", "time_zone": "Europe/Paris",
    }  # fmt: skip


@pytest.mark.parametrize("route", ["candidate", "company"])
def test_an_address_is_registered_once_whatever_the_role(route: str, anyone: Caller, database: Database) -> None:
    anyone.ok("POST", "/auth/register/candidate", ADA)
    before = rows(database)
    again = {"candidate": ADA, "company": LUMEN}[route] | {"email": "aDA@example.COM"}
    assert anyone.refused("POST", f"/auth/register/{route}", again) == (409, "Email is already registered")
    assert rows(database) == before


def test_of_simultaneous_registrations_one_wins(live: LiveServer, database: Database) -> None:
    def register(number: int) -> int:
        route, body = (("candidate", ADA), ("company", LUMEN | {"email": "ada@example.com"}))[number % 2]
        return live.request("POST", f"/auth/register/{route}", {}, body)[0]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(register, range(16))) == [201] + [409] * 15
    users, candidates, company_users, companies = rows(database)
    assert (users, candidates + company_users, companies) == (1, 1, company_users)


@pytest.mark.parametrize(
    ("route", "change", "named"),
    [
        ("candidate", {"password": "x" * 9}, "password"),
        ("candidate", {"password": "x" * 129}, "password"),
        ("candidate", {"password": None}, "password"),
        ("candidate", {"email": "nobody"}, "email"),
        ("candidate", {"email": "üser@example.com"}, "email"),
        ("candidate", {"email": "=?utf-8?q?x?=@example.com"}, "email"),
        ("company", {"email": '"=?utf-8?b?DQo=?="@example.com'}, "email"),
        ("candidate", {"email": "a" * 250 + "@b.co"}, "email"),
        ("candidate", {"firstName": " "}, "firstName"),
        ("candidate", {"lastName": ""}, "lastName"),
        ("candidate", {"phone": 5}, "phone"),
        ("candidate", {"role": "company"}, "role"),
        ("company", {"company": None}, "company"),
        ("company", {"company": {}}, "company.name"),
        ("company", {"company": {"name": "\t"}}, "company.name"),
        ("company", {"company": {"name": "A", "logo": "javascript:alert(1)"}}, "company.logo"),
        ("company", {"company": {"name": "A", "timeZone": "Paris"}}, "company.timeZone"),
        ("company", {"company": {"name": "A", "email": "x"}}, "company.email"),
        ("company", {"company": {"name": "A", "email": "é@example.com"}}, "company.email"),
        ("company", {"company": {"name": "A", "id": "a" * 24}}, "company.id"),
        ("company", {"company": [1]}, "company"),
    ],
)
def test_a_bad_registration_is_refused_by_name(
    route: str, change: dict[str, Any], named: str, anyone: Caller, database: Database
) -> None:
    body = {"candidate": ADA, "company": LUMEN}[route] | change
    response = anyone.call("POST", f"/auth/register/{route}", body)
    assert response.status_code == 400
    assert list(response.get_json()["details"]) == [named]
    assert rows(database) == [0, 0, 0, 0]


def test_a_password_of_ten_or_128_characters_will_do(anyone: Caller) -> None:
    for number, password in enumerate(("éééééééééé", "x" * 128)):
        email = f"{number}@example.com"
        anyone.ok("POST", "/auth/register/candidate", ADA | {"email": email, "password": password})
        anyone.ok("POST", "/auth/login", {"email": email, "password": password})


def test_colleagues_act_for_the_same_company(anyone: Caller) -> None:
    first = anyone.ok("POST", "/auth/register/company", LUMEN)
    other = bearer(anyone.client, anyone.ok("POST", "/auth/register/company", LUMEN | {"email": "x@y.example"}))
    us = bearer(anyone.client, first)
    account = {"email": "Second@lumen.example", "password": PASSWORD}
    response = us.call("POST", "/auth/company/users", account)
    assert (response.status_code, response.get_json()["message"]) == (201, "Company user created successfully")
    user = response.get_json()["data"]["user"]
    assert user == {
        "id": user["id"], "email": "Second@lumen.example", "role": "company", "company": first["user"]["company"]
    }  # fmt: skip
    assert us.ok("GET", "/auth/company/users") == {"users": [first["user"], user], "total": 2}
    assert us.ok("GET", "/auth/company/users?skip=1&limit=1") == {"users": [user], "total": 2}
    assert other.ok("GET", "/auth/company/users")["total"] == 1
    assert us.refused("POST", "/auth/company/users", account) == (409, "Email is already registered")
    assert us.refused("POST", "/auth/company/users", account | {"password": "short"})[0] == 400
    second = bearer(anyone.client, anyone.ok("POST", "/auth/login", account))
    job = second.ok("POST", "/jobs", {"title": "Baker"})
    assert job["company"]["id"] == first["user"]["company"]["id"]

    path = f"/auth/company/users/{user['id']}"
    assert other.refused("DELETE", path, {"x": 1}) == (403, "This user does not belong to you")
    assert us.refused("DELETE", path, {"x": 1}) == (400, "x: Unknown field.")
    assert second.refused("DELETE", path) == (400, "You cannot remove yourself")
    assert us.call("DELETE", path).get_json() == {"message": "Company user deleted successfully", "data": {}}
    for closed in ("/auth/me", "/auth/company/users"):
        assert second.refused("GET", closed) == (401, "Unauthorized")
    assert second.refused("POST", "/jobs", {"title": "x"}) == (401, "Unauthorized")
    assert us.refused("DELETE", path) == (404, "User not found")
    assert anyone.refused("POST", "/auth/login", account)[0] == 401


def test_a_candidate_is_nobodys_colleague(anyone: Caller) -> None:
    us = bearer(anyone.client, anyone.ok("POST", "/auth/register/company", LUMEN))
    candidate = anyone.ok("POST", "/auth/register/candidate", ADA)
    for user_id in (candidate["user"]["id"], "nope", "f" * 24):
        assert us.refused("DELETE", f"/auth/company/users/{user_id}", {"x": 1}) == (404, "User not found")
    for method in ("GET", "POST"):
        them = bearer(anyone.client, candidate)
        assert them.refused(method, "/auth/company/users?limit=x") == (403, "Company credentials required")


def test_two_colleagues_cannot_remove_each_other(anyone: Caller, live: LiveServer, database: Database) -> None:
    remover = anyone.ok("POST", "/auth/register/company", LUMEN)
    for number in range(5):
        account = {"email": f"{number}@lumen.example", "password": PASSWORD}
        bearer(anyone.client, remover).ok("POST", "/auth/company/users", account)
        pair = [remover, anyone.ok("POST", "/auth/login", account)]

        def remove(index: int, pair: list[dict[str, Any]] = pair) -> int:
            token = {"Authorization": f"Bearer {pair[index]['accessToken']}"}
            return live.request("DELETE", f"/auth/company/users/{pair[1 - index]['user']['id']}", token)[0]

        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(remove, (0, 1)))
        assert sorted(statuses) == [200, 401]
        remover = pair[statuses.index(200)]
    assert rows(database) == [1, 0, 1, 1]
