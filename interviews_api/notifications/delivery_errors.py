"""Reasons why a delivery was not sent, which decide on a retry; a sender that returns has sent the delivery."""

from collections.abc import Callable

from sqlalchemy import RowMapping


class DeliveryError(Exception):
    """Base of the reasons; its text is one line for the operator, without secrets.

    A company gets it by `describe_for_company`. `status_code` is the HTTP status of a webhook's response, if there was
    one.
    """

    def __init__(self, reason: str = "", *, status_code: int | None = None) -> None:
        super().__init__(reason)
        self.status_code = status_code


class RetryLater(DeliveryError):
    """Temporary failure: the receiver is away, slow or busy, and the delivery is retried."""


class MessageDeferred(RetryLater):
    """Temporary failure of this delivery alone: other deliveries to the target go on."""


class Rejected(DeliveryError):
    """Permanent failure: the receiver does not accept this delivery, so it becomes a dead letter."""


class TargetGone(DeliveryError):
    """Permanent failure of the target: the address no longer exists, and is not used again."""


class Obsolete(DeliveryError):
    """No failure: the delivery is no longer relevant, so it was not attempted."""


_FOR_COMPANY = {
    "UnicodeEncodeError": "the mail server does not accept the address",
    "SMTPRecipientsRefused": "the mail server does not accept the address",
    "SMTPNotSupportedError": "the mail server does not accept the address",
    "SMTPDataError": "the mail server does not accept the message",
}
"""Texts for the company of permanent failures, by the class of the exception; all others are a temporary failure."""


def describe_for_company(error: str) -> str:
    """Return a delivery error as a company may read it, without words of a mail server or the operator's system.

    An error with such words begins with the class of an exception, `deferred`, `unforeseen` or MAIL_DIR, and a colon.
    """
    name, colon, _ = error.partition(": ")
    is_internal = bool(colon) and (name.isidentifier() or name.startswith("MAIL_DIR"))
    return _FOR_COMPANY.get(name, "temporary failure") if is_internal else error


Sender = Callable[[RowMapping, RowMapping], int | None]
"""Sends one delivery; takes the rows of its target (user, account mail, subscription or webhook) and of its context.

Returns the HTTP status of a webhook's response. Raises DeliveryError when the delivery was not sent.
"""
