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
from interviews_api.interviews.icalendar_export import in_one_line
from interviews_api.notifications.channels.deadline import TOTAL_SECONDS, Deadline, connect, resolve
from interviews_api.notifications.channels.delivery_errors import DeliveryError, Rejected, RetryLater, Sender
from interviews_api.notifications.channels.email import compose

_PERMANENT = 500  # RFC 5321, section 4.2.1: 4yz may succeed later, 5yz will not


def mail_sender(settings: Settings, *, seconds: float = TOTAL_SECONDS, trust: ssl.SSLContext | None = None) -> Sender:
    """To SMTP_HOST where there is one, else into MAIL_DIR. `trust` is whose certificates to believe."""
    if not settings.smtp_host:
        return lambda user, about: _write(settings, user, about)
    context = trust or ssl.create_default_context()
    our_name = smtplib.SMTP().local_hostname  # here, for it is looked up without a limit

    def send(user: RowMapping, about: RowMapping) -> None:
        message = compose(settings, user, about)
        try:
            with Deadline(seconds) as limit, _conversation(_Server(settings, context, limit, our_name)) as server:
                if settings.smtp_tls == "starttls":
                    server.starttls(context=context)
                if settings.smtp_username:
                    server.login(settings.smtp_username, settings.smtp_password)
                _hand_over(server, message)
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise _delivery_error(error) from error

    return send


class _Server(smtplib.SMTP):
    """smtplib's, but it connects within the deadline, from the look-up on."""

    def __init__(self, settings: Settings, context: ssl.SSLContext, limit: Deadline, our_name: str) -> None:
        self._limit, self._implicit_tls = limit, context if settings.smtp_tls == "tls" else None
        super().__init__(settings.smtp_host, settings.smtp_port, our_name)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:  # smtplib's own seam
        opened = self._limit.connect(connect, self._limit.look_up(resolve, host), port)
        return self._implicit_tls.wrap_socket(opened, server_hostname=host) if self._implicit_tls else opened


@contextmanager
def _conversation(server: _Server) -> Iterator[_Server]:
    """Hang up in any case; once the message was taken it does not matter what the goodbye comes to."""
    try:
        yield server
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    finally:
        server.close()


def _hand_over(server: _Server, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except (smtplib.SMTPNotSupportedError, UnicodeError) as error:  # an address that this server cannot carry
        raise Rejected(_in_words(error)) from error


def _delivery_error(error: Exception) -> DeliveryError:
    why = _in_words(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return Rejected(why) if min(codes, default=0) >= _PERMANENT else RetryLater(why)
    if isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= _PERMANENT:
        return Rejected(why)
    return RetryLater(why)


def _in_words(error: Exception) -> str:
    return in_one_line(f"{type(error).__name__}: {error}")[:300]


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
        raise RetryLater(f"MAIL_DIR cannot be written: {error.strerror}") from error
    click.echo(f"Mail to {in_one_line(user['email'])}: {path}")
