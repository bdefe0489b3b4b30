"""Limits by account: sign-ins, registrations, invitations and mails about accounts.

A client address with a session of the account has its own count: failures from elsewhere do not touch it. Mails of an
account without a verified address share a count: a stranger may have registered it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interviews_api.accounts.client_addresses import ClientAddress, client_address
from interviews_api.accounts.email_verification import lacks_verification
from interviews_api.accounts.rate_limits import (
    Count,
    CountedAttempt,
    by_account,
    by_account_and_client_address,
    by_client_address,
    by_email_address,
    by_subject,
    count_attempt,
    count_each,
    keyed_hash,
)
from interviews_api.accounts.repository import UserRepository
from interviews_api.config.limits import (
    FORGOTTEN_FROM_ADDRESS,
    FORGOTTEN_OF_ACCOUNT,
    FORGOTTEN_OF_ACCOUNT_FROM_ADDRESS,
    INVITATIONS_TO_ADDRESS,
    LOGIN_FROM_ADDRESS,
    LOGIN_OF_ACCOUNT,
    LOGIN_OF_ACCOUNT_FROM_ADDRESS,
    REGISTRATION,
    SUCCESSFUL_LOGINS,
    VERIFICATION_FROM_ADDRESS,
    VERIFICATION_OF_ACCOUNT,
    VERIFICATION_OF_ACCOUNT_FROM_ADDRESS,
    Limit,
)
from interviews_api.db.connections import read_connection
from interviews_api.email_addresses import email_key
from interviews_api.errors import TooManyRequests

_LABEL_LENGTH = 12  # hex digits: two of a thousand accounts share a label once in half a billion times


@dataclass(frozen=True)
class AccountRequest:
    """A request by a client address about an account, which may not exist: then `user` is None."""

    user: Mapping[Any, Any] | None
    label: str
    address: ClientAddress

    @property
    def user_id(self) -> str | None:
        """The id of the account's user."""
        return self.user["id"] if self.user is not None else None

    @property
    def is_from_known_address(self) -> bool:
        """Whether the account has a session that began at the client address."""
        return self.user is not None and bool(self.user["has_signed_in_from_address"])

    @property
    def is_from_owner(self) -> bool:
        """Whether the client address is known, and the account's e-mail address verified where that is required.

        A stranger may have registered an address that is not verified, and signed in from many client addresses.
        """
        return self.is_from_known_address and self.user is not None and not lacks_verification(self.user)


def find_account(email: str) -> AccountRequest:
    """Look the account of an e-mail address up, in one statement for known and unknown addresses."""
    address = client_address()
    with read_connection() as connection:
        user = UserRepository(connection).find_for_sign_in(email, client_address_hash(address))
    return AccountRequest(user, _label(email), address)


def _label(email: str) -> str:
    return keyed_hash("account", email_key(email))[:_LABEL_LENGTH]


def client_address_hash(address: ClientAddress) -> str | None:
    """Return the hash by which a session keeps a client address, or None for a client without an IP address."""
    return keyed_hash("client address", address.network) if address.network else None


def count_login(request: AccountRequest) -> CountedAttempt:
    """Count a sign-in before it is evaluated; raises TooManyRequests."""
    address = request.address
    if request.is_from_known_address:
        # Neighbours share the address, and everybody the /48 around it, so only attempts on this account count.
        # login_address counts too, or saving the shared row by the shorter window would drop attempts that it needs.
        # Neighbours can fill the shared row, which keeps its newest attempts, so account and address have a row too.
        address = replace(address, wider=None)
        counts = by_account_and_client_address(LOGIN_FROM_ADDRESS, address, in_rows_of=LOGIN_FROM_ADDRESS)
        counts += by_client_address(LOGIN_OF_ACCOUNT_FROM_ADDRESS, address, account_id=request.user_id)
    else:
        counts = by_client_address(LOGIN_FROM_ADDRESS, address)
        counts.append(by_account(LOGIN_OF_ACCOUNT, request.user_id, request.label))
    counts += by_account_and_client_address(LOGIN_OF_ACCOUNT_FROM_ADDRESS, address, in_rows_of=LOGIN_FROM_ADDRESS)
    return count_attempt(counts, request.label)


def count_successful_login(request: AccountRequest) -> None:
    """Count a sign-in whose password was right; raises TooManyRequests.

    Over this limit the caller does not give the attempt back. So `login_account_address` soon refuses before the
    password is hashed.
    """
    count_attempt(by_client_address(SUCCESSFUL_LOGINS, request.address, account_id=request.user_id))


def count_forgotten_password(request: AccountRequest) -> bool:
    """Count a forgotten password, and return whether the account has room for a mail.

    Raises TooManyRequests for the client address alone, because a limit of the account says that it exists.
    """
    count_attempt(by_client_address(FORGOTTEN_FROM_ADDRESS, request.address))
    if request.is_from_owner:
        subject = f"{request.user_id} {request.address.network}"
        count = by_subject(FORGOTTEN_OF_ACCOUNT_FROM_ADDRESS, subject)
    else:
        count = by_account(FORGOTTEN_OF_ACCOUNT, request.user_id, request.label)
    return _has_room(count, request.label)


def count_registration(email: str, *, with_mail: bool) -> None:
    """Count a registration from the client address and, with a mail, the mail to the e-mail address.

    Raises TooManyRequests, also without room for the mail: the registration would end the links of an earlier one.
    """
    address = client_address()
    if not with_mail:
        count_attempt(by_client_address(REGISTRATION, address))
        return
    request = find_account(email)
    count_attempt([*by_client_address(REGISTRATION, address), _verification_mail(request)], request.label)


def count_verification_mail(request: AccountRequest) -> bool:
    """Count a verification mail, and return whether the account has room for it.

    Raises TooManyRequests for the client address alone.
    """
    count_attempt(by_client_address(VERIFICATION_FROM_ADDRESS, request.address))
    return _has_room(_verification_mail(request), request.label)


def count_invitation(email: str) -> None:
    """Count an invitation by mail of an e-mail address; raises TooManyRequests."""
    label = _label(email)
    count_attempt([by_email_address(INVITATIONS_TO_ADDRESS, label)], label)


def count_mails(limit: Limit, emails: Iterable[str]) -> set[str]:
    """Count a mail to each e-mail address of an account, and return the addresses for which the limit has room.

    The counts outlive the accounts, which registrations replace.
    """
    # only accounts get these mails, so each address may have a row
    by_label = {_label(email): email for email in emails}
    return {by_label[label] for label in count_each(limit, by_label)}


def _verification_mail(request: AccountRequest) -> Count:
    """Return the count of verification mails to the e-mail address.

    It outlives the account, which a registration replaces.
    """
    if request.is_from_owner:
        return by_subject(VERIFICATION_OF_ACCOUNT_FROM_ADDRESS, f"{request.label} {request.address.network}")
    return by_email_address(VERIFICATION_OF_ACCOUNT, request.label)


def _has_room(count: Count, label: str) -> bool:
    try:
        count_attempt([count], label)
    except TooManyRequests:
        return False
    return True
