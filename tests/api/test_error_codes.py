"""The header Error-Code: it names each refusal, so that clients can explain it in their own language."""

from itertools import chain

from flask.testing import FlaskClient

from interviews_api.errors import ApiError
from tests.support.api import Caller, in_days, invitation, local
from tests.support.error_codes import documented_codes
from tests.support.people import People


def classes(of: type[ApiError]) -> list[type[ApiError]]:
    return list(chain(of.__subclasses__(), *map(classes, of.__subclasses__())))


def test_each_refusal_has_a_code_of_its_own() -> None:
    codes = [error.code for error in classes(ApiError)]
    assert len(codes) == len(set(codes)) > 50
    assert {"interview_not_pending", "invalid_input", "unauthorized", "too_many_requests"} <= set(codes)


def test_codes_tell_refusals_of_one_status_apart(people: People, anonymous: Caller) -> None:
    id_ = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))["interviewId"]
    path = f"/candidate/interviews/{id_}"
    people.candidate.ok("PUT", f"{path}/decline", {})
    refusals = {
        "interview_not_pending": people.candidate.call("PUT", f"{path}/confirm"),
        "too_late_to_reschedule": people.us.call("PUT", f"/interviews/{id_}/reschedule", local(in_days(9))),
        "invalid_input": people.us.call("PUT", f"/interviews/{id_}/reschedule", {"date": "tomorrow"}),
        "input_refused": people.us.client.put(
            f"/interviews/{id_}/cancel", data=b"{", headers=people.us.headers, content_type="application/json"
        ),
        "interview_not_found": people.candidate.call("GET", f"/candidate/interviews/{'0' * 24}"),
        "not_found": anonymous.call("GET", "/nowhere"),
        "method_not_allowed": anonymous.call("DELETE", "/auth/login"),
        "unauthorized": anonymous.call("GET", path),
        "wrong_credentials": anonymous.call("POST", "/auth/login", {"email": "a@b.example", "password": "x"}),
        "candidate_credentials_required": people.us.call("GET", path),
        "not_your_interview": people.them.call("GET", f"/interviews/{id_}"),
        "upgrade_required": people.candidate.call("GET", "/candidate/interviews/updates"),
        "invalid_link": anonymous.call("GET", "/interviews/confirm/forged", Accept="text/html"),
    }
    assert {code: response.headers["Error-Code"] for code, response in refusals.items()} == {
        code: code for code in refusals
    }


def test_replayed_conflict_keeps_its_code(people: People) -> None:
    body = invitation(people.us_application_id)
    people.us.ok("POST", "/interviews/schedule", body)
    replies = [people.us.call("POST", "/interviews/schedule", body, Idempotency_Key="k") for _ in range(2)]
    assert [reply.headers.get("Idempotent-Replayed") for reply in replies] == [None, "true"]
    assert [reply.headers["Error-Code"] for reply in replies] == ["overlapping_interview"] * 2


def test_success_has_no_code(people: People) -> None:
    assert "Error-Code" not in people.us.call("GET", "/jobs").headers


def test_document_lists_the_codes_of_each_error(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    errors = {
        (operation["operationId"], status)
        for item in document["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
        if status >= "400"
    }
    codes = documented_codes(document)
    assert codes.keys() == errors
    assert "interview_not_pending" in codes["confirm_interview", "400"]
    assert codes["schedule_interview", "409"] == [
        "overlapping_interview", "request_still_running", "too_many_open_interviews",
    ]  # fmt: skip
