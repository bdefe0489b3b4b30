"""Claims of an identity provider as real ones write them, hostile claims, and what the log says of a refused token."""

import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from interviews_api.accounts.tokens import ALGORITHM
from tests.support.factories import World
from tests.support.logs import CANARY, captured_log
from tests.support.provider import KEYS, OTHERS, SEED_401, Json, Provider, ask, claims, pem, signed
from tests.support.tokens import KEY
from tests.support.tokens import claims as own_claims

DEEP = 700  # levels that fit into a header line
ROLES: list[tuple[str, Json, bool]] = [
    ("realm_access.roles", {"realm_access": {"roles": ["offline_access", "candidate"]}}, True),
    ("realm_access.roles", {"realm_access": {"roles": "candidate"}}, True),
    ("resource_access.job-board.roles", {"resource_access": {"job-board": {"roles": ["candidate"]}}}, True),
    ("https://example.com/roles", {"https://example.com/roles": ["candidate"]}, True),
    ("https://example.com/roles", {"https://example.com/roles": "candidate"}, True),
    ("a.b", {"a.b": "candidate", "a": {"b": "company"}}, True),
    ("a.b", {"a.b": "company", "a": {"b": "candidate"}}, False),
    ("a.b", {"a.b": None, "a": {"b": "candidate"}}, False),
    ("scope", {"scope": "openid candidate email"}, True),
    ("scope", {"scope": "openid  candidate\t"}, True),
    ("scope", {"scope": "openid candidates"}, False),
    ("scope", {"scope": "open.candidate"}, False),
    ("scope", {"scope": ""}, False),
    ("realm_access.roles", {"realm_access": ["candidate"]}, False),
    ("realm_access.roles", {"realm_access": "candidate"}, False),
    ("realm_access.roles", {"realm_access": {"roles": {"candidate": True}}}, False),
    ("realm_access.roles", {"realm_access": {}}, False),
    ("realm_access.roles", {"roles": ["candidate"]}, False),
    ("realm_access", {"realm_access": {"roles": ["candidate"]}}, False),
    ("a..b", {"a": {"": {"b": "candidate"}}}, True),
    (".", {"": "candidate"}, False),
]


@pytest.mark.parametrize(("path", "changes", "is_candidate"), ROLES)
def test_roles_are_found_where_the_provider_puts_them(
    path: str, changes: Json, is_candidate: bool, provider: Provider, world: World
) -> None:
    me = world.candidate()
    world.load()
    client = provider(pem(KEYS["ES256"]), "ES256", IDP_ROLE_CLAIM=path)
    answer = ask(client, signed(claims(me["id"], **{"role": ...} | changes), "ES256"))
    assert answer == SEED_401 if not is_candidate else answer[0] == 200


def nested(levels: int, *, kind: str = "[") -> Any:
    value: Any = "candidate"
    for _ in range(levels):
        value = [value] if kind == "[" else {"roles": value}
    return value


HOSTILE: dict[str, Json] = {
    "deep list": {"role": nested(DEEP)},
    "deep object": {"role": nested(DEEP, kind="{")},
    "long list": {"role": ["x"] * 1500},
    "long text": {"role": "x " * 3000},
    "infinite exp": {"exp": float("inf")},
    "minus infinite exp": {"exp": float("-inf")},
    "exp is no number": {"exp": float("nan")},
    "exp text": {"exp": "99999999999"},
    "exp list": {"exp": [99999999999]},
    "exp object": {"exp": {}},
    "infinite nbf": {"nbf": float("inf")},
    "nbf text": {"nbf": "1"},
    "nbf null": {"nbf": None},
    "iat text": {"iat": "1"},
    "iat list": {"iat": [1]},
    "iss object": {"iss": {}},
    "aud object": {"aud": {}},
    "aud of lists": {"aud": [["https://interviews.example.com"]]},
    "aud of many": {"aud": ["x"] * 1500},
    "sub object": {"sub": {}},
    "sub deep": {"sub": nested(DEEP)},
    "long sub": {"sub": "a" * 6000},
    "jti list": {"jti": []},
}


@pytest.mark.parametrize("subject_is", ["id", "email"])
def test_hostile_claims_are_unauthorized(subject_is: str, provider: Provider, world: World) -> None:
    """The provider has signed them: it may pass on what its users have typed."""
    me = world.candidate(email="ines@example.com")
    world.load()
    client = provider(pem(KEYS["ES256"]), "ES256", IDP_SUBJECT_IS=subject_is, IDP_ROLE_CLAIM="role")
    subject = me["id"] if subject_is == "id" else "ines@example.com"
    good = claims(subject, email_verified=True)
    assert ask(client, signed(good, "ES256"))[0] == 200
    for name, changes in HOSTILE.items():
        for path in ("/auth/me", "/candidate/interviews"):
            assert ask(client, signed(good | changes, "ES256"), path) == SEED_401, name
    for name in ("email", "email_verified", "given_name", "extra"):  # claims that nothing needs
        for value in (nested(DEEP), ["x"] * 1500, "\ud800", "\0", 1e308, {}, None):
            status = ask(client, signed(good | {name: value}, "ES256"))[0]
            assert status in (200, 401), (name, value)


