"""Links as URIs (RFC 3986): the host in A-labels, and percent-encoded what a URI cannot have."""

import re
from ipaddress import IPv6Address
from urllib.parse import quote

from interviews_api.email_addresses import host_in_ascii
from interviews_api.web.hidden_characters import BLANKS, HIDDEN, INNER_BLANKS, without_hidden

_HOST = rf"[^{HIDDEN}{BLANKS}!-,/:-@\[-\^`{{-~]+|\[[0-9A-Fa-f:.]+\]"  # of ASCII letters, digits, "-", "." and "_"
_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_REST = rf"[/?#][^{HIDDEN}{BLANKS}]*(?:[{INNER_BLANKS}]+[^{HIDDEN}{BLANKS}]+)*"
_AFTER_SCHEME = rf"://({_HOST})(:(?:{_PORT}))?({_REST})?[{BLANKS}]*$"
LINK_PATTERN = rf"^[{BLANKS}]*([hH][tT][tT][pP][sS]?){_AFTER_SCHEME}"
HTTPS_LINK_PATTERN = rf"^[{BLANKS}]*([hH][tT][tT][pP][sS]){_AFTER_SCHEME}"
"""Patterns of links that are accepted, for JSON Schema (ECMA-262), too. Only the IDNA library judges other hosts."""

_link = re.compile(LINK_PATTERN)
_unsafe = re.compile("%(?![0-9A-Fa-f]{2})|[^!#-;=?-Z_a-z~]")  # all but RFC 3986, section 2, without brackets


def to_uri(link: str) -> str:
    """Return an http or https link as a URI: scheme and host in lower case, its percent-escapes left alone.

    Raises ValueError for other texts, for user information, and for a host that has no A-labels.
    """
    match = _link.fullmatch(link)
    if match is None:
        raise ValueError(link)
    scheme, host, port, rest = match.groups(default="")
    if host.startswith("["):
        IPv6Address(host[1:-1])
    return f"{scheme.lower()}://{host.lower() if host.isascii() else host_in_ascii(host)}{port}{percent_encode(rest)}"


def as_uri(link: str) -> str:
    """Return a stored link as a URI to send. Hidden characters, which older rules let in, are left out."""
    text = without_hidden(link)
    try:
        return to_uri(text)
    except ValueError:
        return percent_encode(text)


def percent_encode(text: str) -> str:
    """Encode in UTF-8 what a path, query or fragment cannot have; the first # begins the fragment."""
    head, mark, fragment = text.partition("#")
    return _unsafe.sub(lambda match: quote(match[0], safe=""), head + mark + fragment.replace("#", "%23"))
