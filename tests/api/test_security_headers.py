"""Headers that protect against sniffing, framing, referrers and caches, on every answer."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.access_rules import COMPANY_USERS, RULES
from tests.support.api import Caller, invitation
from tests.support.linked_interview import path as link_path
from tests.support.people import People

ABSENT = "f" * 24
POLICY = "default-src 'none'; frame-ancestors 'none'"
VALIDATED = {"GET /openapi.json", "GET /docs", "GET /docs/<name>", "GET /jobs"}
"""Public reads, which caches may keep but must validate."""


def check(response: TestResponse, cache_control: str) -> None:
    for name in ("X-Content-Type-Options", "Cache-Control", "Content-Security-Policy", "Referrer-Policy"):
        assert len(response.headers.getlist(name)) == 1, name
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == cache_control
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("route", RULES)
def test_each_route_has_the_headers(route: str, people: People, client: FlaskClient) -> None:
    rule = RULES[route]
    interview = people.us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    ids = {"interview_id": interview["interviewId"], "company_id": people.us_company_id, "name": "init.js"}
    ids |= {"application_id": people.us_application_id, "token": link_path(interview["interviewId"]).rpartition("/")[2]}
    method, template = route.split()
    path = re.sub("<([a-z_]+)>", lambda match: ids.get(match[1], ABSENT), template)
    body = invitation(people.us_application_id) if rule.body == "invitation" else rule.body
    right = people.us if rule.role in COMPANY_USERS else people.candidate
    for caller in (right, Caller(client, {}), people.us, people.candidate):
        with caller.call(method, path, body) as response:
            is_read = method == "GET" and response.status_code == 200
            expected = "no-cache" if is_read and route in VALIDATED else "no-store"
            has_etag = "ETag" in response.headers and "/docs" not in path
            check(response, "private, no-cache" if has_etag else expected)
    for other_method, other_body in (("OPTIONS", None), ("HEAD", None), ("PATCH", None), (method, [1])):
        with right.call(other_method, path, other_body) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert len(response.headers.getlist("Cache-Control")) == 1


def test_response_without_a_page_may_load_nothing(people: People) -> None:
    for path in ("/auth/me", "/interviews/by-status", "/nope"):
        assert people.us.call("GET", path).headers["Content-Security-Policy"] == POLICY


@pytest.mark.parametrize("path", ["/", "/nope", "/%00", "//x", "/docs/x"])
def test_unknown_route_has_the_headers(path: str, client: FlaskClient) -> None:
    check(client.get(path), "no-store")


def test_304_has_the_headers_and_the_etag(candidate_reads: list[str], people: People) -> None:
    for path in candidate_reads:
        first = people.candidate.call("GET", path)
        check(first, "private, no-cache")
        again = people.candidate.call("GET", path, If_None_Match=first.headers["ETag"])
        assert again.status_code == 304
        check(again, "private, no-cache")
        assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.usefixtures("linked_interview")
def test_page_keeps_its_policy(client: FlaskClient) -> None:
    for path in (link_path(), "/docs", "/auth/password/reset"):
        with client.get(path, headers={"Accept": "text/html"}) as page:
            assert (page.status_code, page.mimetype) == (200, "text/html")
            assert "'self'" in page.headers["Content-Security-Policy"]
