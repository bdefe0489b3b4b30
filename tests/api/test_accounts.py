"""Login, and the access tokens that are accepted and refused."""

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import jwt_required
from werkzeug.test import TestResponse

from interviews_api import create_app
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.tokens import ALGORITHM, REQUIRED_CLAIMS, issue_access_token, issue_refresh_token
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.services import service
from tests.support.access_rules import FOR_CANDIDATES, PROTECTED
from tests.support.api import PASSWORD
from tests.support.factories import World
from tests.support.golden import golden
from tests.support.settings import SECRETS
from tests.support.timing import assert_equal_times
from tests.support.tokens import KEY, Headers, begin_session, claims


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forgeries(user_id: str, session_id: str) -> dict[str, str]:
    """Return Authorization headers that must be answered with the sample 401."""
    good = claims(user_id, session_id)
    # The last character of 32 bytes in base64url has two bits to spare, 0 in ours: one more is another spelling.
    token = jwt.encode(good, KEY, ALGORITHM)
    header, payload, signature = token.split(".")
    past = int(time.time()) - 60
    deep, huge = encoded(b"[" * 5000), encoded(b'{"alg": ' + b"9" * 5000 + b"}")

    def with_claims(**changes: object) -> str:
        claims = {name: value for name, value in (good | changes).items() if value is not ...}
        return "Bearer " + jwt.encode(claims, KEY, ALGORITHM)

    return {
        "none": "",
        "empty": "Bearer",
        "blank": "Bearer ",
        "no scheme": token,
        "basic": "Basic " + base64.b64encode(b"a:b").decode(),
        "two tokens": f"Bearer {token} {token}",
        "two headers": f"Bearer {token}, Bearer {token}",
        "word": "Bearer nonsense",
        "dots": "Bearer ..",
        "four parts": f"Bearer {token}.x",
        "long": "Bearer " + "a" * 7000,
        "latin-1": "Bearer \xff\xfe\xe9",
        "cut": f"Bearer {token[:-2]}",
        "spare bits": f"Bearer {token[:-1]}{chr(ord(token[-1]) + 1)}",
        "padding": f"Bearer {token}=",
        "padded parts": f"Bearer {'.'.join(part + '=' * (-len(part) % 4) for part in token.split('.'))}",
        "padded": f"Bearer {token}=",
        "other signature": f"Bearer {header}.{payload}.{encoded(b'x' * 32)}",
        "no signature": f"Bearer {header}.{payload}.",
        "changed payload": f"Bearer {header}.{encoded(good | {'sub': 'f' * 24})}.{signature}",
        "alg none": f"Bearer {encoded({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        "alg None": f"Bearer {encoded({'alg': 'None'})}.{payload}.{signature}",
        "alg number": f"Bearer {encoded({'alg': 5})}.{payload}.{signature}",
        "alg list": f"Bearer {encoded({'alg': ['HS256']})}.{payload}.{signature}",
        "alg missing": f"Bearer {encoded({'typ': 'JWT'})}.{payload}.{signature}",
        "header list": f"Bearer {encoded([])}.{payload}.{signature}",
        "header number": f"Bearer {encoded(5)}.{payload}.{signature}",
        "header bytes": f"Bearer {encoded(bytes(range(128, 200)))}.{payload}.{signature}",
        "header deep": f"Bearer {deep}.{payload}.{signature}",
        "header huge number": f"Bearer {huge}.{payload}.{signature}",
        "header surrogate": f"Bearer {encoded({'alg': chr(0xD800)})}.{payload}.{signature}",
        "crit": "Bearer " + jwt.encode(good, KEY, ALGORITHM, headers={"crit": ["x"], "x": 1}),
        "kid": f"Bearer {encoded({'alg': 'HS256', 'kid': 7})}.{payload}.{signature}",
        "payload deep": f"Bearer {header}.{deep}.{signature}",
        "HS384": "Bearer " + jwt.encode(good, KEY * 2, "HS384"),
        "HS512": "Bearer " + jwt.encode(good, KEY * 2, "HS512"),
        "other key": "Bearer " + jwt.encode(good, "k" * 40, ALGORITHM),
        "root key": "Bearer " + jwt.encode(good, SECRETS["SECRET_KEY"], ALGORITHM),
        **{f"no {name}": with_claims(**{name: ...}) for name in good},
        **{f"null {name}": with_claims(**{name: None}) for name in good if name not in ("sub", "jti", "iss")},
        "expired": with_claims(exp=past),
        "not yet": with_claims(nbf=past + 3600),
        "issued at a text": with_claims(iat="soon"),
        "exp text": with_claims(exp="soon"),
        "refresh": with_claims(type="refresh"),
        "other type": with_claims(type="link"),
        "type list": with_claims(type=["access"]),
        "other issuer": with_claims(iss="somebody"),
        "other audience": with_claims(aud="somebody"),
        "other role": with_claims(role="admin"),
        "role list": with_claims(role=["candidate"]),
        "sub upper": with_claims(sub="A" * 24),
        "sub short": with_claims(sub="a"),
        "sub nul": with_claims(sub="\0" * 24),
        "sid short": with_claims(sid="a"),
        "sid list": with_claims(sid=[session_id]),
        "unknown session": with_claims(sid="f" * 24),
        "no session": with_claims(sid=""),
        "sub surrogate": with_claims(sub="\ud800"),
        "unknown user": with_claims(sub="f" * 24),
    }  # fmt: skip


