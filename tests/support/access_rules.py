"""Access rules: a line for each route, without which tests/api/test_access.py fails."""

import re
from typing import Any

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
# Route to its role, a valid body, and the messages for a foreign and for an absent id.
RULES: dict[str, tuple[str, Any, str | None, str | None]] = {
    "GET /health/live": (PUBLIC, None, None, None),
    "GET /health/ready": (PUBLIC, None, None, None),
    "GET /metrics": (PUBLIC, None, None, None),
    "GET /openapi.json": (PUBLIC, None, None, None),
    "GET /docs": (PUBLIC, None, None, None),
    "GET /docs/<name>": (PUBLIC, None, None, None),
    "POST /auth/login": (PUBLIC, {"email": "a@b.co", "password": "x"}, None, None),
    "POST /auth/register/candidate": (
        PUBLIC, {"email": "a@b.co", "password": "good" * 3, "firstName": "A", "lastName": "B"}, None, None,
    ),
    "POST /auth/register/company": (
        PUBLIC, {"email": "b@b.co", "password": "good" * 3, "company": {"name": "A"}}, None, None,
    ),
    "POST /auth/refresh": (REFRESH, None, None, None),
    "GET /auth/me": (SIGNED_IN, None, None, None),
    "GET /auth/me/activity": (SIGNED_IN, None, None, None),
    "POST /auth/logout": (SIGNED_IN, None, None, None),
    "PUT /auth/password": (SIGNED_IN, {"currentPassword": "x", "newPassword": "good" * 3}, None, None),
    "GET /auth/company/users": (COMPANY, None, None, None),
    "POST /auth/company/users": (OWNER, {"email": "c@b.co", "password": "good" * 3}, None, None),
    "PATCH /auth/company/users/<user_id>": (
        OWNER, {"role": "member"}, "This user does not belong to you", "User not found",
    ),
    "DELETE /auth/company/users/<user_id>": (
        OWNER, None, "This user does not belong to you", "User not found",
    ),
    "GET /auth/invitations/<token>": (PUBLIC, None, None, None),
    "POST /auth/invitations/<token>": (PUBLIC, {"password": "good" * 3}, None, None),
    "POST /auth/email/verification": (SIGNED_IN, None, None, None),
    "GET /auth/email/verify/<token>": (PUBLIC, None, None, None),
    "POST /auth/email/verify": (PUBLIC, {"token": "x"}, None, None),
    "POST /auth/email/not-me": (PUBLIC, {"token": "x"}, None, None),
    "GET /jobs": (PUBLIC, None, None, None),
    "POST /jobs": (COMPANY, {"title": "x"}, None, None),
    "POST /jobs/<job_id>/applications": (CANDIDATE, None, None, "Job not found"),
    "GET /application-status/candidate": (CANDIDATE, None, None, None),
    "PUT /application-status/<application_id>/mark-seen": (COMPANY, None, OURS, "Application not found"),
    "GET /interviews/company/<company_id>/candidates": (
        COMPANY, None, "This company is not yours", "Company not found",
    ),
    "POST /interviews/schedule": (COMPANY, "invitation", None, None),
    "GET /interviews/by-status": (COMPANY, None, None, None),
    "GET /interviews/application/<application_id>": (COMPANY, None, OURS, "Application not found"),
    "GET /interviews/<interview_id>": (COMPANY, None, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/confirm": (COMPANY, None, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/reschedule": (COMPANY, local(in_days(8)), MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/cancel": (COMPANY, REASON, MINE, "Interview not found"),
    "PUT /interviews/<interview_id>/complete": (COMPANY, {}, MINE, "Interview not found"),
    "GET /interviews/confirm/<token>": (PUBLIC, None, None, None),
    "POST /interviews/confirm/<token>": (PUBLIC, None, None, None),
    "GET /candidate/interviews": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/pending": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/upcoming": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/history": (CANDIDATE, None, None, None),
    "GET /candidate/interviews/<interview_id>": (CANDIDATE, None, MINE, "Interview not found"),
    "GET /candidate/interviews/<interview_id>/timeline": (CANDIDATE, None, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/confirm": (CANDIDATE, None, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/decline": (CANDIDATE, {}, MINE, "Interview not found"),
    "PUT /candidate/interviews/<interview_id>/request-reschedule": (CANDIDATE, {}, MINE, "Interview not found"),
    "GET /candidate/interviews/<interview_id>/calendar.ics": (CANDIDATE, None, MINE, "Interview not found"),
    "GET /candidate/interviews/updates": (PUBLIC, None, None, None),
    "POST /candidate/calendar-feed": (CANDIDATE, None, None, None),
    "GET /candidate/calendar-feed": (CANDIDATE, None, None, None),
    "DELETE /candidate/calendar-feed": (CANDIDATE, None, None, None),
    "GET /calendar/<secret>.ics": (PUBLIC, None, None, None),
    "POST /auth/password/forgot": (PUBLIC, {"email": "a@b.co"}, None, None),
    "GET /auth/password/reset": (PUBLIC, None, None, None),
    "POST /auth/password/reset": (PUBLIC, {"token": "x", "newPassword": "good" * 3}, None, None),
    "POST /webhooks": (OWNER, {"url": "https://nobody.invalid/hook"}, None, None),
    "GET /webhooks": (OWNER, None, None, None),
    "DELETE /webhooks/<webhook_id>": (OWNER, None, "This webhook does not belong to you", "Webhook not found"),
    "GET /push/public-key": (PUBLIC, None, None, None),
    "POST /candidate/push-subscriptions": (CANDIDATE, SUBSCRIPTION, None, None),
    "GET /candidate/push-subscriptions": (CANDIDATE, None, None, None),
    "DELETE /candidate/push-subscriptions": (CANDIDATE, {"endpoint": SUBSCRIPTION["endpoint"]}, None, None),
    "GET /candidate/muted-companies": (CANDIDATE, None, None, None),
    "PUT /candidate/muted-companies/<company_id>": (CANDIDATE, None, None, "Company not found"),
    "DELETE /candidate/muted-companies/<company_id>": (CANDIDATE, None, None, "Company not found"),
    "GET /interviews/<interview_id>/notices": (COMPANY, None, MINE, "Interview not found"),
    "POST /interviews/<interview_id>/notices/<notice_id>/resend": (COMPANY, None, MINE, "Interview not found"),
}  # fmt: skip

ID = "641a5f123456789012345678"


def _routes(*roles: str) -> list[tuple[str, str]]:
    """Return method and path of the routes for these roles."""
    named = (route.split() for route, rule in RULES.items() if rule[0] in roles)
    return [(method, re.sub("<[a-z_]+>", ID, template)) for method, template in named]


FOR_CANDIDATES = _routes(CANDIDATE)
PROTECTED = _routes(CANDIDATE, *COMPANY_USERS, SIGNED_IN)
