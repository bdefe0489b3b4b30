"""How long texts may be and what names and links may contain; longer texts of seed files stay as they are."""

from typing import Any

import pytest

from tests.support.accounts import ADA, LUMEN
from tests.support.api import Caller, in_days, invitation, local
from tests.support.factories import World
from tests.support.people import People
from tests.support.typed_texts import LINKS, NAMES, NO_LINKS, NO_NAMES

VIDEO = {"type": "Video", "meetingLink": "https://meet.example/1"}


def problems(caller: Caller, method: str, path: str, body: object) -> dict[str, list[str]]:
    """Return the `details` of a 400, or nothing."""
    response = caller.call(method, path, body)
    if response.status_code < 400:
        return {}
    answer = response.get_json()
    assert response.status_code == 400
    details: dict[str, list[str]] = answer["details"]
    assert answer["message"].startswith(f"{next(iter(details))}: ")
    return details


def nested(field: str, value: object) -> dict[str, Any]:
    """Return the body with the value at a dotted name."""
    outer, _, inner = field.partition(".")
    return {outer: {inner: value}} if inner else {outer: value}


@pytest.mark.parametrize(
    ("side", "action", "field", "maximum"),
    [
        ("us", "schedule", "location", 500),
        ("us", "schedule", "notes", 5000),
        ("us", "schedule", "internalNotes", 10_000),
        ("us", "reschedule", "location", 500),
        ("us", "reschedule", "notes", 5000),
        ("us", "reschedule", "internalNotes", 10_000),
        ("us", "cancel", "cancellationReason", 2000),
        ("us", "complete", "hiringDecisionReason", 2000),
        ("us", "complete", "feedback.comments", 10_000),
        ("candidate", "decline", "reason", 2000),
        ("candidate", "request-reschedule", "reason", 2000),
        ("us", "job", "title", 200),
        ("us", "job", "description", 10_000),
    ],
)
def test_text_has_at_most_so_many_characters(side: str, action: str, field: str, maximum: int, people: People) -> None:
    caller, method, path, body = people.caller(side), "PUT", "", {}
    if action == "job":
        method, path, body = "POST", "/jobs", {"title": "x"}
    elif action == "schedule":
        method, path, body = "POST", "/interviews/schedule", invitation(people.us_application_id)
    else:
        interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
        prefix = "/interviews" if side == "us" else "/candidate/interviews"
        path = f"{prefix}/{interview['interviewId']}/{action}"
        body = local(in_days(9)) if action == "reschedule" else {}
    details = problems(caller, method, path, body | nested(field, "é" * (maximum + 1)))
    assert list(details) == [field]
    assert len(details[field]) == 1
    assert problems(caller, method, path, body | nested(field, "é" * maximum)) == {}


@pytest.mark.parametrize("field", ["strengths", "weaknesses"])
def test_feedback_lists_have_at_most_20_entries_of_500_characters(field: str, people: People) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{interview['interviewId']}/complete"
    too_many = problems(people.us, "PUT", path, {"feedback": {field: ["x"] * 21}})
    assert too_many == {f"feedback.{field}": ["Longer than maximum length 20."]}
    too_long = problems(people.us, "PUT", path, {"feedback": {field: ["x", "x" * 501]}})
    assert too_long == {f"feedback.{field}.1": ["Length must be between 0 and 500."]}
    assert problems(people.us, "PUT", path, {"feedback": {field: ["x" * 500] * 20}}) == {}