@pytest.mark.parametrize(("method", "path"), [*PROTECTED, ("POST", "/auth/refresh")])
def test_forged_tokens_are_unauthorized(method: str, path: str, app: Flask, client: FlaskClient, world: World) -> None:
    me = world.candidate()
    stranger = world.candidate()
    world.load()
    with app.app_context():
        own, strangers = begin_session(me["id"]), begin_session(stranger["id"])
    forged = forgeries(me["id"], own.session_id)
    forged["another's session"] = "Bearer " + jwt.encode(claims(me["id"], strangers.session_id), KEY, ALGORITHM)
    assert len(forged) >= 60
    for name, value in forged.items():
        response = client.open(path, method=method, headers={"Authorization": value} if value else {})
        assert (response.status_code, response.json) == (401, golden("error-401")), name
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_bearer_scheme_is_case_insensitive(app: Flask, client: FlaskClient, world: World) -> None:
    me = world.candidate()
    world.load()
    with app.app_context():
        token = jwt.encode(claims(me["id"], begin_session(me["id"]).session_id), KEY, ALGORITHM)
    for value in (f"Bearer {token}", f"bearer {token}", f"BEARER  {token} "):
        assert client.get("/candidate/interviews", headers={"Authorization": value}).status_code == 200


def test_company_token_is_forbidden_on_candidate_routes(
    client: FlaskClient, world: World, headers: Callable[..., Headers]
) -> None:
    user = world.company_user(world.company())
    world.load()
    for method, path in FOR_CANDIDATES:
        response = client.open(path, method=method, headers=headers(user["id"], Role.COMPANY))
        assert (response.status_code, response.get_json()) == (
            403,
            {"statusCode": 403, "message": "Candidate credentials required", "error": "Forbidden"},
        )


def test_candidate_signs_in(client: FlaskClient, world: World) -> None:
    me = world.candidate(email="Ines.Moreau@Example.com", password=PASSWORD, phone="+33 6")
    world.load()
    response = client.post("/auth/login", json={"email": " INES.moreau@example.COM ", "password": PASSWORD})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    body = response.get_json()
    user = {
        "id": me["id"], "email": "Ines.Moreau@Example.com", "role": "candidate",
        "firstName": "Ada", "lastName": "Okafor", "phone": "+33 6", "emailVerified": True,
    }  # fmt: skip
    data = body["data"]
    assert body["message"] == "Logged in successfully"
    assert data == {
        "accessToken": data["accessToken"],
        "refreshToken": data["refreshToken"],
        "tokenType": "Bearer",
        "expiresIn": 900,
        "user": user,
    }
    me_response = client.get("/auth/me", headers={"Authorization": f"Bearer {data['accessToken']}"})
    assert me_response.get_json() == {"message": "User retrieved successfully", "data": {"user": user}}
    lifetimes = [
        jwt.decode(data[name], options={"verify_signature": False}) for name in ("accessToken", "refreshToken")
    ]
    assert [claims["exp"] - claims["iat"] for claims in lifetimes] == pytest.approx([15 * 60, 30 * 24 * 3600], abs=1)


def test_refresh_token_is_unauthorized_on_other_routes(client: FlaskClient, world: World) -> None:
    world.candidate(email="a@example.com", password=PASSWORD)
    world.load()
    data = client.post("/auth/login", json={"email": "a@example.com", "password": PASSWORD}).get_json()["data"]
    for method, path in PROTECTED:
        response = client.open(path, method=method, headers={"Authorization": f"Bearer {data['refreshToken']}"})
        assert (response.status_code, response.json) == (401, golden("error-401"))


