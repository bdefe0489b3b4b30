"""A company's transitions: open states, If-Match, order of refusals, reschedule requests, feedback."""

from typing import Any

import pytest

from tests.support.api import in_days, invitation, local
from tests.support.people import People

OPEN_MOVES = [
    ("reschedule", local(in_days(5)), "rescheduled"),
    ("cancel", {"cancellationReason": "filled"}, "cancelled"),
    ("complete", {}, "completed"),
]


@pytest.mark.parametrize(("move", "body", "participle"), OPEN_MOVES)
@pytest.mark.parametrize("status", ["en_attente", "confirmed", "completed", "annule"])
def test_transition_needs_an_open_interview(
    status: str, move: str, body: dict[str, Any], participle: str, people: People
) -> None:
    us = people.us
    path = f"/interviews/{us.ok('POST', '/interviews/schedule', invitation(people.us_application_id))['interviewId']}"
    before = {"confirmed": ("confirm", None), "completed": ("complete", {}), "annule": OPEN_MOVES[1]}
    if status != "en_attente":
        us.ok("PUT", f"{path}/{before[status][0]}", before[status][1])
    if status in ("en_attente", "confirmed"):
        assert us.call("PUT", f"{path}/{move}", body).get_json()["message"] == f"Interview {participle} successfully"
        return
    unchanged = us.ok("GET", path)
    assert us.refused("PUT", f"{path}/{move}", body) == (400, f"Interview can no longer be {participle}")
    assert us.ok("GET", path) == unchanged


def test_if_match_refuses_a_transition_after_a_change(people: People) -> None:
    us, candidate = people.us, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    interview_path = f"/interviews/{interview['interviewId']}"
    seen, seen_by_candidate = (
        someone.call("GET", path).headers["ETag"]
        for someone, path in ((us, interview_path), (candidate, f"/candidate{interview_path}"))
    )
    candidate.ok("PUT", f"/candidate{interview_path}/request-reschedule", {"reason": "ill"})
    stale = (412, "It has changed since you read it")
    cancelled = {"cancellationReason": "x"}
    assert us.refused("PUT", f"{interview_path}/cancel", cancelled, If_Match=seen) == stale
    for never in ('"x"', f"W/{seen}", "nonsense", ""):
        assert us.refused("PUT", f"{interview_path}/cancel", cancelled, If_Match=never) == stale, never
    # The request is not in what the candidate sees: the candidate's ETag is still good.
    candidate.ok("PUT", f"/candidate{interview_path}/confirm", If_Match=seen_by_candidate)
    assert candidate.refused("PUT", f"/candidate{interview_path}/decline", If_Match=seen_by_candidate) == stale
    assert candidate.refused("PUT", f"/candidate{interview_path}/decline", {"x": 1}, If_Match='"x"')[0] == 400
    seen = us.call("GET", interview_path).headers["ETag"]
    us.ok("PUT", f"{interview_path}/complete", {}, If_Match=f'"other", {seen}')
    us_now = us.call("GET", interview_path)
    assert us.refused("PUT", f"{interview_path}/cancel", cancelled, If_Match="*")[0] == 400
    assert us.refused("PUT", f"{interview_path}/cancel", cancelled, If_Match=us_now.headers["ETag"])[0] == 400
    assert us.call("GET", interview_path, If_None_Match=us_now.headers["ETag"]).status_code == 304
    assert us.refused("PUT", f"/interviews/{'f' * 24}/cancel", cancelled, If_Match="*")[0] == 404


