"""E-mail addresses as headers and SMTP servers take them."""

import re
from email.errors import MessageError
from email.headerregistry import Address
from unicodedata import normalize

MAX_LOCAL_PART = 64  # octets (RFC 5321, section 4.5.3.1.1)
_LOCAL_PART = re.compile(rf"[!-~]{{1,{MAX_LOCAL_PART}}}")


def in_ascii(address: str) -> str:
    """The same mailbox, a domain beyond ASCII in A-labels (RFC 5890); raises ValueError when no mail can go there.

    A local part beyond ASCII (RFC 6531) is refused: not every server on the way would take it.
    """
    local_part, _, domain = address.rpartition("@")
    if not _LOCAL_PART.fullmatch(local_part) or _has_encoded_word(local_part):
        raise ValueError(address)
    try:
        written = Address(addr_spec=f"{local_part}@{'.'.join(map(_a_label, domain.split('.')))}").addr_spec
        return Address(addr_spec=written).addr_spec  # without needless quotes, some are addresses no more: ".a"@b.co
    except (IndexError, MessageError):
        raise ValueError(address) from None


def _has_encoded_word(text: str) -> bool:
    """Return whether a mail program may decode a part of the text (RFC 2047, section 2). Linear in its length."""
    for mark in ("=?", "?", "?"):
        text = text.partition(mark)[2]
    return "?=" in text


def _a_label(label: str) -> str:
    """By IDNA 2008: the standard library's codec `idna` is that of 2003, to which straße and strasse are one name."""
    if label.isascii():
        return label
    mapped = normalize("NFKC", label.lower())
    return mapped if mapped.isascii() else f"xn--{mapped.encode('punycode').decode()}"
