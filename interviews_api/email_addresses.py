"""E-mail addresses as they go on the wire, and the keys by which they are compared."""

import re
from email.errors import MessageError
from email.headerregistry import Address

import idna

MAX_ADDRESS = 254
"""Characters of an address (RFC 5321, section 4.5.3.1.3)."""

MAX_LOCAL_PART = 64
"""Octets before the @ of an address that is registered (RFC 5321, section 4.5.3.1.1)."""

_LOCAL_PART = re.compile(r"[!-~]+")


def email_key(address: str) -> str:
    """Return the key of an address: its form on the wire, trimmed and in lower case.

    A text that no mail can reach is its own key, which no address has. Cheap for a text of any length.
    """
    text = address.strip()
    if text.isascii() and '"' not in text:  # the wire form differs in letter case alone, and most addresses end here
        return text.lower()
    try:
        return in_ascii(text).lower()
    except ValueError:
        key = text.lower()  # casefold() would make straße@ and strasse@ equal
        return key if key.isascii() == text.isascii() else text  # U+212A in lower case is an ASCII k


def in_ascii(address: str) -> str:
    """Return the address as it goes on the wire: the domain in A-labels, no quotes that the local part does not need.

    Raises ValueError if no mail can reach it, and its subclass IDNAError for the domain. A non-ASCII local part (RFC
    6531) is refused, because some servers on the way would refuse it.
    """
    local_part, _, domain = address.rpartition("@")
    if len(address) > MAX_ADDRESS or not _LOCAL_PART.fullmatch(local_part) or _has_encoded_word(local_part):
        raise ValueError(address)
    try:
        encoded = Address(addr_spec=f"{local_part}@{host_in_ascii(domain)}").addr_spec
        return Address(addr_spec=encoded).addr_spec  # Address drops the quotes of ".a"@b.co, which leaves it invalid
    except (IndexError, MessageError):
        raise ValueError(address) from None


def host_in_ascii(host: str) -> str:
    """Return a host name in lower-case A-labels (RFC 5891), mapped by UTS 46; raises IDNAError if there are none.

    The codec `idna` implements IDNA 2003, which merges straße with strasse.
    """
    return idna.encode(host, uts46=True, std3_rules=True).decode()


def _has_encoded_word(text: str) -> bool:
    """Return whether a mail program may decode a part of the text (RFC 2047, section 2). Linear in its length."""
    for mark in ("=?", "?", "?"):
        text = text.partition(mark)[2]
    return "?=" in text
