"""Registration and company users."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from interviews_api.accounts.models import Company
from interviews_api.db.connections import Database
from tests.support.accounts import ADA, LUMEN, bearer, rows
from tests.support.api import PASSWORD, Caller


def test_candidate_registers_and_is_signed_in(anonymous: Caller) -> None:
    response = anonymous.call("POST", "/auth/register/candidate", ADA | {"phone": "+33 6"})
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert response.get_json()["message"] == "Candidate registered successfully"
    data = response.get_json()["data"]
    user = {
        "id": data["user"]["id"], "email": "Ada@Example.com", "role": "candidate", "firstName": "Ada",
        "lastName": "Okafor", "phone": "+33 6", "emailVerified": False,
    }  # fmt: skip
    assert data == {
        "accessToken": data["accessToken"], "refreshToken": data["refreshToken"], "tokenType": "Bearer",
        "expiresIn": 900, "user": user,
    }  # fmt: skip
    me = bearer(anonymous.client, data)
    assert me.ok("GET", "/auth/me") == {"user": user}
    assert me.ok("GET", "/candidate/interviews")["total"] == 0
    assert anonymous.ok("POST", "/auth/login", {"email": "ADA@example.com", "password": PASSWORD})["user"] == user


def test_company_registers_and_is_signed_in(anonymous: Caller, database: Database) -> None:
    response = anonymous.call("POST", "/auth/register/company", LUMEN)
    assert (response.status_code, response.get_json()["message"]) == (201, "Company registered successfully")
    data = response.get_json()["data"]
    company_id = data["user"]["company"]["id"]
    assert data["user"] == {
        "id": data["user"]["id"], "email": "hr@lumen.example", "role": "company",
        "company": {"id": company_id, "name": "Lumen Works"}, "emailVerified": False,
    }  # fmt: skip
    assert bearer(anonymous.client, data).ok("GET", "/interviews/by-status") == {"interviews": [], "total": 0}
    with database.reads.connection() as connection:
        stored = connection.execute(select(Company)).mappings().one()
    assert dict(stored) == {
        "id": company_id, "name": "Lumen Works", "logo": "https://lumen.example/logo.png",
        "address": "18 Rue de la Paix", "phone": "+33 1", "email": "hello@lumen.example", "time_zone": "Europe/Paris",
        "approval": "approved", "vouched_email": None, "updated_at": None,
    }  # fmt: skip


@pytest.mark.parametrize("route", ["candidate", "company"])
def test_address_is_registered_once_across_roles(route: str, anonymous: Caller, database: Database) -> None:
    anonymous.ok("POST", "/auth/register/candidate", ADA)
    before = rows(database)
    again = {"candidate": ADA, "company": LUMEN}[route] | {"email": "aDA@example.COM"}
    assert anonymous.refused("POST", f"/auth/register/{route}", again) == (409, "Email is already registered")
    assert rows(database) == before


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
        ("candidate", {"lastName": " "}, "lastName"),
        ("candidate", {"firstName": "", "lastName": None}, "firstName"),
        ("candidate", {"phone": 5}, "phone"),
        ("candidate", {"role": "company"}, "role"),
        ("company", {"company": None}, "company"),
        ("company", {"company": {}}, "company.name"),
        ("company", {"company": {"name": "\t"}}, "company.name"),
        ("company", {"company": {"name": "A", "logo": "javascript:alert(1)"}}, "company.logo"),
        ("company", {"company": {"name": "A", "timeZone": "Paris"}}, "company.timeZone"),
        ("company", {"company": {"name": "A", "timeZone": "Romance Standard Time"}}, "company.timeZone"),
        ("company", {"company": {"name": "A", "email": "x"}}, "company.email"),
        ("company", {"company": {"name": "A", "email": "é@example.com"}}, "company.email"),
        ("company", {"company": {"name": "A", "id": "a" * 24}}, "company.id"),
        ("company", {"company": [1]}, "company"),
    ],
)
def test_invalid_registration_names_its_field(
    route: str, change: dict[str, Any], named: str, anonymous: Caller, database: Database
) -> None:
    body = {"candidate": ADA, "company": LUMEN}[route] | change
    response = anonymous.call("POST", f"/auth/register/{route}", body)
    assert response.status_code == 400
    assert list(response.get_json()["details"]) == [named]
    assert rows(database) == [0, 0, 0, 0]


def test_password_may_have_ten_to_128_characters(anonymous: Caller) -> None:
    for number, password in enumerate(("éééééééééé", "x" * 128)):
        email = f"{number}@example.com"
        anonymous.ok("POST", "/auth/register/candidate", ADA | {"email": email, "password": password})
        anonymous.ok("POST", "/auth/login", {"email": email, "password": password})


def test_colleagues_act_for_the_same_company(anonymous: Caller) -> None:
    first = anonymous.ok("POST", "/auth/register/company", LUMEN)
    other = bearer(anonymous.client, anonymous.ok("POST", "/auth/register/company", LUMEN | {"email": "x@y.example"}))
    us = bearer(anonymous.client, first)
    account = {"email": "Second@lumen.example", "password": PASSWORD}
    response = us.call("POST", "/auth/company/users", account)
    assert (response.status_code, response.get_json()["message"]) == (201, "Company user created successfully")
    user = response.get_json()["data"]["user"]
    assert user == {
        "id": user["id"], "email": "Second@lumen.example", "role": "company", "company": first["user"]["company"],
        "emailVerified": False,
    }  # fmt: skip
    listed = [first["user"] | {"companyRole": "owner"}, user | {"companyRole": "member"}]
    assert us.ok("GET", "/auth/company/users") == {"users": listed, "total": 2}
    assert us.ok("GET", "/auth/company/users?skip=1&limit=1") == {"users": listed[1:], "total": 2}
    assert other.ok("GET", "/auth/company/users")["total"] == 1
    assert us.refused("POST", "/auth/company/users", account) == (409, "Email is already registered")
    assert us.refused("POST", "/auth/company/users", account | {"password": "short"})[0] == 400
    second = bearer(anonymous.client, anonymous.ok("POST", "/auth/login", account))
    job = second.ok("POST", "/jobs", {"title": "Baker"})
    assert job["company"]["id"] == first["user"]["company"]["id"]

    path = f"/auth/company/users/{user['id']}"
    assert other.refused("DELETE", path, {"x": 1}) == (403, "This user does not belong to you")
    assert us.refused("DELETE", path, {"x": 1}) == (400, "x: Unknown field.")
    assert second.refused("DELETE", path) == (403, "Owner rights required")
    own_path = f"/auth/company/users/{first['user']['id']}"
    assert us.refused("DELETE", own_path) == (400, "You cannot remove yourself")
    assert us.call("DELETE", path).get_json() == {"message": "Company user deleted successfully", "data": {}}
    for closed in ("/auth/me", "/auth/company/users"):
        assert second.refused("GET", closed) == (401, "Unauthorized")
    assert second.refused("POST", "/jobs", {"title": "x"}) == (401, "Unauthorized")
    assert us.refused("DELETE", path) == (404, "User not found")
    assert anonymous.refused("POST", "/auth/login", account)[0] == 401


def test_candidate_is_no_company_user(anonymous: Caller) -> None:
    us = bearer(anonymous.client, anonymous.ok("POST", "/auth/register/company", LUMEN))
    candidate = anonymous.ok("POST", "/auth/register/candidate", ADA)
    for user_id in (candidate["user"]["id"], "nope", "f" * 24):
        assert us.refused("DELETE", f"/auth/company/users/{user_id}", {"x": 1}) == (404, "User not found")
    for method in ("GET", "POST"):
        them = bearer(anonymous.client, candidate)
        assert them.refused(method, "/auth/company/users?limit=x") == (403, "Company credentials required")


@pytest.mark.parametrize(("octets", "status"), [(64, 201), (65, 400)])
def test_local_part_has_at_most_64_octets(octets: int, status: int, client: FlaskClient) -> None:
    body = {"email": "a" * octets + "@example.com", "password": "good" * 3, "firstName": "Ada", "lastName": "O"}
    response = client.post("/auth/register/candidate", json=body)
    assert response.status_code == status
    forgot = client.post("/auth/password/forgot", json={"email": body["email"]})
    assert forgot.status_code == 202, "an address that was registered before the limit gets its mail"