@pytest.mark.parametrize(("move", "body"), [(move, body) for move, body, _ in OPEN_MOVES] + [("confirm", {})])
def test_company_transition_refusals_come_in_order(move: str, body: dict[str, Any], people: People) -> None:
    us, them, candidate = people.us, people.them, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    us.ok("PUT", f"/interviews/{interview['interviewId']}/cancel", {"cancellationReason": "x"})
    bad, path = body | {"x": 1}, f"/interviews/{interview['interviewId']}/{move}"
    assert candidate.refused("PUT", path, bad) == (403, "Company credentials required")
    assert us.refused("PUT", path.replace(interview["interviewId"], "nope"), bad) == (404, "Interview not found")
    assert them.refused("PUT", path, bad) == (403, "This interview does not belong to you")
    assert them.refused("PUT", path, body) == (403, "This interview does not belong to you")
    assert us.refused("PUT", path, bad, If_Match='"x"') == (400, "x: Unknown field.")
    assert us.refused("PUT", path, body, If_Match='"x"')[0] == 412
    assert us.refused("PUT", path, body)[0] == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"feedback": {"overallRating": 11}}, "feedback.overallRating: "),
        ({"feedback": {"culturalFit": 0}}, "feedback.culturalFit: "),
        ({"feedback": {"recommendation": "maybe"}}, "feedback.recommendation: "),
        ({"feedback": {"strengths": [1]}}, "feedback.strengths.0: "),
        ({"feedback": []}, "feedback: "),
        ({"isHired": "yes"}, "isHired: "),
        ({"shareFeedback": None}, "shareFeedback: "),
    ],
)
def test_invalid_feedback_names_its_field(body: dict[str, Any], message: str, people: People) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    status, reply = people.us.refused("PUT", f"/interviews/{interview['interviewId']}/complete", body)
    assert status == 400
    assert reply.startswith(message), reply


@pytest.mark.parametrize("move", ["confirm", "reschedule", "cancel", "complete"])
def test_reschedule_request_stands_until_the_next_transition(move: str, people: People) -> None:
    us, candidate = people.us, people.candidate
    path = f"/interviews/{us.ok('POST', '/interviews/schedule', invitation(people.us_application_id))['interviewId']}"
    candidate.ok("PUT", f"/candidate{path}/request-reschedule", {"reason": "ill"})
    candidate.ok("PUT", f"/candidate{path}/request-reschedule", {"proposedTimes": ["2999-01-01T00:00:00.000Z"]})
    wish = us.ok("GET", path)["rescheduleRequest"]
    assert (wish["reason"], wish["proposedTimes"]) == (None, ["2999-01-01T00:00:00.000Z"])
    bodies = {name: body for name, body, _ in OPEN_MOVES}
    assert us.ok("PUT", f"{path}/{move}", bodies.get(move))["rescheduleRequest"] is None


NO_INSTANT = "proposedTimes.0: Must be an instant like 2025-05-15T09:00:00.000Z."


def test_proposed_times_are_read_in_every_form_of_rfc_3339(people: People) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{interview['interviewId']}"
    typed = ["2999-05-15T09:00:00.0000000Z", "2999-05-15T09:00:00.123456789Z", "2999-05-15t14:30:00.5+05:30",
             "2999-05-15t09:00:00z", "2999-12-31T23:59:60Z"]  # fmt: skip
    shown = ["2999-05-15T09:00:00.000Z", "2999-05-15T09:00:00.123Z", "2999-05-15T09:00:00.500Z",
             "2999-05-15T09:00:00.000Z", "3000-01-01T00:00:00.000Z"]  # fmt: skip
    people.candidate.ok("PUT", f"/candidate{path}/request-reschedule", {"proposedTimes": typed})
    assert people.us.ok("GET", path)["rescheduleRequest"]["proposedTimes"] == shown


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"proposedTimes": ["2020-01-01T00:00:00.000Z"]}, "proposedTimes.0: Must lie in the future."),
        ({"proposedTimes": ["tomorrow"]}, "proposedTimes.0: Must be an instant like 2025-05-15T09:00:00.000Z."),
        (
            {"proposedTimes": ["2999-01-01T00:00:60Z"]},
            "proposedTimes.0: Must be an instant like 2025-05-15T09:00:00.000Z.",
        ),
        ({"proposedTimes": ["2999-01-01T00:00:00.000Z"] * 6}, "proposedTimes: Longer than maximum length 5."),
        ({"reason": 5}, "reason: Not a valid string."),
    ],
)
def test_invalid_reschedule_request_names_its_field(wish: dict[str, Any], message: str, people: People) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/candidate/interviews/{interview['interviewId']}/request-reschedule"
    assert people.candidate.refused("PUT", path, wish) == (400, message)
