"""Passwords are compared in the normal form of RFC 8265; hashes of passwords as typed go on to work."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update

from interviews_api.accounts import passwords
from interviews_api.accounts.mailed_links import INVITATION_LINK, RESET_LINK
from interviews_api.accounts.models import Invitation, PasswordReset, User
from interviews_api.db.connections import Database
from tests.support.accounts import ADA, LUMEN, bearer
from tests.support.api import PASSWORD, Caller
from tests.support.factories import World
from tests.support.sessions import ACCOUNT
from tests.support.settings import SECRETS

COMPOSED = "Crème brûlée Łódź"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
SPELLINGS = (COMPOSED, DECOMPOSED, COMPOSED.replace(" ", "\u00a0"), DECOMPOSED.replace(" ", "\u3000"))
LOGIN = "/auth/login"


def signs_in(anonymous: Caller, email: str, password: str) -> bool:
    response = anonymous.call("POST", LOGIN, {"email": email, "password": password})
    assert response.status_code in (200, 401)
    return response.status_code == 200


def store_hash(database: Database, password: str) -> None:
    """Store a hash of the password as typed, as versions before the normal form did."""
    typed = passwords._HASHER.hash(password)
    with database.engine.begin() as connection:
        connection.execute(update(User).values(password_hash=typed))


def stored_hash(database: Database) -> str:
    with database.reads.connection() as connection:
        return str(connection.execute(select(User.password_hash)).scalar_one())


class CountedHasher(PasswordHasher):
    """A hasher that keeps the texts it hashes."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.texts: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:
        self.texts.append(str(password))
        return super().verify(hash, password)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.texts.append(str(password))
        return super().hash(password, salt=salt)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    hasher = CountedHasher()
    monkeypatch.setattr(passwords, "_DUMMY_HASH", hasher.hash(""))
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    hasher.texts.clear()
    return hasher.texts


@pytest.mark.parametrize("chosen", [COMPOSED, SPELLINGS[3]])
def test_registered_password_is_typed_in_any_normal_form(chosen: str, anonymous: Caller) -> None:
    anonymous.ok("POST", "/auth/register/candidate", ADA | {"password": chosen})
    anonymous.ok("POST", "/auth/register/company", LUMEN | {"password": chosen})
    for email in ("ada@example.com", "hr@lumen.example"):
        assert all(signs_in(anonymous, email, spelling) for spelling in SPELLINGS)
        for other in (COMPOSED.upper(), f"{COMPOSED} ", COMPOSED.replace(" ", ""), "Creme brulee Łodz"):
            assert not signs_in(anonymous, email, other)


def test_changed_and_reset_password_is_typed_in_any_normal_form(anonymous: Caller, database: Database) -> None:
    ada = bearer(anonymous.client, anonymous.ok("POST", "/auth/register/candidate", ADA | {"password": COMPOSED}))
    ada.ok("PUT", "/auth/password", {"currentPassword": SPELLINGS[3], "newPassword": f"{DECOMPOSED} 2"})
    assert signs_in(anonymous, "ada@example.com", f"{COMPOSED} 2")
    anonymous.ok("POST", "/auth/password/forgot", {"email": "ada@example.com"})
    with database.reads.connection() as connection:
        token = RESET_LINK.token(SECRETS["SECRET_KEY"], connection.execute(select(PasswordReset.id)).scalar_one())
    anonymous.ok("POST", "/auth/password/reset", {"token": token, "newPassword": f"{DECOMPOSED} 3"})
    assert signs_in(anonymous, "ada@example.com", f"{COMPOSED} 3")


def test_colleagues_password_is_typed_in_any_normal_form(anonymous: Caller, database: Database) -> None:
    us = bearer(anonymous.client, anonymous.ok("POST", "/auth/register/company", LUMEN))
    us.ok("POST", "/auth/company/users", {"email": "a@lumen.example", "password": DECOMPOSED})
    us.ok("POST", "/auth/company/users", {"email": "b@lumen.example"})
    with database.reads.connection() as connection:
        token = INVITATION_LINK.token(SECRETS["SECRET_KEY"], connection.execute(select(Invitation.id)).scalar_one())
    anonymous.ok("POST", f"/auth/invitations/{token}", {"password": DECOMPOSED})
    assert all(signs_in(anonymous, f"{name}@lumen.example", spelling) for name in "ab" for spelling in SPELLINGS)


