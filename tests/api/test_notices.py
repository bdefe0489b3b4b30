"""Refusals of a resend come in order."""

from tests.support.api import invitation
from tests.support.people import People


def test_resend_refusals_come_in_order(people: People) -> None:
    us, them = people.us, people.them
    interview = us.ok("POST", "/interviews/schedule", invitation(people.us_application_id))
    path = f"/interviews/{interview['interviewId']}/notices"
    notice_id = us.ok("GET", path)["notices"][0]["id"]
    bad = {"x": 1}
    assert us.refused("POST", f"/interviews/{'f' * 24}/notices/{notice_id}/resend", bad) == (404, "Interview not found")
    assert them.refused("POST", f"{path}/1/resend", bad) == (403, "This interview does not belong to you")
    assert us.refused("POST", f"{path}/999999999/resend", bad) == (404, "Notice not found")
    assert us.refused("POST", f"{path}/{notice_id}/resend", bad) == (400, "x: Unknown field.")
    assert us.refused("POST", f"{path}/{notice_id}/resend") == (400, "Notice cannot be resent")
