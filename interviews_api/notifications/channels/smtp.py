"""E-mail transport: an SMTP server, or files where none is set."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import click
from sqlalchemy import RowMapping

from interviews_api.config import Settings
from interviews_api.notifications.channels.deadline import TOTAL_SECONDS, Deadline, open_socket, resolve_host
from interviews_api.notifications.channels.email import compose
from interviews_api.notifications.delivery_errors import (
    DeliveryError,
    MessageDeferred,
    Rejected,
    RetryLater,
    Sender,
)
from interviews_api.web.plain_text import in_one_line

_PERMANENT = 500  # RFC 5321, section 4.2.1: 4yz is temporary, 5yz permanent


def mail_sender(settings: Settings, *, seconds: float = TOTAL_SECONDS, trust: ssl.SSLContext | None = None) -> Sender:
    """Return a sender that uses SMTP_HOST, else writes files into MAIL_DIR.

    `seconds` limits a whole conversation; `trust` replaces the system's certificate authorities.
    """
    if not settings.smtp_host:
        return lambda user, context: _write(settings, user, context)
    tls = trust or ssl.create_default_context()
    local_name = smtplib.SMTP().local_hostname  # looked up once at start, because the look-up has no timeout

    def send(user: RowMapping, context: RowMapping) -> None:
        message = compose(settings, user, context)
        server: _Connection | None = None
        try:
            with Deadline(seconds) as deadline, _closing(_Connection(settings, tls, deadline, local_name)) as server:
                if settings.smtp_tls == "starttls":
                    server.starttls(context=tls)
                if settings.smtp_username:
                    server.login(settings.smtp_username, settings.smtp_password)
                _hand_over(server, message)
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise _delivery_error(error, is_about_message=bool(server and server.has_begun_data)) from error

    return send


class _Connection(smtplib.SMTP):
    """SMTP connection that looks up, connects and starts TLS within the deadline.

    `has_begun_data` is true once the server has accepted sender and recipient, so that a failure is about the message.
    """

    def __init__(self, settings: Settings, tls: ssl.SSLContext, deadline: Deadline, local_name: str) -> None:
        self.has_begun_data = False
        self._deadline, self._implicit_tls = deadline, tls if settings.smtp_tls == "tls" else None
        super().__init__(settings.smtp_host, settings.smtp_port, local_name)

    def data(self, msg: Any) -> Any:
        """Send the message; `sendmail` calls this after MAIL and RCPT."""
        self.has_begun_data = True
        return super().data(msg)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:  # smtplib's hook for subclasses
        sock = self._deadline.open(open_socket, self._deadline.look_up(resolve_host, host), port)
        return self._implicit_tls.wrap_socket(sock, server_hostname=host) if self._implicit_tls else sock


@contextmanager
def _closing(server: _Connection) -> Iterator[_Connection]:
    """Close the connection at the end; ignore errors of QUIT, because the message was accepted before."""
    try:
        yield server
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    finally:
        server.close()


def _hand_over(server: _Connection, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except (smtplib.SMTPNotSupportedError, UnicodeError) as error:  # the server does not support the address
        raise Rejected(_describe(error)) from error


def _delivery_error(error: Exception, *, is_about_message: bool) -> DeliveryError:
    """Return the delivery error of an SMTP or network error: permanent only for a 5xx about recipients or message.

    The text of a 4xx about them begins with `deferred`, because the company reads another text than for a 5xx.
    """
    reason, codes = _describe(error), _reply_codes(error)
    if codes and min(codes) >= _PERMANENT:
        return Rejected(reason)
    if codes:
        reason = f"deferred: {reason}"
    return MessageDeferred(reason) if is_about_message else RetryLater(reason)


def _reply_codes(error: Exception) -> list[int]:
    """Return the server's reply codes about recipients or message, none for other errors."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPDataError) else []


def _describe(error: Exception) -> str:
    return in_one_line(f"{type(error).__name__}: {error}")[:300]


def _write(settings: Settings, user: RowMapping, context: RowMapping) -> None:
    """Write the message to a file named after the delivery, by an atomic rename; in development print the path."""
    message = compose(settings, user, context)
    path = Path(settings.mail_dir) / f"{context['key']}.{user['id']}.eml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_bytes(message.as_bytes())
        draft.replace(path)
    except OSError as error:
        raise RetryLater(f"MAIL_DIR cannot be written: {error.strerror}") from error
    if not settings.is_production:  # what a service prints becomes a log, and logs hold no address
        click.echo(f"Mail to {in_one_line(user['email'])}: {path}")
