"""Changes of credentials: the one list of what ends with them, and the mail about a new password."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from interviews_api.accounts.audit import record
from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.mail_repository import AccountMailRepository
from interviews_api.accounts.models import MailKind
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.reset_repository import ResetRepository
from interviews_api.accounts.session_repository import SessionRepository
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


def change_password(connection: Connection, user: Mapping[Any, Any], password_hash: str, *, keep_session: str) -> bool:
    """Replace the password that the user was read with, and end all access but the session.

    Return False if the password was changed meanwhile: the caller must roll back.
    """
    end_access(connection, user["id"], keep_session=keep_session)
    if not UserRepository(connection).change_password(user["id"], user["password_hash"], password_hash):
        return False
    record(connection, SecurityEventType.PASSWORD_CHANGED, user["id"])
    _write_mail_about_password(connection, user)
    return True


def reset_password(connection: Connection, user: Mapping[Any, Any], password_hash: str) -> None:
    """Set the password, end all access and verify the user's e-mail address, to which the link was mailed."""
    end_access(connection, user["id"])
    users = UserRepository(connection)
    users.set_password(user["id"], password_hash)
    users.verify_email(user["id"], now=now())
    record(connection, SecurityEventType.PASSWORD_RESET, user["id"])
    _write_mail_about_password(connection, user)


def _write_mail_about_password(connection: Connection, user: Mapping[Any, Any]) -> None:
    mails = AccountMailRepository(connection)
    mails.add(MailKind.PASSWORD_CHANGED, user["email"], originator_id=user["id"], user_id=user["id"], now=now())
