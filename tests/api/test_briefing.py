"""The briefing of an interview: its keys, what may be done, and its cache."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from interviews_api.clock import format_instant
from tests.support.api import Caller, in_days, invitation, local
from tests.support.factories import World
from tests.support.people import People

ACTIONS = {
    "en_attente": ["confirm", "decline", "request-reschedule"],
    "confirmed": ["decline", "request-reschedule", "calendar"],
    "completed": [],
    "annule": [],
}


def test_briefing_has_what_a_page_needs_besides_the_details(people: People) -> None:
    start = in_days(3)
    body = invitation(people.us_application_id, **local(start), timeZone="UTC", durationMinutes=90)
    interview_id = people.us.ok("POST", "/interviews/schedule", body)["interviewId"]
    path = f"/candidate/interviews/{interview_id}"
    wish = {"reason": "ill", "proposedTimes": [format_instant(in_days(4))]}
    people.candidate.ok("PUT", f"{path}/request-reschedule", wish)
    people.us.ok("PUT", f"/interviews/{interview_id}/reschedule", local(start) | {"notes": "x"})
    response = people.candidate.call("GET", f"{path}/briefing").get_json()
    request = response["data"]["rescheduleRequest"]
    assert response == {
        "message": "Interview briefing retrieved successfully",
        "data": {
            "interviewId": interview_id,
            "endsAt": format_instant(start + timedelta(minutes=90)),
            "timeZone": "UTC",
            "durationMinutes": 90,
            "revision": 1,
            "contact": {"name": "us", "email": None, "phone": None},
            "rescheduleRequest": wish | {"requestedAt": request["requestedAt"]},
            "notAnswered": False,
            "allowedActions": ACTIONS["en_attente"],
        },
    }


@pytest.mark.parametrize("status", ACTIONS)
def test_briefing_says_what_may_be_done_and_whom_to_contact(
    status: str, world: World, headers: Any, client: Any
) -> None:
    company = world.company(phone="+1-555-0123", email="hr@techsolutions.com")
    me = world.candidate()
    interview = world.interview(world.application(me, world.job(company)), status=status)
    world.load()
    caller = Caller(client, headers(me["id"]))
    briefing = caller.ok("GET", f"/candidate/interviews/{interview['id']}/briefing")
    assert briefing["allowedActions"] == ACTIONS[status]
    assert briefing["notAnswered"] == (status == "en_attente"), "its end has passed"
    contact = {"name": "Tech Solutions Inc", "email": "hr@techsolutions.com", "phone": "+1-555-0123"}
    assert briefing["contact"] == contact


def test_briefing_changes_when_an_unanswered_interview_ends(
    cached_workers: list[Any], world: World, headers: Any
) -> None:
    present = in_days(0) + timedelta(minutes=2)  # once the token is issued
    end = present + timedelta(minutes=3)
    start = format_instant(end - timedelta(minutes=60))
    me = world.candidate_with({"id": "a" * 24, "scheduledDate": start})
    world.load()
    authorization = headers(me["id"])
    caching, _, uncached = (Caller(worker.test_client(), authorization) for worker in cached_workers)
    answers, tags = [], []
    moments = [present, end - timedelta(milliseconds=1), end, end + timedelta(minutes=1), present]
    with time_machine.travel(present, tick=False) as clock:
        for moment in moments:
            clock.move_to(moment)
            read = [caller.call("GET", f"/candidate/interviews/{'a' * 24}/briefing")
                    for caller in (caching, caching, uncached)]  # fmt: skip
            assert read[0].data == read[1].data == read[2].data, moment
            answers.append(read[0].get_json()["data"]["notAnswered"])
            tags.append(read[0].headers["ETag"])
    assert answers == [False, False, True, True, False]
    assert len(set(tags)) == 2


def test_briefing_is_one_statement(people: People, statements: list[Any]) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/candidate/interviews/{interview['interviewId']}/briefing"
    people.candidate.ok("GET", path)
    statements.clear()
    people.candidate.ok("GET", path)
    assert len(statements) == 1