def test_operators_password_is_typed_in_any_normal_form(
    anonymous: Caller, world: World, runner: FlaskCliRunner
) -> None:
    world.candidate(email="seed@example.com", password=DECOMPOSED)
    world.load()
    names = ["users", "create-candidate", "--first-name", "A", "--last-name", "B", "--email", "cli@example.com"]
    assert runner.invoke(args=[*names, "--password", DECOMPOSED]).exit_code == 0
    assert all(signs_in(anonymous, f"{name}@example.com", each) for name in ("seed", "cli") for each in SPELLINGS)


def test_older_hash_works_and_is_renewed_by_a_sign_in(ada_client: Caller, database: Database) -> None:
    store_hash(database, DECOMPOSED)
    before = stored_hash(database)
    assert not signs_in(ada_client, ACCOUNT["email"], COMPOSED)
    assert stored_hash(database) == before
    assert signs_in(ada_client, ACCOUNT["email"], DECOMPOSED)
    renewed = stored_hash(database)
    assert renewed != before
    assert all(signs_in(ada_client, ACCOUNT["email"], spelling) for spelling in SPELLINGS)
    assert stored_hash(database) == renewed


def test_older_hash_of_a_longer_or_shorter_text_works(ada_client: Caller, database: Database) -> None:
    for password in ("e\u0301" * 5, "\u0958" * 128):  # 5 and 256 characters of the normal form
        store_hash(database, password)
        assert all(signs_in(ada_client, ACCOUNT["email"], password) for _ in range(2))


def test_older_hash_of_the_current_password_is_read(ada_client: Caller, database: Database) -> None:
    tokens = ada_client.ok("POST", LOGIN, ACCOUNT)
    store_hash(database, DECOMPOSED)
    body = {"currentPassword": DECOMPOSED, "newPassword": COMPOSED + " 2"}
    assert bearer(ada_client.client, tokens).ok("PUT", "/auth/password", body) == {}
    assert signs_in(ada_client, ACCOUNT["email"], f"{DECOMPOSED} 2")


def test_simultaneous_sign_ins_with_an_older_hash_all_succeed(
    app: Flask, ada_client: Caller, database: Database
) -> None:
    store_hash(database, DECOMPOSED)
    with ThreadPoolExecutor(6) as pool:
        callers = [Caller(app.test_client(), {}) for _ in range(6)]
        assert all(pool.map(lambda caller: signs_in(caller, ACCOUNT["email"], DECOMPOSED), callers))
    assert signs_in(ada_client, ACCOUNT["email"], COMPOSED)


@pytest.mark.parametrize("email", [ACCOUNT["email"], "nobody@example.com"])
def test_wrong_password_is_hashed_twice_only_where_its_forms_differ(
    email: str, ada_client: Caller, counted: list[str]
) -> None:
    for password, texts in (
        ("wrong", ["wrong"]),
        (COMPOSED, [COMPOSED]),
        (DECOMPOSED, [COMPOSED, DECOMPOSED]),
        (DECOMPOSED * 40, [DECOMPOSED * 40]),
    ):
        assert not signs_in(ada_client, email, password)
        assert counted == texts
        counted.clear()


def test_length_is_that_of_the_normal_form(anonymous: Caller) -> None:
    accepted = ["e\u0301" * 10, "e\u0301" * 128, "\u1f82" * 128, unicodedata.normalize("NFD", "\u1f82" * 128)]
    refused = ["e\u0301" * 9, "e\u0301" * 129, "\u0958" * 65, "\u1f82" * 129, "e\u0301" * 257, "\u3000" * 20]
    for number, password in enumerate(accepted + refused):
        body = ADA | {"email": f"{number}@example.com", "password": password}
        response = anonymous.call("POST", "/auth/register/candidate", body)
        assert response.status_code == (201 if password in accepted else 400), ascii(password)
        if password in refused:
            assert list(response.get_json()["details"]) == ["password"]


def test_password_of_before_is_unchanged_in_ascii(ada_client: Caller, database: Database) -> None:
    before = stored_hash(database)
    assert signs_in(ada_client, ACCOUNT["email"], PASSWORD)
    assert stored_hash(database) == before
