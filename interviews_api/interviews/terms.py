"""The words of calendar entries, and those that they share with the link page and with mails.

A text is one line or several; names in it have no control characters. Other words of mails are in
`notifications/templates/`.
"""

import re
from collections.abc import Mapping
from typing import Any

from interviews_api.interviews.models import InterviewStatus
from interviews_api.web.bidirectional import isolate
from interviews_api.web.plain_text import in_one_line, replace_controls

Texts = Mapping[Any, Any]
"""A row with the company's name, phone, email and address, the candidate's phone, and columns of the interview."""

FEED_NAME = "Interviews"
_STATES = {InterviewStatus.PENDING: "To confirm: ", InterviewStatus.CANCELLED: "Cancelled: "}
_ASK = "Please answer with this link. An answer given in the calendar reaches nobody."
_ASK_ALSO = "Please answer in your calendar, or with this link."

_PHONE_NUMBER = re.compile(r"[+(]?\d[\d ().+/-]*")
_FEWEST_DIGITS = 7  # of a phone number; a house, a room or a post code has fewer


def phone_call(interview: Texts) -> str:
    """Return who calls whom for a phone interview, and the number.

    A place with a phone number in it is the company's own word about that; one without, such as the address of an
    interview that was in person before, is only added. Otherwise the company calls the candidate's number, or the
    candidate calls the company's.
    """
    place, candidate_phone, company_phone = (
        in_one_line(interview[name] or "") for name in ("location", "candidate_phone", "company_phone")
    )
    company = _name(interview["company_name"])
    if any(sum(map(str.isdecimal, number)) >= _FEWEST_DIGITS for number in _PHONE_NUMBER.findall(place)):
        return f"Please call {company} at {place}" if _PHONE_NUMBER.fullmatch(place) else isolate(place)
    if candidate_phone:
        call = f"{company} calls you at {candidate_phone}"
    elif company_phone:
        call = f"Please call {company} at {company_phone}"
    else:
        call = f"Phone call with {company}"
    return f"{call} ({isolate(place)})" if place else call


def _name(text: str) -> str:
    """Return a name for a sentence, in one line and isolated from it."""
    return isolate(in_one_line(text))


def contact(interview: Texts) -> str:
    """Return the company's phone, e-mail address and postal address, as far as there are any, each isolated."""
    parts = filter(None, (interview[f"company_{name}"] for name in ("phone", "email", "address")))
    return ", ".join(isolate(replace_controls(part)) for part in parts)


def summary(interview: Texts) -> str:
    """Return the title of a calendar entry, which begins with the state that a calendar may not show."""
    title = f"Interview: {_name(interview['job_title'])} - {_name(interview['company_name'])}"
    return f"{_STATES.get(interview['status'], '')}{title}"


def description(
    interview: Texts, *, confirmation_link: str | None, meeting_link: str | None, takes_replies: bool
) -> str:
    """Return the text of a calendar entry, in paragraphs.

    Only a pending interview has a `confirmation_link`. `takes_replies` is whether an answer that the candidate gives in
    the calendar program arrives.
    """
    notes, contact_line = interview["notes"], contact(interview)
    paragraphs = (
        confirmation_link and f"{_ASK_ALSO if takes_replies else _ASK}\n{confirmation_link}",
        notes and replace_controls(notes),
        meeting_link and f"Link: {meeting_link}",
        contact_line and f"Contact: {contact_line}",
    )
    return "\n\n".join(filter(None, paragraphs))
