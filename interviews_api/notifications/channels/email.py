"""E-mail messages: plain text, HTML and, for changes of the calendar, the calendar event."""

import re
from collections.abc import Mapping
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.email_addresses import in_ascii
from interviews_api.events.models import EventType
from interviews_api.interviews.icalendar_export import Invitee, export_calendar
from interviews_api.interviews.models import InterviewStatus
from interviews_api.notifications import event_mails
from interviews_api.notifications.delivery_errors import Rejected
from interviews_api.notifications.delivery_kinds import KINDS
from interviews_api.notifications.incoming.reply_addresses import make_reply_address
from interviews_api.notifications.mail_templates import HTML_TEXTS, LAYOUT, TERMS, TEXTS
from interviews_api.web.plain_text import full_name, in_one_line, shorten

_TEXTS_OF_COMPANY = (
    "cancellation_reason",
    "notes",
    "location",
    "meeting_link",
    "company_phone",
    "company_email",
    "company_answerable_email",
    "company_address",
)
_MAX_NAME_IN_SUBJECT = 100  # characters
_FITS_ONE_LINE = re.compile(r"(?!.*=\?)[ -~]{1,66}")  # ASCII; with `Subject: ` within the 78 of RFC 5322
# Bytes beyond ASCII need a server with 8BITMIME (RFC 6152). Encoded lines have at most 76 characters (RFC 2045, 6.7).
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=76)

Values = Mapping[Any, Any]


class _Subject(str):
    """Subject header that is never decoded, so a text that looks like an encoded word (RFC 2047) arrives unchanged.

    `EmailPolicy` would decode `=?utf-8?b?DQo=?=` in a text, and so let a user inject a line break into the header.
    """

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: EmailPolicy) -> str:
        """Return the header line; the policy calls this for a header that is already parsed."""
        is_plain = _FITS_ONE_LINE.fullmatch(self)
        line = self if is_plain else Header(self, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {line}{policy.linesep}"


class _Mailbox(str):
    """Header `From` of a mailbox with its name, which EmailPolicy would fold without its quotes."""

    __slots__ = ()
    name = "From"

    def fold(self, *, policy: EmailPolicy) -> str:
        """Return the header line; the policy calls this for a header that is already parsed."""
        if _FITS_ONE_LINE.fullmatch(self):
            return f"{self.name}: {self}{policy.linesep}"
        display_name, address = parseaddr(self)
        words = Header(display_name, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {words}{policy.linesep} <{address}>{policy.linesep}"


def compose(settings: Settings, user: Values, context: Values) -> EmailMessage:
    """Return the e-mail of a delivery to the user; raises Rejected for an address that cannot get e-mail."""
    try:
        to = in_ascii(user["email"])
    except ValueError:
        raise Rejected("the address is not one that a mail can be sent to") from None
    organizer = {"company_answerable_email": context["company_answerable_email"]}
    context = _without_texts_of_muted_company(context)
    rules = KINDS[context["kind"]]
    variables = _texts(user, context) | {
        "facts": rules.facts(user, context),
        "notes": event_mails.notes(user, context),
        "url": rules.link(settings, context),
        "hint": _hint(settings, context),
    }
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = _Subject(variables["subject"])
    message["From"] = _Mailbox(settings.mail_from)
    message["To"] = Address(addr_spec=to)
    if reply_to := rules.reply_to(user, context):
        message["Reply-To"] = Address(addr_spec=reply_to)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{context['key']}.{user['id']}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = rules.auto_submitted
    message.set_content(LAYOUT.get_template("layout.txt.j2").render(variables), cte="quoted-printable")
    html_variables = variables | _html_texts(user, context)
    html = LAYOUT.get_template("layout.html.j2").render(html_variables)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if method := rules.method(user, context):
        # Also of a muted company, because calendars ignore a CANCEL of another organizer than the invitation's.
        interview = dict(context) | organizer
        invitation = export_calendar(settings, [interview], method, invitee=_invitee(settings, to, context))
        params = {"method": method.value}
        message.add_alternative(invitation.decode(), subtype="calendar", params=params, cte="base64")
    return message


def _invitee(settings: Settings, address: str, context: Values) -> Invitee:
    """Return the candidate, with the address that its calendar answers to where there is one."""
    name = full_name(context)
    if not settings.reply_address:
        return Invitee(address, name)
    ids = context["interview_id"], context["candidate_id"]
    return Invitee(address, name, make_reply_address(settings.reply_address, settings.secret_key, *ids))


def _hint(settings: Settings, context: Values) -> str:
    """Return whether an answer in the calendar counts, for a mail that asks for one."""
    is_pending = context["status"] == InterviewStatus.PENDING
    return str(TERMS.hints["calendar" if settings.reply_address else "link"]) if is_pending else ""


def _without_texts_of_muted_company(context: Values) -> Values:
    """Return the context; that of a cancellation by a muted company without the company's texts but names."""
    if context["is_muted"] and context["event_type"] == EventType.CANCELLED:
        return dict(context) | dict.fromkeys(_TEXTS_OF_COMPANY)
    return context


def _texts(user: Values, context: Values) -> dict[str, Any]:
    """Return `lead`, `action` and `subject` of the mail's template; the subject has shortened names."""
    names = _names(context)
    template = TEXTS.get_template(KINDS[context["kind"]].template(user, context))
    flags = event_mails.flags(context)
    module = template.make_module(names | flags)
    texts = {name: str(getattr(module, name, "")) for name in ("lead", "action")}
    short_names = {name: shorten(text, _MAX_NAME_IN_SUBJECT) for name, text in names.items()}
    return texts | {"subject": str(template.make_module(short_names | flags).subject)}  # type: ignore[attr-defined]


def _html_texts(user: Values, context: Values) -> dict[str, Any]:
    """Return `lead` of the mail's template as HTML."""
    template = HTML_TEXTS.get_template(KINDS[context["kind"]].template(user, context))
    names = _names(context) | event_mails.flags(context)
    return {"lead": template.make_module(names).lead}  # type: ignore[attr-defined]


def _names(context: Values) -> dict[str, str]:
    """Return the texts that a template sets into its sentences, each in one line."""
    names = {
        "company": in_one_line(context["company_name"] or ""),
        "job": in_one_line(context["job_title"] or ""),
        "candidate": in_one_line(full_name(context)),
    }
    return names | {name: in_one_line(text) for name, text in (context["mail_details"] or {}).items()}
