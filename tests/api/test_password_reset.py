"""Password reset: one answer for all addresses, and a link that works once within an hour."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select

from interviews_api import create_app
from interviews_api.accounts import reset_handlers
from interviews_api.accounts.mailed_links import RESET_LINK
from interviews_api.accounts.models import PasswordReset
from interviews_api.accounts.passwords import hash_password
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.interviews.link_tokens import make_token
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.models import Channel, Delivery
from interviews_api.services import service
from tests.support.api import PASSWORD, Caller
from tests.support.provider import KEYS, pem, settings_for
from tests.support.receivers import Mailbox, wait_for, working
from tests.support.settings import SECRETS, SETTINGS
from tests.support.timing import assert_equal_times

FORGOT, RESET = "/auth/password/forgot", "/auth/password/reset"
INVALID = (400, "Invalid reset token")


@pytest.fixture
def anonymous(client: FlaskClient) -> Caller:
    return Caller(client, {})


@pytest.fixture
def ada(anonymous: Caller) -> dict[str, Any]:
    person = {"email": "ada@example.com", "password": PASSWORD, "firstName": "Ada", "lastName": "Okafor"}
    registered: dict[str, Any] = anonymous.ok("POST", "/auth/register/candidate", person)
    return registered


def tokens(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        ids = connection.execute(select(PasswordReset.id).order_by(PasswordReset.created_at, PasswordReset.id))
        return [RESET_LINK.token(SECRETS["SECRET_KEY"], reset_id) for reset_id in ids.scalars()]


def test_of_two_links_used_at_once_one_sets_the_password(
    app: Flask, anonymous: Caller, ada: dict[str, Any], database: Database
) -> None:
    def use(token: str) -> int:
        return Caller(app.test_client(), {}).call("POST", RESET, {"token": token, "newPassword": PASSWORD}).status_code

    for _ in range(5):
        for _ in range(2):
            anonymous.ok("POST", FORGOT, {"email": "ada@example.com"})
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(use, tokens(database)[-2:])) == [200, 400]


def test_mailed_link_sets_a_new_password_once(
    app: Flask, anonymous: Caller, ada: dict[str, Any], database: Database
) -> None:
    mailbox = Mailbox()
    settings = replace(service(Settings, app), smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_tls="none")
    response = anonymous.call("POST", FORGOT, {"email": " ADA@example.com "})
    assert (response.status_code, response.get_json()) == (
        202, {"message": "If the address is registered, a mail is on its way", "data": {}},
    )  # fmt: skip
    with working(app, {Channel.EMAIL: mail_sender(settings)}):
        wait_for(lambda: len(mailbox.messages) == 1)
    mailbox.stop()
    (mail,) = mailbox.messages
    assert mail["To"] == "ada@example.com"
    assert mail["Subject"] == "Choose a new password"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (token,) = re.findall(r"http://127.0.0.1:8000/auth/password/reset#(\S+)", text)
    assert [token] == tokens(database)
    assert anonymous.ok("POST", RESET, {"token": token, "newPassword": "another-password"}) == {}
    assert anonymous.refused("POST", RESET, {"token": token, "newPassword": "a-third-password"}) == INVALID
    signed_out = Caller(anonymous.client, {"Authorization": f"Bearer {ada['accessToken']}"})
    assert signed_out.refused("GET", "/auth/me") == (401, "Unauthorized")
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert anonymous.refused("POST", "/auth/login", login)[0] == 401
    anonymous.ok("POST", "/auth/login", login | {"password": "another-password"})


@pytest.mark.usefixtures("ada")
def test_reset_token_is_refused_when_expired_used_or_forged(anonymous: Caller, database: Database) -> None:
    for _ in range(2):
        anonymous.ok("POST", FORGOT, {"email": "ada@example.com"})
    first, second = tokens(database)
    nobody = RESET_LINK.token(SECRETS["SECRET_KEY"], "f" * 24)
    wrong = [
        "", "x", first[:-1], first + "A", first[:-1] + ("A" if first[-1] != "A" else "B"), first.upper(), nobody,
        RESET_LINK.token("w" * 40, "f" * 24), make_token(SECRETS["SECRET_KEY"], "f" * 24, 0), "é" * 10, "." * 100,
    ]  # fmt: skip
    for token in wrong:
        assert anonymous.refused("POST", RESET, {"token": token, "newPassword": "another-password"}) == INVALID, token
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        assert anonymous.refused("POST", RESET, {"token": first, "newPassword": "another-password"}) == INVALID
    assert anonymous.call("POST", RESET, {"token": first, "newPassword": "short"}).get_json()["details"].keys() == {
        "newPassword"
    }
    anonymous.ok("POST", RESET, {"token": second, "newPassword": "another-password"})
    assert anonymous.refused("POST", RESET, {"token": first, "newPassword": "another-password"}) == INVALID
    assert tokens(database) == []


@pytest.mark.usefixtures("ada")
def test_forgot_does_not_reveal_registered_addresses(app: Flask, anonymous: Caller, database: Database) -> None:
    registered, unknown = forgetting(anonymous, "ada@example.com"), forgetting(anonymous, "eve@example.com")
    answers = assert_equal_times(registered, unknown, rounds=30)
    assert len(set(answers)) == 1
    with working(app, {Channel.EMAIL: lambda _user, _about: None}):
        wait_for(lambda: not unmailed(database))
    with database.reads.connection() as connection:
        assert set(connection.execute(select(Delivery.recipient)).scalars()) == {"ada@example.com"}


@pytest.mark.usefixtures("ada")
def test_reset_is_for_companies_only_with_an_identity_provider(
    anonymous: Caller, database: Database, tmp_path: Path
) -> None:
    company = {"email": "hr@lumen.example", "password": PASSWORD, "company": {"name": "Lumen"}}
    anonymous.ok("POST", "/auth/register/company", company)
    anonymous.ok("POST", FORGOT, {"email": "ada@example.com"})  # before there was one
    url = {"DATABASE_URL": database.engine.url.render_as_string(hide_password=False), "RATELIMIT_ENABLED": "false"}
    provided = create_app(settings_for(tmp_path, pem(KEYS["RS256"])) | url)
    stranger = Caller(provided.test_client(), {})

    registered, unknown = forgetting(stranger, "ada@example.com"), forgetting(stranger, "eve@example.com")
    answers = assert_equal_times(registered, unknown, rounds=20)
    assert len(set(answers)) == 1
    of_candidate = 1 + len(answers) // 2
    stranger.ok("POST", FORGOT, {"email": "hr@lumen.example"})
    mailbox = Mailbox()
    settings = replace(service(Settings, provided), smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_tls="none")
    with working(provided, {Channel.EMAIL: mail_sender(settings)}):
        wait_for(lambda: len(deliveries(database)) == of_candidate + 1 and {"pending"}.isdisjoint(statuses(database)))
    mailbox.stop()
    assert [mail["To"] for mail in mailbox.messages] == ["hr@lumen.example"]
    assert sorted(statuses(database)) == ["sent"] + ["suppressed"] * of_candidate
    used = [stranger.call("POST", RESET, {"token": token, "newPassword": "another-one"}) for token in tokens(database)]
    answered = sorted((response.status_code, response.get_json()["message"]) for response in used)
    assert answered == [(200, "Password changed successfully")] + [INVALID] * of_candidate  # none for unknown addresses
    anonymous.ok("POST", "/auth/login", {"email": "ada@example.com", "password": PASSWORD})  # nothing was changed
    service(Database, provided).dispose()


def forgetting(caller: Caller, email: str) -> Callable[[], tuple[int, str]]:
    """Return a call that asks for a reset and returns status, headers and body, without the request's id."""

    def ask() -> tuple[int, str]:
        response = caller.call("POST", FORGOT, {"email": email})
        assert response.headers.pop("X-Request-Id")
        return response.status_code, f"{response.headers}{response.text}"

    return ask


