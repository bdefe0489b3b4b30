"""Deliveries to users whose address nobody has proved: mails about the account alone are sent."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from interviews_api.db.connections import Database
from interviews_api.notifications.models import Channel, Delivery
from tests.api.test_standing_access import FEED, SUBSCRIPTIONS
from tests.support.accounts import forget_verification
from tests.support.api import PASSWORD, Caller, invitation
from tests.support.browser import Browser
from tests.support.people import People
from tests.support.receivers import wait_for, working

CANDIDATE, OWNER = "candidate0@example.com", "user3@company.example"
REASON = "the address is not verified"


def deliver(app: Flask, database: Database, count: int) -> tuple[list[tuple[str, str]], list[str | None]]:
    """Deliver so many mails and push messages; return address and kind of those sent, and the others' errors."""
    sent: list[tuple[str, str]] = []

    def send_mail(user: Any, context: Any) -> None:
        sent.append((user["email"], context["event_type"] or context["kind"]))

    def send_push(_browser: Any, context: Any) -> None:
        sent.append(("push", context["event_type"]))

    def ended() -> list[Any]:
        with database.reads.connection() as connection:
            rows = select(Delivery.status, Delivery.error).where(Delivery.status.in_(("sent", "suppressed", "failed")))
            return list(connection.execute(rows.order_by(Delivery.id)))

    with working(app, {Channel.EMAIL: send_mail, Channel.PUSH: send_push}):
        wait_for(lambda: len(ended()) == count)
    return sorted(sent), [row.error for row in ended() if row.status == "suppressed"]


@pytest.mark.parametrize("mode", ["off", "required"])
def test_interview_mails_and_push_need_a_verified_address(
    mode: str, app: Flask, verifying_app: Flask, people: People, database: Database, calendar_feed: str
) -> None:
    people.candidate.ok("POST", SUBSCRIPTIONS, Browser().subscription("https://nobody.invalid/1"))
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    people.candidate.ok("PUT", f"/candidate/interviews/{interview['interviewId']}/decline", {})
    for email in (CANDIDATE, OWNER):
        forget_verification(database, email)
    sender = verifying_app if mode == "required" else app
    # Declining raises the revision, so the invitation is obsolete in both modes.
    sent, errors = deliver(sender, database, 5)
    declined = "interview.declined"
    if mode == "off":
        assert sent == [(CANDIDATE, declined), ("push", declined), (OWNER, declined)]
        assert REASON not in errors
    else:
        assert sent == []
        assert errors.count(REASON) == 3
    feed = Caller(sender.test_client(), {}).call("GET", calendar_feed)
    assert feed.status_code == (200 if mode == "off" else 404)
    assert people.candidate.ok("GET", FEED)["isActive"] is True


def test_mails_about_passwords_and_addresses_go_to_any_address(
    verifying_app: Flask, database: Database, anonymous: Caller
) -> None:
    """The invitation was written while nothing was required."""
    account = {"email": "new@x.example", "password": PASSWORD, "company": {"name": "X"}}
    data = anonymous.ok("POST", "/auth/register/company", account)
    owner = Caller(verifying_app.test_client(), {"Authorization": f"Bearer {data['accessToken']}"})
    owner.ok("POST", "/auth/email/verification")
    Caller(anonymous.client, owner.headers).ok("POST", "/auth/company/users", {"email": "invited@x.example"})
    owner.ok("PUT", "/auth/password", {"currentPassword": PASSWORD, "newPassword": "another-password"})
    owner.ok("POST", "/auth/password/forgot", {"email": account["email"]})
    sent, errors = deliver(verifying_app, database, 4)
    expected = [(account["email"], kind) for kind in ("password_changed", "password_reset", "verification")]
    assert sent == expected
    assert errors == ["the invitation was used or withdrawn"], "the new password ended it"


def test_changes_of_colleagues_are_told_to_verified_owners_alone(
    verifying_app: Flask, people: People, database: Database
) -> None:
    """The second owner was added with a password, while nothing was required."""
    for name in ("one", "two"):
        people.us.ok("POST", "/auth/company/users", {"email": f"{name}@x.example", "password": PASSWORD})
    colleague = people.us.ok("GET", "/auth/company/users")["users"][1]
    people.us.ok("PATCH", f"/auth/company/users/{colleague['id']}", {"role": "owner"})
    sent, errors = deliver(verifying_app, database, 4)
    assert sent == [(OWNER, "colleague_changed")] * 3
    assert errors == [REASON]


def test_unverified_inviter_lets_nobody_in(verifying_app: Flask, database: Database, anonymous: Caller) -> None:
    """The invited account would outlive the owner's proof of the address. Nothing was required when it was invited."""
    account = {"email": "boss@x.example", "password": PASSWORD, "company": {"name": "X"}}
    data = anonymous.ok("POST", "/auth/register/company", account)
    stranger = Caller(anonymous.client, {"Authorization": f"Bearer {data['accessToken']}"})
    stranger.ok("POST", "/auth/company/users", {"email": "mole@evil.example"})
    assert deliver(verifying_app, database, 1) == ([], ["the address of the inviter is not verified"])
