"""Where mails go: to an SMTP server, or in development into files."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

import click
from sqlalchemy import RowMapping

from interviews_api.config import Settings
from interviews_api.interviews.calendar import in_one_line
from interviews_api.notifications.deadline import TOTAL_SECONDS, deadline
from interviews_api.notifications.lane import Sender
from interviews_api.notifications.mail import compose
from interviews_api.notifications.outcome import NotSent, Refused, TryLater

_PERMANENT = 500  # RFC 5321, section 4.2.1: 4yz may succeed later, 5yz will not


def mail_sender(settings: Settings, *, seconds: float = TOTAL_SECONDS, trust: ssl.SSLContext | None = None) -> Sender:
    """To SMTP_HOST where there is one, else into MAIL_DIR. `trust` is whose certificates to believe."""
    if not settings.smtp_host:
        return lambda user, about: _write(settings, user, about)
    context = trust or ssl.create_default_context()

    def send(user: RowMapping, about: RowMapping) -> None:
        message = compose(settings, user, about)
        try:
            _send(settings, message, seconds, context)
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise _outcome(error) from error

    return send


def _send(settings: Settings, message: EmailMessage, seconds: float, context: ssl.SSLContext) -> None:
    server = smtplib.SMTP(timeout=seconds)
    if settings.smtp_tls == "tls":
        server = smtplib.SMTP_SSL(timeout=seconds, context=context)

    def cut() -> None:
        with suppress(OSError):
            if server.sock is not None:
                server.sock.shutdown(socket.SHUT_RDWR)

    with deadline(seconds, cut), _conversation(server):
        server._host = settings.smtp_host  # type: ignore[attr-defined]  # whose certificate it must be
        server.connect(settings.smtp_host, settings.smtp_port)
        if settings.smtp_tls == "starttls":
            server.starttls(context=context)
        if settings.smtp_username:
            server.login(settings.smtp_username, settings.smtp_password)
        server.send_message(message)


@contextmanager
def _conversation(server: smtplib.SMTP) -> Iterator[None]:
    """Hang up in any case; once the message was taken it does not matter what the goodbye comes to."""
    try:
        yield
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    finally:
        server.close()


def _outcome(error: Exception) -> NotSent:
    why = in_one_line(f"{type(error).__name__}: {error}")[:300]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return Refused(why) if min(codes, default=0) >= _PERMANENT else TryLater(why)
    if isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= _PERMANENT:
        return Refused(why)
    if isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError):
        return Refused(why)  # an address that this server cannot carry
    return TryLater(why)


def _write(settings: Settings, user: RowMapping, about: RowMapping) -> None:
    """A file of the message's own name, whole or not at all, and its path on the screen."""
    message = compose(settings, user, about)
    path = Path(settings.mail_dir) / f"{about['key']}.{user['id']}.eml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_bytes(message.as_bytes())
        draft.replace(path)
    except OSError as error:
        raise TryLater(f"MAIL_DIR cannot be written: {error.strerror}") from error
    click.echo(f"Mail to {in_one_line(user['email'])}: {path}")
