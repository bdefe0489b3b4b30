"""People with one name: on every way in, in every view, and in what is sent about them."""

from typing import Any

import pytest
from flask import Flask

from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels import webhook
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.models import Channel
from tests.support.accounts import ADA, bearer, rows, verification_paths
from tests.support.api import PASSWORD, Caller, invitation
from tests.support.openapi import is_valid
from tests.support.people import People
from tests.support.receivers import wait_for, working
from tests.support.webhooks import hook

NEEDED = "firstName: One of firstName and lastName is needed."
ACCOUNT = {"email": "one@example.com", "password": PASSWORD}
ONE_NAME: list[tuple[dict[str, Any], tuple[str | None, str | None]]] = [
    ({"firstName": "Suharto"}, ("Suharto", None)),
    ({"lastName": "Suharto"}, (None, "Suharto")),
    ({"firstName": "Suharto", "lastName": None}, ("Suharto", None)),
    ({"firstName": None, "lastName": "Suharto"}, (None, "Suharto")),
    ({"firstName": "Suharto", "lastName": ""}, ("Suharto", None)),
    ({"firstName": "", "lastName": "Suharto"}, (None, "Suharto")),
]


@pytest.mark.parametrize(("names", "shown"), ONE_NAME)
def test_person_with_one_name_registers(
    names: dict[str, Any], shown: tuple[str | None, str | None], anonymous: Caller
) -> None:
    data = anonymous.ok("POST", "/auth/register/candidate", ACCOUNT | names)
    users = [
        data["user"],
        anonymous.ok("POST", "/auth/login", ACCOUNT)["user"],
        anonymous.ok("POST", "/auth/refresh", None, Authorization=f"Bearer {data['refreshToken']}")["user"],
        bearer(anonymous.client, data).ok("GET", "/auth/me")["user"],
    ]
    assert [(user["firstName"], user["lastName"]) for user in users] == [shown] * 4


@pytest.mark.parametrize("names", [{}, {"firstName": None}, {"firstName": "", "lastName": ""}, {"lastName": None}])
def test_person_without_a_name_is_refused(names: dict[str, Any], anonymous: Caller, database: Database) -> None:
    assert anonymous.refused("POST", "/auth/register/candidate", ACCOUNT | names) == (400, NEEDED)
    assert rows(database) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ({"firstName": " "}, ["firstName"]),
        ({"firstName": " ", "lastName": "Suharto"}, ["firstName"]),
        ({"firstName": "Suharto", "lastName": "\t"}, ["lastName"]),
        ({"firstName": 0, "lastName": False}, ["firstName", "lastName"]),
        ({"firstName": [], "lastName": "Suharto"}, ["firstName"]),
        ({"password": "short"}, ["password", "firstName"]),
    ],
)
def test_wrong_name_is_named_beside_other_problems(names: dict[str, Any], fields: list[str], anonymous: Caller) -> None:
    answer = anonymous.call("POST", "/auth/register/candidate", ACCOUNT | names).get_json()
    assert list(answer["details"]) == fields
    assert all(len(problems) == 1 for problems in answer["details"].values())


def test_document_says_that_one_name_is_needed(anonymous: Caller) -> None:
    document = anonymous.client.get("/openapi.json").get_json()
    schema = document["components"]["schemas"]["NewCandidate"]
    for names, _ in ONE_NAME:
        assert is_valid(document, schema, ACCOUNT | names)
    for names in ({}, {"firstName": ""}, {"firstName": None, "lastName": ""}, {"firstName": " "}, {"lastName": "\na"}):
        assert not is_valid(document, schema, ACCOUNT | names)
    profile = document["components"]["schemas"]["CandidateProfile"]["properties"]
    assert profile["firstName"]["type"] == profile["lastName"]["type"] == ["string", "null"]


@pytest.mark.parametrize(("names", "_shown"), ONE_NAME[:2])
def test_company_sees_the_one_name(
    names: dict[str, Any], _shown: object, app: Flask, people: People, anonymous: Caller, database: Database,
    mail_settings: Settings,
) -> None:  # fmt: skip
    person = bearer(anonymous.client, anonymous.ok("POST", "/auth/register/candidate", ACCOUNT | names))
    job = people.us.ok("POST", "/jobs", {"title": "Baker"})
    application_id = person.ok("POST", f"/jobs/{job['id']}/applications")["applicationId"]
    hook(database, people.us_company_id, "/ok")
    interview = people.us.ok("POST", "/interviews/schedule", invitation(application_id))
    address = f"/interviews/{interview['interviewId']}"
    listed = people.us.ok("GET", f"/interviews/company/{people.us_company_id}/candidates")["applications"]
    views = [interview, people.us.ok("GET", address), people.us.ok("GET", "/interviews/by-status")["interviews"][0]]
    views += [entry for entry in listed if entry["applicationId"] == application_id]
    views.append(people.us.ok("PUT", f"/application-status/{application_id}/mark-seen"))
    assert [view["candidate"]["fullName"] for view in views] == ["Suharto"] * 5
    mails: list[Any] = []
    hooks: list[Any] = []
    senders = {
        Channel.EMAIL: lambda user, context: mails.append(compose(mail_settings, user, context)),
        Channel.WEBHOOK: lambda _target, context: hooks.append(webhook.payload(context)),
    }
    with working(app, senders):
        person.ok("PUT", f"/candidate{address}/confirm")
        wait_for(lambda: len(hooks) == 2 and [mail for mail in mails if "confirmed" in mail["Subject"]])
    assert [mail["Subject"] for mail in mails if "confirmed" in mail["Subject"]] == ["Suharto confirmed: Baker"]
    assert all(b'"fullName":"Suharto"' in payload for payload in hooks)


def test_page_and_json_of_a_registration_show_the_one_name(verifying_app: Flask, database: Database) -> None:
    stranger = Caller(verifying_app.test_client(), {})
    stranger.ok("POST", "/auth/register/candidate", ACCOUNT | {"lastName": "Suharto"})
    (address,) = verification_paths(database)
    assert stranger.ok("GET", address, Accept="application/json")["name"] == "Suharto"
    page = stranger.client.get(address, headers={"Accept": "text/html"}).text
    assert "The candidate <bdi>Suharto</bdi> was registered" in page


def test_later_registration_may_take_a_name_away(verifying_app: Flask) -> None:
    stranger = Caller(verifying_app.test_client(), {})
    stranger.ok("POST", "/auth/register/candidate", ADA)
    user = stranger.ok("POST", "/auth/register/candidate", ADA | {"lastName": ""})["user"]
    assert (user["firstName"], user["lastName"]) == ("Ada", None)
