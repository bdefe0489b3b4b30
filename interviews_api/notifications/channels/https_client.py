"""HTTPS client for addresses from companies and browsers: https, port 443, never into a private network (no SSRF).

The syntax of a URL is checked when it is read (`host_of`), its host when it is stored (`check_url`) and again at each
connection, because DNS may have changed. The connection goes to the checked IP address itself, so no second look-up can
replace it.
"""

import http.client
import re
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from interviews_api.notifications.channels.deadline import (
    TOTAL_SECONDS,
    Connect,
    Deadline,
    Resolve,
    open_socket,
    resolve_host,
)
from interviews_api.web.uris import percent_encode

MAX_RESPONSE_BYTES = 64 * 1024
MAX_URL_LENGTH = 2000
_PORT = 443
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_GLOBAL_UNICAST = ip_network("2000::/3")  # RFC 4291, section 2.4: the only range in use
# IPv6 networks that embed IPv4 addresses: NAT64 (RFC 6052 and 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
_IPV4_EMBEDDINGS = [ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


class UrlRefused(Exception):
    """The URL, or an IP address of its host, is not allowed; the message says why."""


class NoAnswer(Exception):
    """The receiver is away, too slow, or does not speak HTTP."""


def is_public(address: str) -> bool:
    """Return whether the whole internet can reach the IP address; False for IPv6 that may lead to private IPv4."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed not in _GLOBAL_UNICAST or any(parsed in network for network in _IPV4_EMBEDDINGS):
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def host_of(url: str) -> str:
    """Return the host of a URL; raises UrlRefused if its syntax alone is not allowed. Makes no look-up."""
    if len(url) > MAX_URL_LENGTH or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise UrlRefused(f"Must be an address of at most {MAX_URL_LENGTH} plain characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UrlRefused("Not a valid address.") from None
    if parts.scheme != "https":
        raise UrlRefused("Must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("Must not name a user.")
    if port not in (None, _PORT) or parts.netloc.endswith(":"):
        raise UrlRefused(f"Must use port {_PORT}.")
    host = (parts.hostname or "").lower()
    if not _HOST.fullmatch(host) or is_ipv4_number(host.rstrip(".")):  # the pattern also refuses IPv6
        raise UrlRefused("Must name a host, not an IP address.")
    return host.rstrip(".")


def check_url(url: str, resolve: Resolve) -> None:
    """Raise UrlRefused for a URL that is not allowed; a host that `resolve` does not find is accepted."""
    host = host_of(url)
    try:
        addresses = resolve(host)
    except (OSError, UnicodeError):
        return
    if not all(is_public(address) for address in addresses):
        raise UrlRefused("Must not lead into a private network.")


def is_ipv4_number(host: str) -> bool:
    """Return whether inet_aton would read the host as an IPv4 address: decimal, octal or hex, in one to four parts."""
    last = host.rpartition(".")[2]
    return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None


class HttpsClient:
    """HTTPS client that posts only to public addresses; tests replace `resolve`, `connect` and `trust`."""

    def __init__(
        self,
        resolve: Resolve = resolve_host,
        connect: Connect = open_socket,
        trust: ssl.SSLContext | None = None,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._resolve, self._connect = resolve, connect
        self._trust = trust or ssl.create_default_context()
        self._seconds = seconds

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the response, of which at most 64 KiB are read; follows no redirect.

        Raises UrlRefused, and NoAnswer after at most `seconds` in all (15 by default).
        """
        host = host_of(url)
        parts = urlsplit(url)
        path = percent_encode((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        try:
            with Deadline(self._seconds) as deadline:
                return self._exchange(deadline, host, path, body, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(type(error).__name__) from None

    def _exchange(self, deadline: Deadline, host: str, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        connection = http.client.HTTPSConnection(host, _PORT, context=self._trust)
        connection.auto_open = 0  # http.client must not look the name up itself
        with closing(connection):
            connection.sock = deadline.open(self._connect, self._public_addresses(deadline, host), _PORT)
            connection.sock = self._trust.wrap_socket(connection.sock, server_hostname=host)
            connection.request("POST", path, body, dict(headers))
            with connection.getresponse() as response:
                # The status is the result, so a broken body does not matter.
                with suppress(OSError, http.client.HTTPException):
                    response.read(MAX_RESPONSE_BYTES)
                return response.status

    def _public_addresses(self, deadline: Deadline, host: str) -> list[str]:
        try:
            addresses = deadline.look_up(self._resolve, host)
        except (OSError, UnicodeError):
            raise NoAnswer("the name is not known") from None
        if not addresses or not all(is_public(address) for address in addresses):
            raise UrlRefused("It leads into a private network.")
        return addresses
