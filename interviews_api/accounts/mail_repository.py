"""The SQL of account mails: mails about an account itself, which the worker sends to a fixed address."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert

from interviews_api.accounts.account_limits import count_mails
from interviews_api.accounts.models import AccountMail, MailKind
from interviews_api.config.limits import COLLEAGUE_MAILS, PASSWORD_MAILS
from interviews_api.events.log import notify
from interviews_api.ids import new_id

LIFETIME = timedelta(days=2)
"""How long a mail may wait to be sent; the worker tries for a day."""

_LIMITS = {MailKind.PASSWORD_CHANGED: PASSWORD_MAILS, MailKind.COLLEAGUE_CHANGED: COLLEAGUE_MAILS}
"""Limits by kind. The requests count invitations and verifications themselves."""


class AccountMailRepository:
    """Mails about accounts, written in the transaction of what they tell. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        kind: MailKind,
        email: str,
        *,
        originator_id: str,
        now: datetime,
        user_id: str | None = None,
        details: Mapping[str, str] | None = None,
        mail_id: str | None = None,
    ) -> None:
        """Write a mail to the address, unless it has had all that the limit of the kind allows.

        `details` are the texts of its template.
        `originator_id` is the user or company that causes the mail: the mails of an originator wait for no other's.
        `user_id` is the user that has the address, if the mail is for a user.
        `mail_id` is the id of the invitation or verification that the mail's link names.
        """
        mail = {"id": mail_id or new_id(), "user_id": user_id, "email": email}
        self._add(kind, [mail], originator_id=originator_id, now=now, details=details)

    def add_to_users(
        self,
        kind: MailKind,
        emails: Mapping[str, str],
        *,
        originator_id: str,
        now: datetime,
        details: Mapping[str, str],
    ) -> None:
        """Write a mail to each of these users as `add` does; `emails` has their addresses by user id.

        Takes as many statements for many users as for one.
        """
        mails = [{"id": new_id(), "user_id": user_id, "email": email} for user_id, email in emails.items()]
        self._add(kind, mails, originator_id=originator_id, now=now, details=details)

    def _add(
        self,
        kind: MailKind,
        mails: Sequence[Mapping[str, str | None]],
        *,
        originator_id: str,
        now: datetime,
        details: Mapping[str, str] | None,
    ) -> None:
        if kind in _LIMITS:
            with_room = count_mails(_LIMITS[kind], [str(mail["email"]) for mail in mails])
            mails = [mail for mail in mails if mail["email"] in with_room]
        if not mails:
            return
        common = {"kind": kind, "originator_id": originator_id, "details": dict(details or {}), "is_fanned_out": False}
        times = {"created_at": now, "expires_at": now + LIFETIME}
        self._connection.execute(insert(AccountMail), [{**mail, **common, **times} for mail in mails])
        notify(self._connection)

    def void(self, user_id: str) -> None:
        """Delete the mails to the user; the deliveries of those that wait are suppressed."""
        self._connection.execute(delete(AccountMail).where(AccountMail.user_id == user_id))