def statuses(database: Database) -> list[str]:
    return [row.status for row in deliveries(database)]


def unmailed(database: Database) -> list[str]:
    with database.reads.connection() as connection:
        return list(
            connection.execute(select(PasswordReset.id).where(PasswordReset.is_fanned_out.is_(False))).scalars()
        )


AFTER_RESET = {False: "suppressed", True: "sent"}
"""Statuses of the reset's mail, and of the mail that tells of the change."""


def test_used_reset_is_not_mailed(
    app: Flask, anonymous: Caller, ada: dict[str, Any], database: Database, runner: FlaskCliRunner
) -> None:
    assert ada["user"]["email"] == "ada@example.com"
    anonymous.ok("POST", FORGOT, {"email": "ada@example.com"})
    (token,) = tokens(database)
    with working(app, {}):
        wait_for(lambda: not unmailed(database))
    anonymous.ok("POST", RESET, {"token": token, "newPassword": "another-password"})
    sent: list[Any] = []
    with working(app, {Channel.EMAIL: lambda *mail: sent.append(mail)}):
        wait_for(lambda: {row.reset_id is None: row.status for row in deliveries(database)} == AFTER_RESET)
    assert [context["kind"] for _, context in sent] == ["password_changed"]
    assert "password reset" in runner.invoke(args=["deliveries", "list", "--status", "suppressed"]).output


