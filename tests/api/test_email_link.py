"""The link in an invitation mail: what it shows, confirms and refuses."""

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import update

from interviews_api.accounts.tokens import issue_access_token
from interviews_api.db.connections import Database
from interviews_api.interviews.link_tokens import make_token
from interviews_api.interviews.models import Interview
from tests.support.api import Caller, in_days, invitation, local
from tests.support.database_rows import everything
from tests.support.factories import World
from tests.support.linked_interview import INTERVIEW, JSON, KEY, path
from tests.support.people import People
from tests.support.proof_table import figure
from tests.support.settings import SECRETS
from tests.support.tokens import begin_session

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}

INVALID = {"statusCode": 400, "message": "Invalid confirmation token", "error": "Bad Request"}
HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept, Origin",
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "X-Robots-Tag": "noindex",
}  # fmt: skip


@pytest.mark.usefixtures("linked_interview")
def test_link_shows_and_confirms_as_json(client: FlaskClient, database: Database) -> None:
    meeting = {
        "date": "2999-05-15T09:00:00.000Z", "time": "14:30", "type": "Video", "location": None,
        "meetingLink": "https://meet.google.com/abc-def-ghi", "company": {"name": "Tech Solutions Inc"},
        "job": {"title": "Senior Frontend Developer"},
    }  # fmt: skip
    assert client.get(path(), headers=JSON).get_json() == {
        "message": "Interview retrieved successfully",
        "data": {"interviewId": INTERVIEW, "status": "en_attente", "confirmedAt": None, "interview": meeting},
    }
    confirmed = client.post(path(), headers=JSON).get_json()
    at = confirmed["data"]["confirmedAt"]
    assert confirmed == {
        "message": "Interview confirmed successfully",
        "data": {"interviewId": INTERVIEW, "status": "confirmed", "confirmedAt": at, "interview": meeting},
    }
    assert client.get(path(), headers=JSON).get_json()["data"] == confirmed["data"]
    again = client.post(path(), headers=JSON, json={})
    assert (again.status_code, again.get_json()) == (
        400, {"statusCode": 400, "message": "Interview is no longer pending confirmation", "error": "Bad Request"},
    )  # fmt: skip
    (event,) = everything(database)["events"]
    assert (event.type, event.actor, event.revision) == ("interview.confirmed", "candidate", 0)


@pytest.mark.usefixtures("linked_interview")
def test_link_shows_and_confirms_as_a_page(client: FlaskClient) -> None:
    page = client.get(path())
    assert (page.status_code, page.mimetype) == (200, "text/html")
    for text in ("Tech Solutions Inc", "Senior Frontend Developer", "Wednesday, 15 May 2999, 14:30", "Asia/Kolkata"):
        assert text in page.text
    assert page.text.count("<button>") == 1
    foreign = client.post(path(), data={"button": ""}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, "Tech Solutions Inc" in foreign.text) == (403, False)
    response = client.post(path(), data={"button": "", "x": "y"}, headers=SAME_ORIGIN)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "You have confirmed this interview." in response.text
    assert "<button>" not in response.text
    again = client.post(path())
    assert (again.status_code, again.mimetype) == (400, "text/html")
    for text in ("Interview is no longer pending confirmation", "You have confirmed this interview."):
        assert text in again.text, "a second click shows what the first has done"


@pytest.mark.parametrize("sent", [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
])  # fmt: skip
@pytest.mark.parametrize("media_type", [
    None, "text/plain", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "TEXT/PLAIN", "x", "",
    "application/jsonx",
])  # fmt: skip
@pytest.mark.usefixtures("linked_interview")
def test_request_of_another_site_confirms_nothing(
    sent: dict[str, str], media_type: str | None, client: FlaskClient, database: Database
) -> None:
    """A browser sends these without asking; it would ask before it sends JSON."""
    before = everything(database)
    headers = JSON | sent | ({} if media_type is None else {"Content-Type": media_type})
    response = client.post(path(), headers=headers)
    assert (response.status_code, response.get_json()["message"]) == (403, "This form was sent from another site")
    assert everything(database) == before