def test_company_user_signs_in(client: FlaskClient, world: World) -> None:
    company = world.company(name="Lumen Works")
    user = world.company_user(company, email="hr@lumen.example", password=PASSWORD)
    world.load()
    data = client.post("/auth/login", json={"email": "hr@lumen.example", "password": PASSWORD}).get_json()["data"]
    assert data["user"] == {
        "id": user["id"], "email": "hr@lumen.example", "role": "company",
        "company": {"id": company["id"], "name": "Lumen Works"}, "emailVerified": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "email", ["known@example.com", "unknown@example.com", "passwordless@example.com", "", "x" * 5000]
)
def test_failed_logins_get_the_same_bytes(email: str, client: FlaskClient, world: World) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.candidate(email="passwordless@example.com")
    world.load()
    response = client.post("/auth/login", json={"email": email, "password": "wrong"})
    assert response.status_code == 401
    assert response.data == b'{"statusCode":401,"message":"Invalid email or password","error":"Unauthorized"}'


@pytest.mark.usefixtures("shipped_hashes")
def test_failed_logins_take_the_same_time(client: FlaskClient, world: World) -> None:
    world.candidate(email="known@example.com", password=PASSWORD)
    world.load()

    def sign_in(email: str) -> int:
        return client.post("/auth/login", json={"email": email, "password": "wrong"}).status_code

    calls = partial(sign_in, "known@example.com"), partial(sign_in, "unknown@example.com")
    assert set(assert_equal_times(*calls, rounds=15)) == {401}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": "a@b.c"}, ["password"]),
        ({"email": 1, "password": None}, ["email", "password"]),
        ({"email": "a@b.c", "password": "x", "remember": True}, ["remember"]),
    ],
)
def test_invalid_login_names_its_fields(body: dict[str, object], fields: list[str], client: FlaskClient) -> None:
    response = client.post("/auth/login", json=body)
    assert response.status_code == 400
    assert list(response.get_json()["details"]) == fields
    assert response.get_json()["message"].startswith(f"{fields[0]}: ")


def test_flask_jwt_extendeds_own_decorators_are_as_strict_as_ours(
    app: Flask, client: FlaskClient, world: World
) -> None:
    """`@jwt_required()` refuses ended sessions, in our error shape."""
    me = world.candidate()
    world.load()
    plugin = create_app(SECRETS | {"DATABASE_URL": service(Settings, app).database_url})
    plugin.add_url_rule("/plugin", "plugin", jwt_required()(lambda: "in"))
    plugin.add_url_rule("/fresh", "fresh", jwt_required(fresh=True)(lambda: "in"))
    caller = plugin.test_client()

    def get(path: str, token: str | None) -> TestResponse:
        return caller.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})

    with app.app_context():
        viewer = begin_session(me["id"])
        good = issue_access_token(viewer)
        without_session = issue_access_token(Viewer(me["id"], Role.CANDIDATE, "a" * 24))
        without_user = issue_access_token(Viewer("a" * 24, Role.CANDIDATE, viewer.session_id))
        refresh = issue_refresh_token(viewer, "b" * 24, now() + timedelta(days=1))
    own = claims(me["id"], viewer.session_id)
    assert get("/plugin", good).text == "in"
    assert get("/plugin", jwt.encode(own, KEY, ALGORITHM)).text == "in"
    incomplete = [jwt.encode({k: v for k, v in own.items() if k != name}, KEY, ALGORITHM) for name in REQUIRED_CLAIMS]
    refused = [None, "x", jwt.encode({"sub": "a"}, "k" * 32, ALGORITHM), jwt.encode(own | {"exp": 1}, KEY, ALGORITHM)]
    types = [jwt.encode(own | {"type": kind}, KEY, ALGORITHM) for kind in ("x", 5, [], ["access"])]
    dates = [jwt.encode(own | {"nbf": "1"}, KEY, ALGORITHM), jwt.encode(own, KEY, ALGORITHM) + "="]
    for token in [*refused, without_session, without_user, refresh, *incomplete, *types, *dates]:
        response = get("/plugin", token)
        assert (response.status_code, response.json) == (401, golden("error-401")), token
    assert get("/fresh", good).status_code == 401
    assert client.post("/auth/logout", headers={"Authorization": f"Bearer {good}"}).status_code == 200
    assert get("/plugin", good).status_code == 401, "the session has ended"
    service(Database, plugin).dispose()
