"""Bidirectional controls in what users type: gone from names and labels, kept where balanced in longer texts."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from interviews_api.accounts.models import Candidate, Company
from interviews_api.db.connections import Database
from interviews_api.hiring.models import Job
from tests.support.accounts import ADA, LUMEN, verification_paths
from tests.support.api import Caller, in_days, invitation, local
from tests.support.linked_interview import path
from tests.support.people import People
from tests.support.typed_texts import TURNED_NAMES, TURNED_PROSE

HEBREW = "\u05d3\u05d5\u05d3"
TURNED = f"\u202e{HEBREW} <b>"
PAGE = {"Accept": "text/html"}


def test_names_and_labels_lose_the_controls(people: People, anonymous: Caller, database: Database) -> None:
    for number, (typed, kept) in enumerate(TURNED_NAMES.items()):
        assert people.us.ok("POST", "/jobs", {"title": typed})["title"] == kept
        person = {"email": f"p{number}@example.com", "firstName": typed, "lastName": typed, "phone": f"\u202e1{typed}"}
        user = anonymous.ok("POST", "/auth/register/candidate", ADA | person)["user"]
        assert (user["firstName"], user["lastName"], user["phone"]) == (kept, kept, f"1{kept}")
        details = {"name": typed, "address": f"{typed}\n\u2066x", "phone": typed}
        body = LUMEN | {"email": f"c{number}@example.com", "company": details}
        company = anonymous.ok("POST", "/auth/register/company", body)["user"]["company"]
        assert company["name"] == kept
        with database.reads.connection() as connection:
            stored = connection.execute(select(Company).where(Company.id == company["id"])).mappings().one()
        assert (stored["address"], stored["phone"]) == (f"{kept}\nx", kept)


def test_longer_texts_keep_balanced_controls(people: People) -> None:
    for days, (typed, kept) in enumerate(TURNED_PROSE.items(), 3):
        assert people.us.ok("POST", "/jobs", {"title": "x", "description": typed})["description"] == kept
        texts = {"notes": typed, "internalNotes": typed, "location": typed}
        interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, days) | texts)
        assert {name: interview[name] for name in texts} == dict.fromkeys(texts, kept)
        address = f"interviews/{interview['interviewId']}"
        moved = people.us.ok("PUT", f"/{address}/reschedule", local(in_days(days + 20)) | texts)
        assert {name: moved[name] for name in texts} == dict.fromkeys(texts, kept)
        people.candidate.ok("PUT", f"/candidate/{address}/request-reschedule", {"reason": typed})
        assert people.us.ok("GET", f"/{address}")["rescheduleRequest"]["reason"] == kept
        feedback = {"comments": typed, "strengths": [typed], "weaknesses": ["x", typed]}
        ended = {"feedback": feedback, "hiringDecisionReason": typed}
        if days % 2:
            people.us.ok("PUT", f"/{address}/complete", ended)
            shown = people.us.ok("GET", f"/{address}")
            assert shown["feedback"] == {"comments": kept, "strengths": [kept], "weaknesses": ["x", kept]}
            assert shown["hiringDecisionReason"] == kept
        else:
            people.us.ok("PUT", f"/{address}/cancel", {"cancellationReason": typed})
            assert people.us.ok("GET", f"/{address}")["cancellationReason"] == kept


@pytest.mark.parametrize("typed", ["\u202e", "\u2066\u2069", " \u202b \u202c"])
def test_text_of_controls_alone_is_blank(typed: str, people: People, anonymous: Caller) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    for caller, method, address, body, field in (
        (people.us, "POST", "/jobs", {"title": typed}, "title"),
        (people.us, "PUT", f"/interviews/{interview['interviewId']}/cancel", {"cancellationReason": typed},
         "cancellationReason"),
        (anonymous, "POST", "/auth/register/candidate", ADA | {"firstName": typed}, "firstName"),
        (anonymous, "POST", "/auth/register/candidate", ADA | {"lastName": typed}, "lastName"),
        (anonymous, "POST", "/auth/register/company", LUMEN | {"company": {"name": typed}}, "company.name"),
    ):  # fmt: skip
        status, message = caller.refused(method, address, body)
        assert (status, message.partition(":")[0]) == (400, field)


def test_pages_isolate_names_that_are_stored_with_controls(
    app: Flask, people: People, anonymous: Caller, database: Database
) -> None:
    interview: Any = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    with database.engine.begin() as connection:  # as older versions stored them
        connection.execute(update(Company).values(name=TURNED))
        connection.execute(update(Job).values(title=TURNED))
    page = anonymous.client.get(path(interview["interviewId"]), headers=PAGE).text
    shown = f"<bdi>{HEBREW} &lt;b&gt;</bdi>"
    assert f"<h1>Interview: {shown}</h1>" in page
    assert f'<p class="company">{shown}</p>' in page
    assert f"<title>\u2068{HEBREW} &lt;b&gt;\u2069 - \u2068{HEBREW} &lt;b&gt;\u2069</title>" in page
    assert "\u202e" not in page


def test_page_of_a_registration_isolates_its_name(verifying_app: Flask, database: Database) -> None:
    stranger = Caller(verifying_app.test_client(), {})
    stranger.ok("POST", "/auth/register/candidate", ADA | {"firstName": HEBREW, "lastName": "x"})
    with database.engine.begin() as connection:
        connection.execute(update(Candidate).values(first_name=TURNED))
    (address,) = verification_paths(database)
    page = stranger.client.get(address, headers=PAGE).text
    assert f"The candidate <bdi>{HEBREW} &lt;b&gt; x</bdi> was registered" in page
    assert "\u202e" not in page
