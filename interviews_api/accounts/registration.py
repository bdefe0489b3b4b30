"""Registration: a new account, and the mail by which its owner proves the address.

Where verified addresses are required, an account that was never verified gives way to a later registration.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, RowMapping

from interviews_api.accounts.approval import new_company_approval
from interviews_api.accounts.email_verification import is_verification_required
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.standing_access import StandingAccess
from interviews_api.accounts.unverified_repository import UnverifiedAccountRepository
from interviews_api.accounts.verification_repository import VerificationRepository
from interviews_api.clock import now
from interviews_api.services import service


def register_as_candidate(connection: Connection, email: str, password_hash: str, **person: str | None) -> RowMapping:
    """Add a candidate and return the user; raises EmailTaken."""
    if not is_verification_required():
        return UserRepository(connection).add_candidate(email, password_hash, now=now(), **person)
    user = unverified_accounts(connection).register_candidate(email, password_hash, now=now(), **person)
    VerificationRepository(connection).send(user, now=now())
    return user


def register_as_company(
    connection: Connection, email: str, password_hash: str, company: Mapping[str, str | None]
) -> RowMapping:
    """Add a company with its first user and return the user; raises EmailTaken."""
    approval = new_company_approval()
    if not is_verification_required():
        return UserRepository(connection).add_company(email, password_hash, company, approval=approval, now=now())
    accounts = unverified_accounts(connection)
    user = accounts.register_company(email, password_hash, company, approval=approval, now=now())
    VerificationRepository(connection).send(user, now=now())
    return user


def free_unverified_address(connection: Connection, email: str) -> None:
    """Delete an account that holds the address without a proof, where proofs are required; raises EmailTaken."""
    if is_verification_required():
        unverified_accounts(connection).make_room(email)


def unverified_accounts(connection: Connection) -> UnverifiedAccountRepository:
    """Return the repository of unverified accounts, with what the features above know of their access."""
    return UnverifiedAccountRepository(connection, service(StandingAccess))