def test_hostile_headers_are_unauthorized(provider: Provider, world: World) -> None:
    """Nobody has signed a header when it is read."""
    me = world.candidate()
    world.load()
    client = provider(pem(KEYS["ES256"]), "ES256")
    deep, many = nested(DEEP), ["x"] * 1500
    for name in ("alg", "kid", "crit", "typ", "b64", "x"):
        for value in (deep, many, {}, [], 5, True, None, "\ud800", "\0", float("inf"), 10**400):
            for key in (KEYS, OTHERS):
                status = ask(client, signed(claims(me["id"]), "ES256", key["ES256"], **{name: value}))[0]
                assert status in (200, 401), (name, value)
                assert status == 401 or key is KEYS
    for head in ("W1tb" * 1500, "e30", "bnVsbA", "MQ", "=", "", "\xff", "a" * 6000):
        assert ask(client, f"{head}.e30.c2ln") == SEED_401, head


def test_issued_in_the_future_is_no_reason_to_refuse(provider: Provider, world: World) -> None:
    me = world.candidate()
    world.load()
    client = provider(pem(KEYS["ES256"]), "ES256", CLOCK_LEEWAY_SECONDS="60")
    present = int(time.time())
    accepted = ({"iat": present + 3600}, {"iat": present + 0.5}, {"nbf": present + 55}, {"exp": present - 55})
    for changes in accepted:
        assert ask(client, signed(claims(me["id"], **changes), "ES256"))[0] == 200, changes
    for changes in ({"nbf": present + 120}, {"exp": present - 61}):
        assert ask(client, signed(claims(me["id"], **changes), "ES256")) == SEED_401, changes


@pytest.fixture
def reasons() -> Iterator[Any]:
    """Yield a function that returns the reasons logged so far."""
    with captured_log() as stream:

        def read() -> list[str]:
            lines = [json.loads(line) for line in stream.getvalue().splitlines()]
            assert CANARY not in stream.getvalue()
            refusals = [line for line in lines if line["message"].startswith("token refused: ")]
            assert all(line["request_id"] and line["level"] == "info" for line in refusals)
            stream.seek(0)
            stream.truncate()
            return [line["message"].removeprefix("token refused: ") for line in refusals]

        yield read


def test_log_says_why_a_token_was_refused(provider: Provider, world: World, reasons: Any) -> None:
    """The response is the same for each; no line holds anything of the token."""
    me, present = world.candidate(), int(time.time())
    world.load()
    client = provider(pem(KEYS["ES256"]), "ES256")
    good = claims(me["id"])
    expected = {
        signed(good | {"exp": present - 3600}, "ES256"): "ExpiredSignatureError",
        signed(good | {"nbf": present + 3600}, "ES256"): "ImmatureSignatureError",
        signed(good | {"iss": CANARY}, "ES256"): "InvalidIssuerError",
        signed(good | {"aud": CANARY}, "ES256"): "InvalidAudienceError",
        signed(claims(me["id"], exp=...), "ES256"): "MissingRequiredClaimError exp",
        signed(good, "ES256", OTHERS["ES256"]): "InvalidSignatureError",
        signed(good | {"role": CANARY}, "ES256"): "its roles do not contain candidate",
        signed(good | {"sub": f"{CANARY}\n"}, "ES256"): "its subject is no printable text",
        signed(good | {"sub": CANARY}, "ES256"): "no candidate has its subject",
        signed(good, "ES256", crit=[CANARY], **{CANARY: 1}): "InvalidTokenError",
        signed(good, "ES256", alg=CANARY): "InvalidAlgorithmError",
        signed(good, "ES256") + "=": "it has padding",
        CANARY: "DecodeError",
        jwt.encode(own_claims(me["id"]), KEY, ALGORITHM): "tokens of candidates come from the identity provider",
        jwt.encode(own_claims(me["id"]) | {"exp": present - 3600}, KEY, ALGORITHM): "ExpiredSignatureError",
        jwt.encode(own_claims(me["id"]) | {"type": "refresh"}, KEY, ALGORITHM): "it is no access token",
        jwt.encode(
            own_claims(me["id"]) | {"sub": CANARY}, KEY, ALGORITHM
        ): "its sub or sid is no id, or its role is unknown",
    }
    for token, reason in expected.items():
        assert ask(client, token) == SEED_401
        assert reasons() == [reason]
    assert ask(client, signed(good, "ES256"))[0] == 200
    assert client.get("/auth/me").status_code == 401
    assert reasons() == [], "a valid token, and none, are no refused ones"


def test_log_says_that_an_address_is_not_verified(provider: Provider, world: World, reasons: Any) -> None:
    world.candidate(email="ines@example.com")
    world.load()
    client = provider(pem(KEYS["ES256"]), "ES256", IDP_SUBJECT_IS="email")
    for changes in ({}, {"email_verified": CANARY}):
        assert ask(client, signed(claims("ines@example.com", **changes), "ES256")) == SEED_401
        assert reasons() == ["its email_verified is not true"]
