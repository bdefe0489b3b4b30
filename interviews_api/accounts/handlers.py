"""Blueprint `auth`: registration, sign-in, token refresh, sign-out, password change, own profile, verification."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint

from interviews_api.accounts import credentials
from interviews_api.accounts.account_limits import (
    count_login,
    count_registration,
    count_verification_mail,
    find_account,
)
from interviews_api.accounts.audit import failed_sign_in_recorded
from interviews_api.accounts.authentication import refresh_token_required, user_required
from interviews_api.accounts.email_verification import is_verification_required
from interviews_api.accounts.errors import (
    CandidatesSignInElsewhere,
    EmailAlreadyVerified,
    EmailTaken,
    RegistrationClosed,
    WrongCredentials,
)
from interviews_api.accounts.identity_provider import local_session_required, refuse_candidates_of_provider
from interviews_api.accounts.models import NO_SESSION, Viewer
from interviews_api.accounts.passwords import hash_password, is_password, refuse_email_as_password
from interviews_api.accounts.rate_limits import by_subject, count_attempt
from interviews_api.accounts.registration import register_as_candidate, register_as_company
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.schemas import (
    ME_SCHEMAS,
    SESSION_SCHEMAS,
    CandidateMe,
    CandidateSession,
    CompanyMe,
    CompanySession,
    Credentials,
    NewCandidate,
    NewCompany,
    PasswordChange,
    SchemaAndValue,
)
from interviews_api.accounts.session_repository import SessionRepository
from interviews_api.accounts.sign_in import begin_session, issue_tokens, sign_in, verify_credentials
from interviews_api.accounts.verification_repository import VerificationRepository
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import (
    LOGIN_FROM_ADDRESS,
    LOGIN_OF_ACCOUNT,
    LOGIN_OF_ACCOUNT_FROM_ADDRESS,
    PASSWORD_CHANGE,
    REGISTRATION,
    SUCCESSFUL_LOGINS,
    VERIFICATION_FROM_ADDRESS,
    VERIFICATION_OF_ACCOUNT,
    VERIFICATION_OF_ACCOUNT_FROM_ADDRESS,
)
from interviews_api.db.connections import read_connection, transaction
from interviews_api.errors import InvalidInput, Unauthorized
from interviews_api.services import service
from interviews_api.web.fields import Nothing
from interviews_api.web.operation import operation
from interviews_api.web.route_contract import Layer, View, extend_contract

blueprint = Blueprint("auth", __name__, url_prefix="/auth")

_REGISTRATION_LIMITS = (REGISTRATION, VERIFICATION_OF_ACCOUNT, VERIFICATION_OF_ACCOUNT_FROM_ADDRESS)


def _registration_open_for(*open_for: str, of_candidates: bool = False) -> Callable[[View], View]:
    """Answer 404 before validation unless REGISTRATION has one of these values.

    A route of candidates (`of_candidates`) is closed, too, while an identity provider has their accounts.
    """
    errors = (CandidatesSignInElsewhere, RegistrationClosed) if of_candidates else (RegistrationClosed,)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded() -> Any:
            if of_candidates:
                refuse_candidates_of_provider()
            if service(Settings).registration not in open_for:
                raise RegistrationClosed
            return view()

        return extend_contract(guarded, Layer.AVAILABILITY, errors=errors)

    return decorate


@blueprint.post("/register/candidate")
@_registration_open_for("open", "candidates", of_candidates=True)
@operation(
    "Candidate registered successfully",
    CandidateSession,
    status=201,
    body=NewCandidate,
    errors=(EmailTaken,),
    limits=_REGISTRATION_LIMITS,
)
def register_candidate(email: str, password: str, **person: str | None) -> dict[str, Any]:
    """Register a candidate and begin a session.

    Where addresses must be verified, an unverified account with the address is replaced; else EmailTaken.
    """
    refuse_email_as_password("password", password, email)
    count_registration(email, with_mail=is_verification_required())
    password_hash = hash_password(password)
    with transaction() as connection:
        user = register_as_candidate(connection, email, password_hash, **person)
        return begin_session(connection, user)


@blueprint.post("/register/company")
@_registration_open_for("open")
@operation(
    "Company registered successfully",
    CompanySession,
    status=201,
    body=NewCompany,
    errors=(EmailTaken,),
    limits=_REGISTRATION_LIMITS,
)
def register_company(email: str, password: str, company: dict[str, Any]) -> dict[str, Any]:
    """Register a company with its first user and begin a session.

    Where addresses must be verified, an unverified account with the address is replaced; else EmailTaken.
    """
    refuse_email_as_password("password", password, email)
    count_registration(email, with_mail=is_verification_required())
    password_hash = hash_password(password)
    with transaction() as connection:
        user = register_as_company(connection, email, password_hash, company)
        return begin_session(connection, user)


@blueprint.post("/login")
@operation(
    "Logged in successfully",
    CandidateSession,
    CompanySession,
    body=Credentials,
    errors=(WrongCredentials, CandidatesSignInElsewhere),
    limits=(LOGIN_OF_ACCOUNT_FROM_ADDRESS, LOGIN_OF_ACCOUNT, LOGIN_FROM_ADDRESS, SUCCESSFUL_LOGINS),
)
def log_in(email: str, password: str) -> SchemaAndValue:
    """Sign in with e-mail address and password.

    A hash of a password that is not in its normal form is renewed.
    """
    account = find_account(email)
    attempt = count_login(account)
    with failed_sign_in_recorded(account.user_id):
        verified = verify_credentials(account.user, password)
        with transaction() as connection:
            return SESSION_SCHEMAS[verified.user["role"]], sign_in(connection, account, verified, attempt)


@blueprint.post("/refresh")
@refresh_token_required
@operation("Token refreshed successfully", CandidateSession, CompanySession, body=Nothing)
def refresh(viewer: Viewer, refresh_id: str) -> SchemaAndValue:
    """Exchange a refresh token for new tokens.

    The token used last may be used again for `REFRESH_GRACE_SECONDS`, and gets the same refresh token as at first and a
    new access token: two tabs may refresh at once, and a lost response may be asked for again. Any other used token
    ends the session.
    """
    with transaction() as connection:
        grace = service(Settings).refresh_grace
        successor = SessionRepository(connection).rotate(viewer, refresh_id, grace=grace, now=now())
        user = UserRepository(connection).get(viewer) if successor else None
    if successor is None or user is None:
        raise Unauthorized
    return SESSION_SCHEMAS[user["role"]], issue_tokens(user, viewer, successor)


@blueprint.post("/logout")
@user_required
@local_session_required
@operation("Logged out successfully", Nothing, body=Nothing)
def log_out(viewer: Viewer) -> dict[str, Any]:
    """End the session of the token; its tokens are invalid at once."""
    with transaction() as connection:
        UserRepository(connection).get(viewer)
        SessionRepository(connection).end(viewer)
    return {}


@blueprint.put("/password")
@user_required
@local_session_required
@operation(
    "Password changed successfully",
    Nothing,
    body=PasswordChange,
    limits=(PASSWORD_CHANGE,),
)
def change_password(viewer: Viewer, *, current_password: str, new_password: str) -> dict[str, Any]:
    """Change the viewer's password; other sessions, feeds, push subscriptions and open invitations end."""
    with read_connection() as connection:
        user = UserRepository(connection).get(viewer)
    refuse_email_as_password("newPassword", new_password, user["email"])
    count_attempt([by_subject(PASSWORD_CHANGE, viewer.user_id)])
    is_right = is_password(user["password_hash"], current_password)
    new_hash = hash_password(new_password)
    with transaction() as connection:
        if not (is_right and credentials.change_password(connection, user, new_hash, keep_session=viewer.session_id)):
            raise InvalidInput({"currentPassword": ["Is not the current password."]})
    return {}


@blueprint.get("/me")
@user_required
@operation("User retrieved successfully", CandidateMe, CompanyMe)
def show_me(viewer: Viewer) -> SchemaAndValue:
    """Return the user that the token names."""
    with read_connection() as connection:
        user = UserRepository(connection).get(viewer)
    return ME_SCHEMAS[user["role"]], {"user": user}


@blueprint.post("/email/verification")
@user_required
@operation(
    "Verification mail sent",
    Nothing,
    status=202,
    body=Nothing,
    errors=(EmailAlreadyVerified,),
    limits=(VERIFICATION_FROM_ADDRESS,),
)
def ask_for_verification(viewer: Viewer) -> dict[str, Any]:
    """Send the viewer another mail with a link, valid for three days.

    The response is the same over the limit of the account, but then no mail is sent. The identity provider verifies its
    candidates itself, so they get none.
    """
    with read_connection() as connection:
        user = UserRepository(connection).get(viewer)
    has_room = count_verification_mail(find_account(user["email"]))
    if user["email_verified"]:
        raise EmailAlreadyVerified
    if has_room and viewer.session_id != NO_SESSION:
        with transaction() as connection:
            VerificationRepository(connection).send_again(viewer, now=now())
    return {}
