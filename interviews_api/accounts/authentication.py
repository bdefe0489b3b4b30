"""Decorators that require a signed-in viewer, of any role or of one, and an owner of a company."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from interviews_api.accounts.colleague_repository import ColleagueRepository
from interviews_api.accounts.email_verification import refuse_unverified_viewer
from interviews_api.accounts.errors import (
    CandidateCredentialsRequired,
    CompanyCredentialsRequired,
    EmailNotVerified,
    OwnerRightsRequired,
)
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.tokens import bearer_token, check_user, read_access_token, read_refresh_token
from interviews_api.db.connections import read_connection
from interviews_api.errors import ApiError, InputRefused
from interviews_api.web.route_contract import Layer, View, extend_contract


def user_required(view: View) -> View:
    """Call the view with the token's Viewer; 401 without a valid token."""
    return _signed_in(view, lambda: (read_access_token(bearer_token()),), role="any")


def refresh_token_required(view: View) -> View:
    """Call the view with the refresh token's Viewer and the token's id; 401 without a valid token."""
    return _signed_in(view, lambda: read_refresh_token(bearer_token()), role="any", security_scheme="refreshToken")


def _signed_in(view: View, read_token: Callable[[], tuple[Any, ...]], **contract: Any) -> View:
    """Call the view with the token's Viewer, then the rest of what `read_token` returns.

    The view's own statements prove that the user exists. When refused input ends the request before them, the user is
    looked up here: a 401 comes before a 400.
    """

    @wraps(view)
    def guarded(**path: Any) -> Any:
        viewer, *rest = read_token()
        try:
            return view(viewer, *rest, **path)
        except InputRefused:
            check_user(viewer)
            raise

    return extend_contract(guarded, Layer.ROLE, **contract)


def _role_required(
    role: Role, *, opens_unverified: bool = False, errors: tuple[type[ApiError], ...] = (), **contract: Any
) -> Callable[[View], View]:
    wrong_role = CandidateCredentialsRequired if role is Role.CANDIDATE else CompanyCredentialsRequired
    errors = (wrong_role, *(() if opens_unverified else (EmailNotVerified,)), *errors)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(viewer: Viewer, **path: Any) -> Any:
            if viewer.role is not role:
                check_user(viewer)
                raise wrong_role
            if not opens_unverified:
                refuse_unverified_viewer(viewer)
            return view(viewer, **path)

        declared = {"role": role.value, "errors": errors, **contract}
        return _signed_in(guarded, lambda: (read_access_token(bearer_token()),), **declared)

    return decorate


candidate_required = _role_required(Role.CANDIDATE)
"""Call the view with the token's Viewer; 403 unless it is a candidate, and one with a verified address."""

company_required = _role_required(Role.COMPANY)
"""Call the view with the token's Viewer; 403 unless it is a company user, and one with a verified address."""

any_company_required = _role_required(Role.COMPANY, opens_unverified=True)
"""Call the view with the token's Viewer; 403 unless it is a company user. For routes of accounts."""


def _owner_required(*, opens_unverified: bool = False) -> Callable[[View], View]:
    role_required = _role_required(
        Role.COMPANY, opens_unverified=opens_unverified, needs_owner=True, errors=(OwnerRightsRequired,)
    )

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(viewer: Viewer, **path: Any) -> Any:
            with read_connection() as connection:
                ColleagueRepository(connection).check_owner(viewer)
            return view(viewer, **path)

        return role_required(guarded)

    return decorate


owner_required = _owner_required()
"""Call the view as `company_required` does; 403 unless the viewer is an owner of its company.

The refusal precedes those of the path and the body. A change of colleagues checks again, under its lock.
"""

any_owner_required = _owner_required(opens_unverified=True)
"""Call the view as `owner_required` does, also for an unverified address. For routes of accounts."""
