"""The words of calendar entries, and those that they share with the link page and with mails.

A text is one line or several; names in it have no control characters. Other words of mails are in
`notifications/templates/`.
"""

import re
from collections.abc import Mapping
from typing import Any

from interviews_api.web.plain_text import in_one_line, replace_controls

Texts = Mapping[Any, Any]
"""A row with the company's name, phone, email and address, the candidate's phone, and columns of the interview."""

_IS_NUMBER = re.compile(r"[+(]?[0-9][0-9 ().+/-]*")
_FEWEST_DIGITS = 5  # of a phone number; a street or a room has fewer


def phone_call(interview: Texts) -> str:
    """Return who calls whom for a phone interview, and the number.

    A place with a number in it is the company's own word about that. Otherwise the company calls the candidate's
    number, or the candidate calls the company's.
    """
    company, place, candidate_phone, company_phone = (
        in_one_line(interview[name] or "") for name in ("company_name", "location", "candidate_phone", "company_phone")
    )
    if sum(character.isdecimal() for character in place) >= _FEWEST_DIGITS:
        return f"Please call {company} at {place}" if _IS_NUMBER.fullmatch(place) else place
    if candidate_phone:
        call = f"{company} calls you at {candidate_phone}"
    elif company_phone:
        call = f"Please call {company} at {company_phone}"
    else:
        call = f"Phone call with {company}"
    return f"{call} ({place})" if place else call


def contact(interview: Texts) -> str:
    """Return the company's phone, e-mail address and postal address, as far as there are any."""
    return replace_controls(
        ", ".join(filter(None, (interview[f"company_{name}"] for name in ("phone", "email", "address"))))
    )
