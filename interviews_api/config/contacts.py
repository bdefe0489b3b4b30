"""Addresses in settings: MAIL_FROM and REPLY_ADDRESS as mail servers accept them, VAPID_SUBJECT as push services do.

Functions raise ValueError with the reason, to be read after the setting's name.
"""

import re
from email.errors import InvalidHeaderDefect, NonASCIILocalPartDefect, NonPrintableDefect
from email.headerregistry import Address
from email.policy import SMTP
from typing import Any
from urllib.parse import urlsplit

from idna import IDNAError

from interviews_api.config.production import is_local_host
from interviews_api.email_addresses import MAX_LOCAL_PART, in_ascii

TOKEN_CHARACTERS = 40
"""Characters of the token in a reply address."""

_FORM = "must be an address like Interviews <no-reply@example.com>"
_SPECIAL = re.compile(r"[,:;@()\[\]\\<>]")  # RFC 5322, section 3.2.3: what a name has in quotes only
_INVALID = (InvalidHeaderDefect, NonASCIILocalPartDefect, NonPrintableDefect)
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_SUBJECT = "must be a mailto: or https: address (RFC 8292, section 2.1)"
_PRIVATE_NAMES = ("local", "invalid", "internal", "home.arpa")  # Apple's push service refuses each subject there


def read_mailbox(text: str) -> str:
    """Return the one mailbox of the text, with its name quoted where needed and its domain in A-labels."""
    if re.search(r"[\r\n]", text):
        raise ValueError(_FORM)
    try:
        header: Any = SMTP.header_factory("From", text)
    except ValueError:  # an encoded word (RFC 2047) hides a line break
        raise ValueError(_FORM) from None
    mailboxes, groups = header.addresses, header.groups
    is_valid = not any(isinstance(defect, _INVALID) for defect in header.defects)
    if is_valid and len(mailboxes) == 1 and groups[0].display_name is None:
        address = read_address(mailboxes[0].addr_spec)
        return str(Address(mailboxes[0].display_name, addr_spec=address))
    if is_valid and len(mailboxes) > 1:
        raise ValueError(f"{_FORM}, and only one")
    name, bracket, _ = text.rpartition("<")
    if bracket and _SPECIAL.search(name):
        raise ValueError(f'{_FORM}; a name with one of , : ; @ ( ) needs quotes: "Jobs, HR" <no-reply@example.com>')
    raise ValueError(_FORM)


def read_address(text: str) -> str:
    """Return the address without a name, its domain in A-labels."""
    try:
        address = in_ascii(text)
    except IDNAError:
        raise ValueError(f"{_FORM}; its domain is no name of the DNS (RFC 5890), so mail servers refuse it") from None
    except ValueError:
        raise ValueError(_FORM) from None
    if len(address.rpartition("@")[0]) > MAX_LOCAL_PART:
        raise ValueError(f"has more than {MAX_LOCAL_PART} characters before the @ (RFC 5321, section 4.5.3.1.1)")
    return address


def read_reply_address(text: str) -> str:
    """Return the address, to whose local part `+` and a token are added (RFC 5321, section 4.5.3.1.1)."""
    address = read_address(text)
    local_part = address.rpartition("@")[0]
    longest = MAX_LOCAL_PART - len("+") - TOKEN_CHARACTERS
    if len(local_part) > longest or not re.fullmatch(r"[A-Za-z0-9_.=-]+", local_part):
        raise ValueError(f"must have at most {longest} letters, digits and . _ = - before the @")
    return address


def check_subject(text: str) -> None:
    """Raise ValueError for a subject that push services refuse.

    Apple's answers 403 BadJwtToken to addresses on this machine or in a private network, and to other URIs.
    """
    if not re.fullmatch(r"[!-;=?-~]*", text):
        raise ValueError(f"{_SUBJECT}, without blanks, < and > and characters beyond ASCII")
    scheme, _, rest = text.partition(":")
    if scheme == "mailto" and re.fullmatch(r"[^@?]+@[^@?]+", rest):
        host = rest.rpartition("@")[2]
    elif scheme == "https" and rest.startswith("//"):
        host = _host_of(text)
    else:
        raise ValueError(_SUBJECT)
    is_private = any(f".{host}".lower().endswith(f".{name}") for name in _PRIVATE_NAMES)
    if is_private or is_local_host(host) or "." not in host or not _DOMAIN.fullmatch(host) or host[-1].isdigit():
        raise ValueError(f"{_SUBJECT} at a public domain; push services refuse others")


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        return "" if "@" in parts.netloc or parts.port == 0 else parts.hostname or ""
    except ValueError:
        return ""
