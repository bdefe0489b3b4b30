"""Conditional requests: ETags of a candidate's reads and 304 responses."""

from datetime import timedelta

import time_machine
from sqlalchemy import update

from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from tests.support.api import Caller, in_days, invitation
from tests.support.fixtures import LISTS
from tests.support.people import People


def test_each_candidate_read_can_be_revalidated(candidate_reads: list[str], people: People) -> None:
    candidate = people.candidate
    for path in candidate_reads:
        fresh = candidate.call("GET", path)
        assert fresh.status_code == 200
        assert fresh.headers["Cache-Control"] == "private, no-cache"
        assert "Authorization" in fresh.headers["Vary"].split(", ")
        tag = fresh.headers["ETag"]
        assert tag[0] == tag[-1] == '"'
        for matching in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            for method in ("GET", "HEAD"):
                same = candidate.call(method, path, If_None_Match=matching)
                assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag), (path, matching)
                assert same.headers["Cache-Control"] == "private, no-cache"
        for other in ('"other"', "nonsense", "", tag[:-1]):
            again = candidate.call("GET", path, If_None_Match=other)
            assert (again.status_code, again.data) == (200, fresh.data), (path, other)
        nobody = Caller(candidate.client, {})
        assert nobody.refused("GET", path, If_None_Match=tag) == (401, "Unauthorized")
        assert people.us.refused("GET", path, If_None_Match=tag)[0] == 403


def test_etag_of_upcoming_changes_when_an_interview_begins(people: People, database: Database) -> None:
    """The interview begins within the access token's quarter of an hour."""
    us, candidate = people.us, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id, 1))
    us.ok("PUT", f"/interviews/{interview['interviewId']}/confirm")
    start = in_days(0) + timedelta(minutes=5)
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(starts_at=start))
    tags = [candidate.call("GET", path).headers["ETag"] for path in (LISTS[3], LISTS[0])]
    with time_machine.travel(start, tick=False):  # it begins now: that is still to come
        for path, tag in zip((LISTS[3], LISTS[0]), tags, strict=True):
            assert candidate.call("GET", path, If_None_Match=tag).status_code == 304
    with time_machine.travel(start + timedelta(milliseconds=1), tick=False):
        for path, tag in zip((LISTS[3], LISTS[0]), tags, strict=True):
            assert candidate.call("GET", path, If_None_Match=tag).status_code == 200
        assert candidate.ok("GET", LISTS[3])["total"] == candidate.ok("GET", LISTS[0])["upcomingCount"] == 0


def test_etag_of_details_changes_only_with_their_content(people: People) -> None:
    us, candidate = people.us, people.candidate
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/candidate/interviews/{interview['interviewId']}"
    tag = candidate.call("GET", path).headers["ETag"]
    candidate.ok("PUT", f"{path}/request-reschedule", {"reason": "ill"})
    us.ok("PUT", f"/application-status/{people.us_application_id}/mark-seen")
    assert candidate.call("GET", path, If_None_Match=tag).status_code == 304
    us.ok("PUT", f"/interviews/{interview['interviewId']}/confirm")
    assert candidate.call("GET", path, If_None_Match=tag).status_code == 200
