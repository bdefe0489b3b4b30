"""The kinds of deliveries: of each when it is obsolete, and what its mail has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interviews_api.accounts.mailed_links import INVITATION_LINK, RESET_LINK, VERIFICATION_LINK, MailedLink
from interviews_api.accounts.models import MailKind
from interviews_api.config import Settings
from interviews_api.interviews.icalendar_export import Method
from interviews_api.interviews.link_tokens import pending_link
from interviews_api.notifications import answer_mails, event_mails
from interviews_api.notifications.mail_templates import TERMS, UrlText
from interviews_api.notifications.models import DeliveryKind
from interviews_api.notifications.obsolescence import (
    Check,
    raise_if_answer_is_obsolete,
    raise_if_event_is_obsolete,
    raise_if_expired,
    raise_if_invitation_is_over,
    raise_if_link_is_over,
    raise_if_webhook_is_deleted,
)
from interviews_api.web.plain_text import in_one_line

Values = Mapping[Any, Any]
LinkFactory = Callable[[Settings, Values], str | None]


def _no_link(_settings: Settings, _context: Values) -> None:
    return None


def _no_facts(_user: Values, _context: Values) -> list[tuple[str, str]]:
    return []


def _never_over(_context: Values, _now: datetime) -> None:
    return None


def _no_reply_to(_user: Values, _context: Values) -> None:
    return None


def _no_method(_user: Values, _context: Values) -> None:
    return None


def _disabled_webhook(_user: Values, context: Values) -> list[tuple[str, str]]:
    return [_webhook_fact(context["webhook_url"])]


def _webhooks_of_colleague(_user: Values, context: Values) -> list[tuple[str, str]]:
    """Return the webhooks that a removed colleague had set up, if there are any."""
    urls = context["mail_details"].get("webhooks")
    return [_webhook_fact(url) for url in urls.split(", ")] if urls else []


def _webhook_fact(url: str) -> tuple[str, str]:
    return TERMS.labels["webhook"], UrlText(in_one_line(url))


def _named(template: str) -> Callable[[Values, Values], str]:
    """Return a function that names this template for each user and context."""
    return lambda _user, _context: template


def _link_by(link: MailedLink) -> LinkFactory:
    """Return a function that makes the link with the context's `link_id`."""
    return lambda settings, context: link.url(settings.public_url, settings.secret_key, context["link_id"])


@dataclass(frozen=True)
class KindRules:
    """The rules of a kind of deliveries: all from `template` on are of their mails.

    `label` names the kind to an operator. `raise_if_over` raises Obsolete. `template` maps user and context to the name
    of a file in `templates/`, `facts` to pairs of a label and a text, `reply_to` to an address in ASCII or None,
    `method` to the method of the calendar event or None. `is_for_any_address` is true if the mail goes to addresses
    that are not verified. `auto_submitted` is the header by which no program replies to the mail (RFC 3834, section 5).
    """

    label: str
    raise_if_over: Check
    template: Callable[[Values, Values], str]
    link: LinkFactory = _no_link
    facts: Callable[[Values, Values], list[tuple[str, str]]] = _no_facts
    reply_to: Callable[[Values, Values], str | None] = _no_reply_to
    method: Callable[[Values, Values], Method | None] = _no_method
    is_for_any_address: bool = False
    auto_submitted: str = "auto-generated"


_RAISE_IF_EXPIRED = raise_if_expired("the mail has expired")


def _account_mail(kind: str, check: Check = _RAISE_IF_EXPIRED, **values: Any) -> KindRules:
    return KindRules("account", check, _named(f"account_{kind}.j2"), **values)


KINDS: Mapping[str, KindRules] = {
    DeliveryKind.EVENT: KindRules(
        "event",
        raise_if_event_is_obsolete,
        event_mails.template,
        event_mails.link,
        event_mails.facts,
        event_mails.reply_to,
        event_mails.method,
    ),
    # A webhook has no template. A test stays relevant as long as its webhook does, which is its target.
    DeliveryKind.WEBHOOK_TEST: KindRules("webhook test", _never_over, _named(DeliveryKind.WEBHOOK_TEST)),
    DeliveryKind.ANSWER: KindRules(
        "answer",
        raise_if_answer_is_obsolete,
        answer_mails.template,
        pending_link,
        event_mails.facts,
        event_mails.reply_to,
        answer_mails.method,
        auto_submitted="auto-replied",
    ),
    DeliveryKind.PASSWORD_RESET: KindRules(
        "password reset",
        raise_if_expired("the request has expired or was used"),
        _named("password_reset.j2"),
        _link_by(RESET_LINK),
        is_for_any_address=True,
    ),
    DeliveryKind.WEBHOOK_DISABLED: KindRules(
        "disabled webhook", raise_if_webhook_is_deleted, _named("webhook_disabled.j2"), facts=_disabled_webhook
    ),
    # In a context, an account mail has the kind of its row. Here the row is gone, so `expires_at` is NULL and the check
    # always raises: the template is never read.
    DeliveryKind.ACCOUNT_MAIL: _account_mail(DeliveryKind.ACCOUNT_MAIL),
    MailKind.PASSWORD_CHANGED: _account_mail(MailKind.PASSWORD_CHANGED, is_for_any_address=True),
    MailKind.COLLEAGUE_CHANGED: _account_mail(MailKind.COLLEAGUE_CHANGED, facts=_webhooks_of_colleague),
    MailKind.INVITATION: _account_mail(
        MailKind.INVITATION,
        raise_if_invitation_is_over,
        link=_link_by(INVITATION_LINK),
        is_for_any_address=True,
    ),
    MailKind.VERIFICATION: _account_mail(
        MailKind.VERIFICATION,
        raise_if_link_is_over("the address was verified, or registered again"),
        link=_link_by(VERIFICATION_LINK),
        is_for_any_address=True,
    ),
}
"""The kinds by the `kind` of a delivery's context."""
