"""E-mail addresses in the form that headers and SMTP servers accept."""

import re
from email.errors import MessageError
from email.headerregistry import Address
from unicodedata import normalize

MAX_LOCAL_PART = 64
"""Octets before the @ of an address that is registered (RFC 5321, section 4.5.3.1.1)."""

_LOCAL_PART = re.compile(r"[!-~]+")


def in_ascii(address: str) -> str:
    """Encode a non-ASCII domain in A-labels (RFC 5890); raises ValueError if no mail can reach the address.

    A non-ASCII local part (RFC 6531) is refused, because some servers on the way would refuse it.
    """
    local_part, _, domain = address.rpartition("@")
    if not _LOCAL_PART.fullmatch(local_part) or _has_encoded_word(local_part):
        raise ValueError(address)
    try:
        encoded = Address(addr_spec=f"{local_part}@{'.'.join(map(_a_label, domain.split('.')))}").addr_spec
        return Address(addr_spec=encoded).addr_spec  # Address drops the quotes of ".a"@b.co, which leaves it invalid
    except (IndexError, MessageError):
        raise ValueError(address) from None


def _has_encoded_word(text: str) -> bool:
    """Return whether a mail program may decode a part of the text (RFC 2047, section 2). Linear in its length."""
    for mark in ("=?", "?", "?"):
        text = text.partition(mark)[2]
    return "?=" in text


def _a_label(label: str) -> str:
    """Encode a label by IDNA 2008. The codec `idna` implements IDNA 2003, which merges straße with strasse."""
    if label.isascii():
        return label
    mapped = normalize("NFKC", label.lower())
    return mapped if mapped.isascii() else f"xn--{mapped.encode('punycode').decode()}"