def name_routes(name: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return side, path, field and body of each request that names a person, a company or a job."""
    return [
        ("us", "/jobs", "title", {"title": name}),
        ("anonymous", "/auth/register/candidate", "firstName", ADA | {"firstName": name}),
        ("anonymous", "/auth/register/candidate", "lastName", ADA | {"lastName": name}),
        ("anonymous", "/auth/register/company", "company.name", LUMEN | {"company": {"name": name}}),
    ]


@pytest.mark.parametrize("number", range(4))
def test_name_is_one_visible_line_without_an_address(number: int, people: People, anonymous: Caller) -> None:
    for name in (*NO_NAMES, "A\n", "x" * 201, *(() if number in (1, 2) else ("",))):  # persons may lack one name
        side, path, field, body = name_routes(name)[number]
        caller = anonymous if side == "anonymous" else people.us
        details = problems(caller, "POST", path, body)
        assert list(details) == [field], ascii(name)
        assert len(details[field]) == 1


@pytest.mark.parametrize("name", [*NAMES, "x" * 200])
def test_name_that_people_have_is_accepted_and_kept(name: str, people: People, anonymous: Caller) -> None:
    assert people.us.ok("POST", "/jobs", {"title": name})["title"] == name
    user = anonymous.ok("POST", "/auth/register/candidate", ADA | {"firstName": name, "lastName": name})["user"]
    assert (user["firstName"], user["lastName"]) == (name, name)
    account = LUMEN | {"email": "other@lumen.example", "company": {"name": name}}
    assert anonymous.ok("POST", "/auth/register/company", account)["user"]["company"]["name"] == name


def test_meeting_link_is_http_with_a_host_and_without_user_info(people: People) -> None:
    body = invitation(people.us_application_id) | VIDEO
    for link in NO_LINKS:
        details = problems(people.us, "POST", "/interviews/schedule", body | {"meetingLink": link})
        (problem,) = details.pop("meetingLink")
        assert not details
        assert problem.startswith("Must be an http or https link.") or "hidden character (U+" in problem, ascii(link)
    path = f"/interviews/{people.us.ok('POST', '/interviews/schedule', body)['interviewId']}/reschedule"
    for days, (link, uri) in enumerate(LINKS.items(), 20):
        body = local(in_days(days)) | {"meetingLink": link}
        assert people.us.ok("PUT", path, body)["meetingLink"] == uri
    refused = problems(people.us, "PUT", path, local(in_days(9)) | {"meetingLink": NO_LINKS[-1]})
    assert list(refused) == ["meetingLink"]


def test_logo_is_http_with_a_host_and_without_user_info(anonymous: Caller) -> None:
    for number, link in enumerate((*NO_LINKS, *LINKS)):
        body = {"email": f"{number}@b.co", "password": "good" * 3, "company": {"name": "A", "logo": link}}
        details = problems(anonymous, "POST", "/auth/register/company", body)
        assert list(details) == ([] if link in LINKS else ["company.logo"]), ascii(link)


def test_longer_texts_of_a_seed_file_are_served_whole_and_stay(app: Any, people: People, world: World) -> None:
    long = "x" * 20_000
    texts = {"notes": long, "internalNotes": long, "location": long}
    feedback = {"comments": long, "strengths": ["x" * 1000] * 50}
    job = world.job(world.content["companies"][0], title=long, description=long)
    application = world.application(world.candidate(firstName=long, lastName="x"), job)
    open_one = world.interview(application, scheduledDate="2999-05-15T09:00:00.000Z", type="InPerson", **texts)
    world.interview(application, status="completed", feedback=feedback, hiringDecisionReason=long)
    world.load()
    moved = people.us.ok("PUT", f"/interviews/{open_one['id']}/reschedule", local(in_days(9)))
    assert {name: moved[name] for name in texts} == texts
    assert (moved["job"]["title"], moved["candidate"]["fullName"]) == (long, f"{long} x")
    ended = people.us.ok("GET", "/interviews/by-status?status=completed")["interviews"][0]
    assert (ended["feedback"], ended["hiringDecisionReason"]) == (feedback, long)


def test_texts_keep_line_breaks_and_lose_other_controls(people: People) -> None:
    typed = "Bring\v1.\ta passport\r\n2.\x00 a pen\x01\x1b\x7f\x9f\f\x85".replace("\x00", "")
    kept = "Bring\n1.\ta passport\r\n2. a pen\n\n"
    body = invitation(people.us_application_id) | {"notes": typed, "internalNotes": typed}
    path = f"/interviews/{people.us.ok('POST', '/interviews/schedule', body)['interviewId']}"
    interview = people.us.ok("GET", path)
    assert (interview["notes"], interview["internalNotes"]) == (kept, kept)
    people.us.ok("PUT", f"{path}/cancel", {"cancellationReason": typed})
    assert people.us.ok("GET", path)["cancellationReason"] == kept
    assert problems(people.us, "PUT", f"{path}/cancel", {"cancellationReason": "\x01\x1f"})
