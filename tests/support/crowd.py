"""A company and many candidates for clients that work in parallel."""

from dataclasses import dataclass

from flask import Flask

from interviews_api.accounts.models import Role
from interviews_api.accounts.tokens import issue_access_token
from tests.support.factories import World
from tests.support.tokens import Headers, begin_session

FAR_AHEAD = {"type": "Phone", "scheduledDate": "2999-01-01T09:00:00.000Z"}


@dataclass(frozen=True)
class Crowd:
    """Headers of a company user and of each candidate, and each candidate's application and pending interviews."""

    company: Headers
    candidates: list[Headers]
    application_ids: list[str]
    pending_ids: list[list[str]]


def load_crowd(app: Flask, world: World, size: int, *, pending: int = 0, with_pending: int = 0) -> Crowd:
    """Store so many candidates with an application each, and sign all of them in.

    The first `with_pending` of them have `pending` interviews each.
    """
    company = world.company()
    user = world.company_user(company)
    candidates = [world.candidate() for _ in range(size)]
    applications = [world.application(candidate, world.job(company)) for candidate in candidates]
    pending_ids = [
        [world.interview(application, **FAR_AHEAD)["id"] for _ in range(pending)]
        for application in applications[:with_pending]
    ]
    world.load()

    def headers(user_id: str, role: Role = Role.CANDIDATE) -> Headers:
        with app.app_context():
            return {"Authorization": f"Bearer {issue_access_token(begin_session(user_id, role))}"}

    return Crowd(
        headers(user["id"], Role.COMPANY),
        [headers(candidate["id"]) for candidate in candidates],
        [application["id"] for application in applications],
        pending_ids,
    )