def deliveries(database: Database) -> list[Any]:
    with database.reads.connection() as connection:
        return list(connection.execute(select(Delivery)))


def test_forgot_is_limited_to_twenty_an_hour(app: Flask) -> None:
    limited = create_app(SETTINGS | {"DATABASE_URL": service(Settings, app).database_url, "RATELIMIT_ENABLED": "true"})
    caller = Caller(limited.test_client(), {})
    for number in range(20):
        assert caller.call("POST", FORGOT, {"email": f"a{number}@example.com"}).status_code == 202
    response = caller.call("POST", FORGOT, {"email": "b@example.com"})
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 3600
    service(Database, limited).dispose()


@pytest.fixture
def limited(app: Flask) -> Iterator[Flask]:
    """Yield an application with rate limits over the database of `app`."""
    limited = create_app(SETTINGS | {"DATABASE_URL": service(Settings, app).database_url, "RATELIMIT_ENABLED": "true"})
    yield limited
    service(Database, limited).dispose()


def forget(app: Flask, email: str, address: str) -> tuple[int, bytes]:
    response = app.test_client().post(FORGOT, json={"email": email}, environ_base={"REMOTE_ADDR": address})
    return response.status_code, response.data


def test_account_gets_three_mails_an_hour(limited: Flask, ada: dict[str, Any], database: Database) -> None:
    """From all new addresses together, and three more from an address that has signed in. What is over looks alike."""
    email, home = "ada@example.com", "10.1.1.1"
    login = {"email": email, "password": PASSWORD}
    assert ada["user"]["email"] == email
    limited.test_client().post("/auth/login", json=login, environ_base={"REMOTE_ADDR": home})
    answers = {forget(limited, email, f"10.0.0.{number}") for number in range(5)}
    links = tokens(database)
    assert len(links) == 3
    answers |= {forget(limited, email, home) for _ in range(5)} | {forget(limited, "eve@example.com", "10.0.0.9")}
    assert len(tokens(database)) == 6
    assert len(answers) == 1
    reset = {"token": links[0], "newPassword": "another-password"}  # earlier links stay valid
    assert limited.test_client().post(RESET, json=reset).status_code == 200


def test_reset_attempts_are_limited_to_twenty_an_hour(limited: Flask) -> None:
    body = {"token": "x", "newPassword": "another-password"}
    statuses = [limited.test_client().post(RESET, json=body).status_code for _ in range(21)]
    assert statuses == [400] * 20 + [429]
    assert limited.test_client().post(RESET, json=body | {"newPassword": "short"}).status_code == 400  # not counted


@pytest.mark.usefixtures("ada")
def test_dead_reset_token_is_not_hashed_for(
    anonymous: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def record(password: str) -> str:
        hashed.append(password)
        return hash_password(password)

    monkeypatch.setattr(reset_handlers, "hash_password", record)
    for _ in range(2):
        anonymous.ok("POST", FORGOT, {"email": "ada@example.com"})
    first, second = tokens(database)
    anonymous.ok("POST", RESET, {"token": first, "newPassword": "another-password"})
    assert len(hashed) == 1
    for token in (first, second, RESET_LINK.token(SECRETS["SECRET_KEY"], "f" * 24), "x"):
        assert anonymous.refused("POST", RESET, {"token": token, "newPassword": "another-password"}) == INVALID
    assert len(hashed) == 1


@pytest.mark.usefixtures("ada")
def test_forgot_leaves_no_row_for_an_unknown_address(anonymous: Caller, database: Database) -> None:
    anonymous.ok("POST", FORGOT, {"email": "eve@example.com"})
    assert tokens(database) == []
    anonymous.ok("POST", FORGOT, {"email": "ada@example.com"})
    assert len(tokens(database)) == 1


def test_reset_page_loads_nothing_from_elsewhere(anonymous: Caller) -> None:
    page = anonymous.call("GET", RESET)
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.count("'sha256-") == 2
    assert "connect-src 'self'" in policy
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert (page.headers["X-Frame-Options"], page.headers["X-Robots-Tag"]) == ("DENY", "noindex")
    assert "http" not in page.text.replace("http-equiv", "")
