"""Registration: a new account, by itself or by an invitation, and the mail by which its e-mail address is verified.

Where verified addresses are required, an account that was never verified gives way to a later registration: it is
replaced, or deleted if it has another role or colleagues.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from interviews_api.accounts.approval import new_company_approval
from interviews_api.accounts.audit import record
from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.credentials import end_access
from interviews_api.accounts.email_verification import is_verification_required
from interviews_api.accounts.errors import EmailTaken, InvalidVerification
from interviews_api.accounts.invitation_repository import InvitationRepository
from interviews_api.accounts.mail_repository import AccountMailRepository
from interviews_api.accounts.models import CompanyRole, Role
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.standing_access import StandingAccess
from interviews_api.accounts.unverified_repository import UnverifiedAccountRepository
from interviews_api.accounts.verification_repository import VerificationRepository
from interviews_api.clock import now
from interviews_api.services import service


def register_as_candidate(connection: Connection, email: str, password_hash: str, **person: str | None) -> RowMapping:
    """Add a candidate, or replace an unverified account, and return the user; raises EmailTaken."""
    users, accounts = UserRepository(connection), UnverifiedAccountRepository(connection)
    user = users.add_candidate(email, password_hash, now=now(), **person)
    if user is None:
        account = _end_unverified_account(connection, _find_unverified_account(connection, email))
        if account["role"] == Role.CANDIDATE:
            user = accounts.replace_candidate(account, email, password_hash, **person)
        elif _delete(connection, account):
            user = users.add_candidate(email, password_hash, now=now(), **person)
    return _begin_verification(connection, user)


def register_as_company(
    connection: Connection, email: str, password_hash: str, company: Mapping[str, str | None]
) -> RowMapping:
    """Add a company with its first user, or replace those of an unverified account; raises EmailTaken.

    A company with other users is left to them. A suspended one stays suspended.
    """
    users, accounts = UserRepository(connection), UnverifiedAccountRepository(connection)
    approval = new_company_approval()
    user = users.add_company(email, password_hash, company, approval=approval, now=now())
    if user is None:
        account = _end_unverified_account(connection, _find_unverified_account(connection, email))
        if account["role"] == Role.COMPANY and not accounts.colleague_roles(account):
            service(StandingAccess).end_of_company(connection, account["company_id"])
            user = accounts.replace_company(account, email, password_hash, company, approval=approval)
        elif _delete(connection, account):
            user = users.add_company(email, password_hash, company, approval=approval, now=now())
    return _begin_verification(connection, user)


def register_as_colleague(connection: Connection, invitation: Mapping[Any, Any], password_hash: str) -> RowMapping:
    """Turn the invitation into a company user and return it; raises InvalidInvitation or EmailTaken.

    Where addresses must be verified, an unverified account with the address is deleted, or it is EmailTaken.
    """
    delete_unverified_account(connection, invitation["email"])
    user = InvitationRepository(connection).accept(invitation["id"], password_hash, now=now())
    record(connection, SecurityEventType.COLLEAGUE_JOINED, user["id"], detail=invitation["id"])
    return user


def delete_unverified_account(connection: Connection, email: str) -> None:
    """Delete the unverified account with the address, if there is one and addresses must be verified.

    Raises EmailTaken if it has applications or jobs, if its company would have no owner, or if it was verified
    meanwhile.
    """
    user_id = _find_unverified_account(connection, email)
    if user_id is not None and not _delete(connection, _end_unverified_account(connection, user_id)):
        raise EmailTaken


def reject(connection: Connection, verification_id: str, user_id: str) -> None:
    """Delete the account that a stranger registered, or only its password if others depend on it.

    Applications, jobs, and colleagues that would have no owner depend on it.
    Raises InvalidVerification if the verification was used, or ended, meanwhile.
    """
    accounts = UnverifiedAccountRepository(connection)
    account = accounts.lock(user_id)
    if account is None or not VerificationRepository(connection).has(verification_id, user_id):
        raise InvalidVerification
    _end_registration(connection, account)
    if not _delete(connection, account):
        accounts.delete_password(account)


def _find_unverified_account(connection: Connection, email: str) -> str | None:
    """Return the user id of the unverified account with the address, or None if addresses need not be verified."""
    return UnverifiedAccountRepository(connection).find(email) if is_verification_required() else None


def _end_unverified_account(connection: Connection, user_id: str | None) -> RowMapping:
    """Lock the unverified account, end all access to it and return it.

    Raises EmailTaken without an id, or if the account is verified.
    """
    account = UnverifiedAccountRepository(connection).lock(user_id) if user_id else None
    if account is None:
        raise EmailTaken
    _end_registration(connection, account)
    return account


def _end_registration(connection: Connection, account: RowMapping) -> None:
    """End all access to the locked account, and void its verifications and waiting mails."""
    end_access(connection, account["id"])
    VerificationRepository(connection).void(account["id"])
    AccountMailRepository(connection).void(account["id"])


def _delete(connection: Connection, account: RowMapping) -> bool:
    """Delete the locked account and, if it is the only user of its company, the company.

    Return False, and change nothing, if it has applications or jobs, or if its company would have no owner.
    """
    accounts = UnverifiedAccountRepository(connection)
    colleague_roles = accounts.colleague_roles(account)
    if colleague_roles and CompanyRole.OWNER not in colleague_roles:
        return False
    try:
        with connection.begin_nested():
            accounts.delete_user(account)
            if account["company_id"] is not None and not colleague_roles:
                service(StandingAccess).end_of_company(connection, account["company_id"])
                accounts.delete_company(account)
    except IntegrityError:  # foreign keys keep what applications and interviews refer to
        return False
    return True


def _begin_verification(connection: Connection, user: RowMapping | None) -> RowMapping:
    """Send the verification, where one is required, and return the user; raises EmailTaken without a user."""
    if user is None:
        raise EmailTaken
    if is_verification_required():
        VerificationRepository(connection).send(user, now=now())
    return user