@pytest.mark.parametrize("headers", [
    {}, {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    SAME_ORIGIN, {"Origin": "http://127.0.0.1:8000"}, SAME_ORIGIN | {"Content-Type": "text/plain"},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"},
])  # fmt: skip
@pytest.mark.usefixtures("linked_interview")
def test_program_and_allowed_origin_confirm_without_a_body(headers: dict[str, str], client: FlaskClient) -> None:
    assert client.post(path(), headers=JSON | headers).status_code == 200


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/html"), ("", "text/html"), ("*/*", "text/html"), ("text/*", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"), ("application/json, text/plain, */*", "application/json"),
        ("application/json, text/html", "application/json"), ("text/html, application/json", "text/html"),
        ("application/json;q=0.5, text/html;q=0.9", "text/html"),
        ("application/json;q=0.9, text/html;q=0.5", "application/json"),
        ("application/json;q=0", "text/html"), ("application/*", "text/html"), ("image/png", "text/html"),
        ("nonsense", "text/html"), ("application/json;q=x", "text/html"), ("APPLICATION/JSON", "application/json"),
        ("application/json; charset=utf-8", "application/json"), ("application/json;version=1", "application/json"),
        ("Text/HTML;level=1, application/json;q=0.9", "text/html"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("linked_interview")
def test_link_answers_json_only_when_accept_prefers_it(accept: str | None, kind: str, client: FlaskClient) -> None:
    headers = {} if accept is None else {"Accept": accept}
    for good, address in ((True, path()), (False, path(key="k" * 40))):
        response = client.get(address, headers=headers)
        assert (response.status_code, response.mimetype) == (200 if good else 400, kind)
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "Set-Cookie" not in response.headers


@pytest.mark.usefixtures("linked_interview")
def test_forged_link_tokens_are_refused(
    app: Flask, client: FlaskClient, linked_interview: dict[str, Any], database: Database
) -> None:
    token = make_token(KEY, INTERVIEW, 0)
    payload, _, signature = token.partition(".")
    with app.app_context():
        access = issue_access_token(begin_session(linked_interview["id"]))
    spare = f"{payload}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}"  # decodes to the same bytes
    forged = [
        token[:-1], token[1:], token + "A", token + "=", token + "\n", f" {token}", payload, f"{payload}.",
        f".{signature}", f"{signature}.{payload}", f"{payload}.{signature}.{signature}", spare, token.swapcase(),
        make_token("k" * 40, INTERVIEW, 0), make_token(SECRETS["JWT_SECRET_KEY"], INTERVIEW, 0),
        make_token(KEY, INTERVIEW, 1), make_token(KEY, INTERVIEW, -1), make_token(KEY, "f" * 24, 0), access, "x",
        INTERVIEW, "x" * 10_000, "\x00", "é", "💩", "%ff", "null", "[]",
    ]  # fmt: skip
    before = everything(database)
    for wrong in forged:
        for method in ("GET", "POST"):
            response = client.open(f"/interviews/confirm/{quote(wrong)}", method=method, headers=JSON)
            assert (response.status_code, response.get_json()) == (400, INVALID), (method, wrong)
    assert everything(database) == before
    assert client.get("/candidate/interviews", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize(
    ("move", "body"), [("reschedule", local(in_days(5))), ("cancel", {"cancellationReason": "x"}), ("decline", {})]
)
def test_transition_invalidates_older_links(
    move: str, body: dict[str, Any], people: People, client: FlaskClient, runner: FlaskCliRunner
) -> None:
    us, candidate = people.us, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    interview_path = f"/interviews/{interview['interviewId']}"
    link = path(interview["interviewId"])
    assert client.get(link).status_code == 200
    (candidate if move == "decline" else us).ok(
        "PUT", f"{'/candidate' * (move == 'decline')}{interview_path}/{move}", body
    )
    for method in ("GET", "POST"):
        response = client.open(link, method=method, headers=JSON)
        assert (response.status_code, response.get_json()) == (400, INVALID)
    printed = runner.invoke(args=["interviews", "link", interview["interviewId"]]).output
    fresh = path(interview["interviewId"], 1)
    assert printed == f"http://127.0.0.1:8000{fresh}\n"
    assert client.get(fresh).status_code == 200
    assert client.post(fresh, headers=JSON).status_code == (200 if move == "reschedule" else 400)


@pytest.mark.usefixtures("linked_interview")
def test_link_ends_with_the_interview(client: FlaskClient, database: Database) -> None:
    for minutes, status in ((-59, 200), (-61, 400)):  # of 60
        with database.engine.begin() as connection:
            connection.execute(update(Interview).values(starts_at=in_days(minutes / 1440)))
        for method in ("GET", "POST"):
            response = client.open(path(), method=method, headers=JSON)
            assert response.status_code == status
            assert status == 200 or response.get_json() == INVALID


@pytest.mark.parametrize(
    ("status", "words"),
    [("confirmed", "You have confirmed"), ("completed", "is completed"), ("annule", "is cancelled")],
)
def test_link_page_shows_the_status(status: str, words: str, client: FlaskClient, world: World) -> None:
    world.candidate_with({"id": INTERVIEW, "status": status, "scheduledDate": "2999-05-15T09:00:00.000Z"})
    world.load()
    page = client.get(path())
    assert (page.status_code, words in page.text, "<button>" in page.text) == (200, True, False)


def test_hostile_text_stays_text_on_the_link_page(client: FlaskClient, world: World) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
    company = world.company(name=hostile, logo="https://evil.example/pixel.png")
    application = world.application(world.candidate(), world.job(company, title=hostile))
    texts = {"notes": hostile, "location": hostile, "internalNotes": "canary", "hiringDecisionReason": "canary"}
    world.interview(
        application, id=INTERVIEW, scheduledDate="2999-05-15T09:00:00.000Z", shareFeedback=False,
        feedback={"comments": "canary"}, meetingLink='https://meet.example/"onmouseover="x', **texts,
    )  # fmt: skip
    world.load()
    page = client.get(path())
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6
    assert page.text.count("<script>") == 1
    for bad in ("<img", 'link/"', '"onmouseover', "49", "evil.example", "canary"):
        assert bad not in page.text, bad
    assert "canary" not in client.get(path(), headers=JSON).text


@pytest.mark.slow  # 6,000 requests
@pytest.mark.proof
def test_safe_methods_on_links_change_nothing(client: FlaskClient, world: World, database: Database) -> None:
    """GET, HEAD and OPTIONS twenty times on each link, in every state."""
    states = ["en_attente", "confirmed", "completed", "annule"]
    ids = [f"{number:024x}" for number in range(1, figure(sample=8, full=100) + 1)]
    date = "2999-05-15T09:00:00.000Z"
    world.candidate_with(
        *(
            {"id": interview_id, "status": states[number % 4], "scheduledDate": date}
            for number, interview_id in enumerate(ids)
        )
    )
    world.load()
    before = everything(database)
    for interview_id in ids:
        link = path(interview_id)
        for method, status in (("GET", 200), ("HEAD", 200), ("OPTIONS", 200)):
            assert {client.open(link, method=method).status_code for _ in range(20)} == {status}
    assert everything(database) == before


@pytest.mark.usefixtures("linked_interview")
def test_invalid_body_of_a_link_is_refused(client: FlaskClient) -> None:
    for body, kind, status in (
        (b"{", "application/json", 400), (b'{"x": 1}', "application/json", 400), (b"x", "text/plain", 415),
        (b"x=" + b"y" * 70_000, "application/x-www-form-urlencoded", 413),
    ):  # fmt: skip
        response = client.post(path(), data=body, content_type=kind, headers=JSON | SAME_ORIGIN)
        assert (response.status_code, response.get_json()["statusCode"]) == (status, status)
        assert client.post(path(), data=body, content_type=kind, headers=SAME_ORIGIN).mimetype == "text/html"
    assert client.put(path()).status_code == 405
    assert Caller(client, JSON).ok("GET", path())["status"] == "en_attente"


def test_link_command_reports_an_unknown_interview(runner: FlaskCliRunner) -> None:
    for wrong in ("f" * 24, "nope"):
        result = runner.invoke(args=["interviews", "link", wrong])
        assert (result.exit_code, result.output) == (1, f"Error: there is no interview {wrong}\n")
    assert runner.invoke(args=["interviews", "moves"]).output.startswith("| move | by |")
