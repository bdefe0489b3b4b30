"""Changes of credentials: the one list of what ends with them, and the mail about a new password."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from interviews_api.accounts.mail_repository import AccountMailRepository
from interviews_api.accounts.models import MailKind
from interviews_api.accounts.repository import SessionRepository, UserRepository
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.accounts.standing_access import StandingAccess
from interviews_api.clock import now
from interviews_api.services import service


def end_access(connection: Connection, user_id: str, *, keep_session: str | None = None) -> None:
    """End the user's password resets, sessions but for one, and standing access.

    Locks the resets, then the user: a sign-in that came first has a session, which ends here.
    """
    ResetRepository(connection).void(user_id)
    UserRepository(connection).lock_user(user_id)
    SessionRepository(connection).end_all(user_id, keep=keep_session)
    service(StandingAccess).end(connection, user_id)


def write_mail_about_password(connection: Connection, user: Mapping[Any, Any]) -> None:
    """Write the mail about a new password to the user's address."""
    user_id = user["id"]
    mails = AccountMailRepository(connection)
    mails.add(MailKind.PASSWORD_CHANGED, user["email"], owner_id=user_id, user_id=user_id, now=now())
