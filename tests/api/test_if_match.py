"""If-Match compares weakly on every transition that honours it: a proxy that compresses makes our ETags weak."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from interviews_api.web.route_contract import contract_of
from tests.support.api import Json, in_days, invitation, local
from tests.support.people import People
from tests.support.routes import routes

STALE = (412, "It has changed since you read it")
BODIES: dict[str, Json] = {
    "PUT /candidate/interviews/<interview_id>/confirm": {},
    "PUT /candidate/interviews/<interview_id>/decline": {},
    "PUT /candidate/interviews/<interview_id>/request-reschedule": {"reason": "ill"},
    "PUT /interviews/<interview_id>/confirm": {},
    "PUT /interviews/<interview_id>/reschedule": local(in_days(5)),
    "PUT /interviews/<interview_id>/cancel": {"cancellationReason": "filled"},
    "PUT /interviews/<interview_id>/complete": {},
}
FORMS: dict[str, Callable[[str], str]] = {
    "strong": lambda tag: tag,
    "weak": lambda tag: f"W/{tag}",
    "weak in a list": lambda tag: f'"other", W/{tag} ,W/"third"',
    "strong in a list": lambda tag: f'W/"other",{tag}',
    "any": lambda tag: "*",
}
OTHERS = ('"other"', 'W/"other"', '"a", W/"b"', "", "W/", 'w/"other"')


def test_each_route_with_if_match_is_tested(session_app: Flask) -> None:
    contracts = {
        route: contract_of(session_app.view_functions[rule.endpoint]) for route, rule in routes(session_app).items()
    }
    assert {route for route, contract in contracts.items() if contract and contract.if_match_read} == set(BODIES)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("route", BODIES)
def test_if_match_compares_weakly(route: str, form: str, people: People) -> None:
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    method, template = route.split()
    url = re.sub("<[a-z_]+>", interview["interviewId"], template)
    caller: Any = people.candidate if url.startswith("/candidate") else people.us
    tag = caller.call("GET", url.rpartition("/")[0]).headers["ETag"]
    for other in (*OTHERS, f'W/{tag[:-2]}"', tag.upper() if tag.upper() != tag else '"A"'):
        assert caller.refused(method, url, BODIES[route], If_Match=other) == STALE, other
    assert caller.call(method, url, BODIES[route], If_Match=FORMS[form](tag)).status_code == 200
