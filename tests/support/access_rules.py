"""Access rules: a line for each route, without which tests/api/test_access.py fails."""

import re
from typing import Any, NamedTuple

from interviews_api.crypto.vapid import new_private_key, public_key, read_private_key, to_base64url
from tests.support.api import in_days, local

PUBLIC, SIGNED_IN, REFRESH = "public", "signed in", "refresh token"
CANDIDATE, COMPANY, OWNER = "candidate", "company", "owner"
COMPANY_USERS = (COMPANY, OWNER)
"""Roles of routes for all users of a company, and for its owners alone: a member is refused there."""

REASON = {"cancellationReason": "x"}
MINE, OURS = "This interview does not belong to you", "This application does not belong to you"
SUBSCRIPTION = {
    "endpoint": "https://push.invalid/send/1", "expirationTime": None,
    "keys": {"p256dh": public_key(read_private_key(new_private_key())), "auth": to_base64url(b"x" * 16)},
}  # fmt: skip


class Rule(NamedTuple):
    """What a route asks for: a role, a valid body, and the messages for a foreign and for an absent id."""

    role: str
    body: Any = None
    foreign: str | None = None
    absent: str | None = None


RULES: dict[str, Rule] = {
    "GET /health/live": Rule(PUBLIC),
    "GET /health/ready": Rule(PUBLIC),
    "GET /metrics": Rule(PUBLIC),
    "GET /openapi.json": Rule(PUBLIC),
    "GET /docs": Rule(PUBLIC),
    "GET /docs/<name>": Rule(PUBLIC),
    "POST /auth/login": Rule(PUBLIC, {"email": "a@b.co", "password": "x"}),
    "POST /auth/register/candidate": Rule(
        PUBLIC, {"email": "a@b.co", "password": "good" * 3, "firstName": "A", "lastName": "B"},
    ),
    "POST /auth/register/company": Rule(
        PUBLIC, {"email": "b@b.co", "password": "good" * 3, "company": {"name": "A"}},
    ),
    "POST /auth/refresh": Rule(REFRESH),
    "GET /auth/me": Rule(SIGNED_IN),
    "GET /auth/me/activity": Rule(SIGNED_IN),
    "POST /auth/logout": Rule(SIGNED_IN),
    "PUT /auth/password": Rule(SIGNED_IN, {"currentPassword": "x", "newPassword": "good" * 3}),
    "GET /auth/company/users": Rule(COMPANY),
    "POST /auth/company/users": Rule(OWNER, {"email": "c@b.co", "password": "good" * 3}),
    "PATCH /auth/company/users/<user_id>": Rule(
        OWNER, {"role": "member"}, "This user does not belong to you", "User not found",
    ),
    "DELETE /auth/company/users/<user_id>": Rule(
        OWNER, None, "This user does not belong to you", "User not found",
    ),
    "GET /auth/invitations/<token>": Rule(PUBLIC),
    "POST /auth/invitations/<token>": Rule(PUBLIC, {"password": "good" * 3}),
    "POST /auth/email/verification": Rule(SIGNED_IN),
    "GET /auth/email/verify/<token>": Rule(PUBLIC),
    "POST /auth/email/verify": Rule(PUBLIC, {"token": "x"}),
    "POST /auth/email/not-me": Rule(PUBLIC, {"token": "x"}),
    "GET /jobs": Rule(PUBLIC),
    "POST /jobs": Rule(COMPANY, {"title": "x"}),
    "POST /jobs/<job_id>/applications": Rule(CANDIDATE, None, None, "Job not found"),
    "GET /application-status/candidate": Rule(CANDIDATE),
    "PUT /application-status/<application_id>/mark-seen": Rule(COMPANY, None, OURS, "Application not found"),
    "GET /interviews/company/<company_id>/candidates": Rule(
        COMPANY, None, "This company is not yours", "Company not found",
    ),
    "POST /interviews/schedule": Rule(COMPANY, "invitation"),
    "GET /interviews/by-status": Rule(COMPANY),
    "GET /interviews/application/<application_id>": Rule(COMPANY, None, OURS, "Application not found"),
    "GET /interviews/<interview_id>": Rule(COMPANY, None, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/confirm": Rule(COMPANY, None, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/reschedule": Rule(COMPANY, local(in_days(8)), MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/cancel": Rule(COMPANY, REASON, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/complete": Rule(COMPANY, {}, MINE, "Interview not found"),
    "GET /interviews/confirm/<token>": Rule(PUBLIC),
    "POST /interviews/confirm/<token>": Rule(PUBLIC),
    "POST /interviews/confirm/<token>/decline": Rule(PUBLIC, {}),
    "POST /interviews/confirm/<token>/request-reschedule": Rule(PUBLIC, {}),
    "GET /candidate/interviews": Rule(CANDIDATE),
    "GET /candidate/interviews/pending": Rule(CANDIDATE),
    "GET /candidate/interviews/upcoming": Rule(CANDIDATE),
    "GET /candidate/interviews/history": Rule(CANDIDATE),
    "GET /candidate/interviews/<interview_id>": Rule(CANDIDATE, None, MINE, "Interview not found"),
    "GET /candidate/interviews/<interview_id>/briefing": Rule(CANDIDATE, None, MINE, "Interview not found"),
    "GET /candidate/interviews/<interview_id>/timeline": Rule(CANDIDATE, None, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/confirm": Rule(CANDIDATE, None, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/decline": Rule(CANDIDATE, {}, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/request-reschedule": Rule(CANDIDATE, {}, MINE, "Interview not found"),
    "GET /candidate/interviews/<interview_id>/calendar.ics": Rule(CANDIDATE, None, MINE, "Interview not found"),
    "GET /candidate/interviews/updates": Rule(PUBLIC),
    "POST /candidate/calendar-feed": Rule(CANDIDATE),
    "GET /candidate/calendar-feed": Rule(CANDIDATE),
    "DELETE /candidate/calendar-feed": Rule(CANDIDATE),
    "GET /calendar/<secret>.ics": Rule(PUBLIC),
    "POST /auth/password/forgot": Rule(PUBLIC, {"email": "a@b.co"}),
    "GET /auth/password/reset": Rule(PUBLIC),
    "POST /auth/password/reset": Rule(PUBLIC, {"token": "x", "newPassword": "good" * 3}),
    "POST /webhooks": Rule(OWNER, {"url": "https://nobody.invalid/hook"}),
    "GET /webhooks": Rule(OWNER),
    "DELETE /webhooks/<webhook_id>": Rule(OWNER, None, "This webhook does not belong to you", "Webhook not found"),
    "GET /push/public-key": Rule(PUBLIC),
    "POST /candidate/push-subscriptions": Rule(CANDIDATE, SUBSCRIPTION),
    "GET /candidate/push-subscriptions": Rule(CANDIDATE),
    "DELETE /candidate/push-subscriptions": Rule(CANDIDATE, {"endpoint": SUBSCRIPTION["endpoint"]}),
    "GET /candidate/muted-companies": Rule(CANDIDATE),
    "PUT /candidate/muted-companies/<company_id>": Rule(CANDIDATE, None, None, "Company not found"),
    "DELETE /candidate/muted-companies/<company_id>": Rule(CANDIDATE, None, None, "Company not found"),
    "GET /interviews/<interview_id>/notices": Rule(COMPANY, None, MINE, "Interview not found"),
    "POST /interviews/<interview_id>/notices/<notice_id>/resend": Rule(COMPANY, None, MINE, "Interview not found"),
}  # fmt: skip

ID = "641a5f123456789012345678"


def _routes(*roles: str) -> list[tuple[str, str]]:
    """Return method and path of the routes for these roles."""
    named = (route.split() for route, rule in RULES.items() if rule.role in roles)
    return [(method, re.sub("<[a-z_]+>", ID, template)) for method, template in named]


FOR_CANDIDATES = _routes(CANDIDATE)
PROTECTED = _routes(CANDIDATE, *COMPANY_USERS, SIGNED_IN)
