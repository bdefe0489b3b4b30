"""The operator's identity provider: accepted and refused tokens, and routes it closes."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from interviews_api.accounts.identity_provider import read_provider_token
from interviews_api.accounts.models import Role
from interviews_api.db.connections import Database
from interviews_api.errors import Unauthorized
from tests.support.accounts import forget_verification, verification_paths
from tests.support.api import PASSWORD
from tests.support.factories import World
from tests.support.provider import (
    ALGORITHMS,
    AUDIENCE,
    ISSUER,
    KEYS,
    KID,
    OTHERS,
    SEED_401,
    SIBLINGS,
    WEAK,
    Json,
    Provider,
    ask,
    claims,
    new_key,
    pem,
    public_jwk,
    signed,
)
from tests.support.settings import SECRETS
from tests.support.tokens import Headers

NOT_FOUND = (404, {"statusCode": 404, "message": "Not Found", "error": "Not Found"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("form", ["pem", "jwks"])
@pytest.mark.parametrize("subject_is", ["id", "email"])
def test_provider_tokens_open_candidate_routes(
    algorithm: str, form: str, subject_is: str, provider: Provider, world: World
) -> None:
    me = world.candidate(email="Ines@Example.com")
    interview = world.interview(world.application(me))
    world.load()
    keys = pem(KEYS[algorithm]) if form == "pem" else [public_jwk(KEYS[algorithm], kid=KID, use="sig", alg=algorithm)]
    client = provider(keys, algorithm, IDP_SUBJECT_IS=subject_is)
    payload = claims(me["id"]) if subject_is == "id" else claims(" ines@EXAMPLE.com", email_verified=True)
    token = signed(payload, algorithm)
    status, viewer = ask(client, token)
    assert (status, viewer["data"]["user"]["id"]) == (200, me["id"])
    for _ in range(2):  # the second time it is remembered
        status, listed = ask(client, token, "/candidate/interviews")
        assert (status, listed["data"]["total"], listed["data"]["pendingCount"]) == (200, 1, 1)
    assert ask(client, token, f"/candidate/interviews/{interview['id']}/confirm", "PUT")[0] == 200
    assert ask(client, token, "/candidate/interviews")[1]["data"]["pendingCount"] == 0
    assert ask(client, token, "/interviews/by-status") == (
        403,
        {"statusCode": 403, "message": "Company credentials required", "error": "Forbidden"},
    )


def forgeries(me: str, company_user: str, algorithm: str) -> dict[str, str]:
    key, attacker, good = KEYS[algorithm], OTHERS[algorithm], claims(me)
    other = next(name for name in ALGORITHMS if name != algorithm)
    present, later = int(time.time()), int(time.time()) + 3600
    changes: dict[str, Json] = {
        **{f"no {name}": {name: ...} for name in good},
        **{f"null {name}": {name: None} for name in good},
        "expired": {"exp": present - 31}, "expires now": {"exp": present - 30}, "exp text": {"exp": "soon"},
        "not yet": {"nbf": later}, "not yet, a text": {"nbf": "soon"},
        "other issuer": {"iss": ISSUER.rstrip("/")}, "issuer list": {"iss": [ISSUER]},
        "other audience": {"aud": ISSUER}, "audience list": {"aud": [ISSUER]}, "no audience": {"aud": []},
        "company": {"role": "company"}, "other role": {"role": "Candidate"}, "role list": {"role": ["company"]},
        "role within": {"role": "candidates"}, "role object": {"role": {"candidate": 1}}, "role true": {"role": True},
        "unknown": {"sub": "f" * 24}, "company user": {"sub": company_user}, "upper": {"sub": me.upper()},
        "sub number": {"sub": 5}, "sub list": {"sub": [me]}, "sub empty": {"sub": ""},
        "sub nul": {"sub": f"{me}\0"}, "sub surrogate": {"sub": "\ud800"},
    }  # fmt: skip
    unlike = ("none", "None", "", None, 5, [algorithm], algorithm.lower(), ...)
    return {
        **{name: signed(claims(me, **changed), algorithm) for name, changed in changes.items()},
        **{f"sibling {name}": signed(good, name, sibling) for name, sibling in SIBLINGS[algorithm]},
        **{f"labelled {name}": signed(good, name, sibling, alg=algorithm) for name, sibling in SIBLINGS[algorithm]},
        "HS256 by the PEM": signed(good, "HS256", pem(key)),
        "HS256 by the PEM, no kid": signed(good, "HS256", pem(key).strip(), kid=...),
        "HS256 by the JWK": signed(good, "HS256", json.dumps(public_jwk(key)).encode()),
        "HS256 by our key": signed(good, "HS256", SECRETS["JWT_SECRET_KEY"].encode()),
        "labelled HS256 by the PEM": signed(good, "HS256", pem(key), alg=algorithm),
        **{f"alg {alg}": signed(good, algorithm, alg=alg) for alg in unlike},
        **{f"unsigned {alg}": signed(good, algorithm, alg=alg).rpartition(".")[0] + "." for alg in ("none", algorithm)},
        "signature cut": signed(good, algorithm)[:-8],
        "not a token": "x.y",
        "other family": signed(good, other),
        "labelled other family": signed(good, other, alg=algorithm),
        "other key": signed(good, algorithm, attacker),
        **{f"kid {kid}": signed(good, algorithm, kid=kid) for kid in ("2025-06", "", 5, None)},
        "jwk": signed(good, algorithm, attacker, jwk=public_jwk(attacker, kid=KID)),
        "jwk, no kid": signed(good, algorithm, attacker, kid=..., jwk=public_jwk(attacker)),
        "jku": signed(good, algorithm, attacker, jku="https://attacker.example/jwks"),
        "x5u": signed(good, algorithm, attacker, x5u="https://attacker.example/cert"),
        "x5c": signed(good, algorithm, attacker, x5c=[base64.b64encode(pem(attacker)).decode()]),
        "crit": signed(good, algorithm, crit=["x"], x=1),
        "detached": signed(good, algorithm, crit=["b64"], b64=False),
    }  # fmt: skip


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_forged_tokens_are_unauthorized(algorithm: str, provider: Provider, world: World) -> None:
    me, colleague = world.candidate(), world.company_user(world.company())
    world.load()
    client = provider([public_jwk(KEYS[algorithm], kid=KID)], algorithm)
    assert ask(client, signed(claims(me["id"]), algorithm))[0] == 200
    forged = forgeries(me["id"], colleague["id"], algorithm)
    assert len(forged) >= 55
    for name, token in forged.items():
        for path in ("/auth/me", "/candidate/interviews"):
            assert ask(client, token, path) == SEED_401, name
        with client.application.app_context(), pytest.raises(Unauthorized):
            read_provider_token(token)  # asked by mistake, the verifier still pins its own


def test_provider_email_must_be_verified_and_a_candidates(provider: Provider, world: World) -> None:
    world.candidate(email="ines@example.com")
    world.company_user(world.company(), email="hr@example.com")
    world.load()
    client = provider(pem(KEYS["RS256"]), IDP_SUBJECT_IS="email", IDP_SUBJECT_CLAIM="email", IDP_ROLE_CLAIM="roles")
    good = claims(..., role=..., roles=["x", "candidate"], email="ines@example.com", email_verified=True)
    for is_verified in (True, "true"):
        assert ask(client, signed(good | {"email_verified": is_verified}))[0] == 200
    changes = {
        "email_verified": (False, "True", "false", "", 1, None, [True], ["true"], {"true": True}, ...),
        "email": ("hr@example.com", "x@example.com", "ines@example.com\0", "\ud800@example.com", "", 5, None, ...),
        "roles": ("company", None, ["company", ["candidate"]], [{"candidate": 1}], "candidates", {"candidate": 1}, ...),
    }
    for name, values in changes.items():
        for value in values:
            assert ask(client, signed(good | {name: value})) == SEED_401, (name, value)


@pytest.mark.parametrize(
    ("changes", "is_verified"),
    [
        ({}, False),
        ({"email_verified": True}, True),
        ({"email_verified": True, "email": "INES@example.com"}, True),
        ({"email_verified": "true", "email": "ines@example.com"}, True),
        ({"email_verified": "True"}, False),
        ({"email_verified": True, "email": "other@example.com"}, False),
        ({"email_verified": False, "email": "ines@example.com"}, False),
        ({"email_verified": 1}, False),
    ],
)
def test_provider_verifies_the_address_of_its_candidate(
    changes: Json, is_verified: bool, provider: Provider, world: World, database: Database
) -> None:
    me = world.candidate(email="ines@example.com", password=PASSWORD)
    world.load()
    forget_verification(database, "ines@example.com")
    client = provider(pem(KEYS["RS256"]), EMAIL_VERIFICATION="required")
    for _ in range(2):
        status, answer = ask(client, signed(claims(me["id"], **changes)), "/candidate/interviews")
        assert (status, answer["message"]) == (
            (200, "Candidate interviews retrieved successfully") if is_verified else
            (403, "Verify your email address first")
        )  # fmt: skip
    status, answer = ask(client, signed(claims(me["id"], **changes)), "/auth/email/verification", "POST")
    assert (status, answer["message"]) == (
        (400, "Email is already verified") if is_verified else (202, "Verification mail sent")
    )
    assert verification_paths(database) == [], "no mail"


def test_kid_chooses_the_key(provider: Provider, world: World) -> None:
    me, first, second, third = world.candidate(), KEYS["RS256"], OTHERS["RS256"], new_key("RS256")
    world.load()
    good = claims(me["id"], aud=["x", AUDIENCE])
    ignored = [
        "no key", {}, {"kty": "oct", "k": "AAAA", "kid": "oct"}, {"kty": "RSA", "kid": "empty"},
        public_jwk(third, kid="enc", use="enc"), public_jwk(third, kid="PS256", alg="PS256"),
        public_jwk(WEAK, kid="weak"), public_jwk(KEYS["ES256"], kid="ES256"),
    ]  # fmt: skip
    client = provider([*ignored, public_jwk(first, kid="1"), public_jwk(second, kid="2", use="sig", alg="RS256")])
    for kid, key in (("1", first), ("2", second)):
        assert ask(client, signed(good, key=key, kid=kid))[0] == 200
    wrong = (("1", second), ("2", first), ("enc", third), ("PS256", third), ("weak", WEAK), ("3", first))
    for kid, key in wrong:
        assert ask(client, signed(good, key=key, kid=kid)) == SEED_401
    assert ask(client, signed(good, key=first, kid=...)) == SEED_401  # either key could be meant
    alone = provider([*ignored, public_jwk(first)])
    assert ask(alone, signed(good, key=first, kid=...))[0] == 200
    assert ask(alone, signed(good, key=first)) == SEED_401
    twins = provider([public_jwk(first, kid=KID), public_jwk(second, kid=KID)])
    assert ask(twins, signed(good)) == SEED_401


def test_own_sign_in_is_for_companies_only(provider: Provider, world: World, headers: Callable[..., Headers]) -> None:
    me = world.candidate(email="ines@example.com", password=PASSWORD)
    colleague = world.company_user(world.company(), email="hr@example.com", password=PASSWORD)
    world.load()
    client = provider(pem(KEYS["ES256"]), "ES256")

    def log_in(email: str, password: str) -> tuple[int, Any]:
        response = client.post("/auth/login", json={"email": email, "password": password})
        return response.status_code, response.get_json()

    assert log_in("ines@example.com", PASSWORD) == NOT_FOUND
    assert log_in("ines@example.com", "wrong")[0] == 401
    status, answer = log_in("hr@example.com", PASSWORD)
    assert status == 200
    assert ask(client, answer["data"]["accessToken"], "/interviews/by-status")[0] == 200
    for user, role, expected in ((me, Role.CANDIDATE, 401), (colleague, Role.COMPANY, 200)):
        assert client.get("/auth/me", headers=headers(user["id"], role)).status_code == expected
    issue = client.application.test_cli_runner().invoke
    refused = issue(args=["tokens", "issue", "ines@example.com"])
    assert (refused.exit_code, refused.output) == (1, "Error: candidates' tokens come from the identity provider\n")
    assert issue(args=["tokens", "issue", "hr@example.com"]).exit_code == 0


def test_own_sign_in_routes_are_not_found_for_candidates(provider: Provider, world: World) -> None:
    me = world.candidate()
    colleague = world.company_user(world.company(), email="hr@example.com", password=PASSWORD)
    world.load()
    client = provider(pem(KEYS["EdDSA"]), "EdDSA")
    registration = {"email": "new@example.com", "password": PASSWORD, "firstName": "Ada", "lastName": "Okafor"}
    for body in (registration, {}, "text"):
        response = client.post("/auth/register/candidate", json=body)
        assert (response.status_code, response.get_json()) == NOT_FOUND
    token = signed(claims(me["id"]), "EdDSA")
    assert ask(client, token, "/auth/logout", "POST") == NOT_FOUND
    assert ask(client, token, "/auth/password", "PUT") == NOT_FOUND
    assert ask(client, token, "/auth/refresh", "POST") == SEED_401
    assert ask(client, signed(claims("f" * 24), "EdDSA"), "/auth/logout", "POST") == SEED_401
    colleagues = client.post("/auth/login", json={"email": colleague["email"], "password": PASSWORD}).get_json()
    for name, path in (("refreshToken", "/auth/refresh"), ("accessToken", "/auth/logout")):
        assert ask(client, colleagues["data"][name], path, "POST")[0] == 200


def test_candidate_session_from_before_cannot_be_refreshed(
    provider: Provider, client: FlaskClient, world: World
) -> None:
    world.candidate(email="ines@example.com", password=PASSWORD)
    world.load()
    before = client.post("/auth/login", json={"email": "ines@example.com", "password": PASSWORD}).get_json()["data"]
    assert ask(provider(pem(KEYS["ES256"]), "ES256"), before["refreshToken"], "/auth/refresh", "POST") == SEED_401
    assert ask(client, before["refreshToken"], "/auth/refresh", "POST")[0] == 200
