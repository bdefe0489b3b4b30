"""The one way out to addresses that companies and browsers gave us: https, port 443, and never into a private network.

An address is judged twice: when it is given (`check_address`), and again where the socket opens, for what a name means
may have changed. What is connected to is the very IP address that was judged.
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
    connect,
    look_up,
    resolve,
)

MAX_ANSWER_BYTES = 64 * 1024
MAX_URL_LENGTH = 2000
_PORT = 443
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_GLOBAL_UNICAST = ip_network("2000::/3")  # RFC 4291, section 2.4: all that is given out so far
# Networks that carry an IPv4 address inside: NAT64 (RFC 6052 and 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
_CARRIERS = [ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


class AddressRefused(Exception):
    """We do not send there; the message says why."""


class NoAnswer(Exception):
    """The receiver is away, too slow, or speaks something else than HTTP."""


def is_public(address: str) -> bool:
    """Whether this IP address is one that the whole internet can reach, also when it is written inside another."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed not in _GLOBAL_UNICAST or any(parsed in carrier for carrier in _CARRIERS):
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def host_of(url: str) -> str:
    """The host of an address that we may send to as far as its spelling says; raises AddressRefused."""
    if len(url) > MAX_URL_LENGTH or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise AddressRefused(f"Must be an address of at most {MAX_URL_LENGTH} plain characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("Not a valid address.") from None
    if parts.scheme != "https":
        raise AddressRefused("Must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("Must not name a user.")
    if port not in (None, _PORT) or parts.netloc.endswith(":"):
        raise AddressRefused(f"Must use port {_PORT}.")
    host = (parts.hostname or "").lower()
    if not _HOST.fullmatch(host) or is_number(host.rstrip(".")):  # the first also refuses IPv6
        raise AddressRefused("Must name a host, not an IP address.")
    return host.rstrip(".")


def check_address(url: str, resolve: Resolve = resolve) -> None:
    """Raise AddressRefused for what we do not send to; a name that nobody knows at present is accepted."""
    host = host_of(url)
    try:
        addresses = look_up(resolve, host)
    except (OSError, UnicodeError):
        return
    if not all(is_public(address) for address in addresses):
        raise AddressRefused("Must not lead into a private network.")


def is_number(host: str) -> bool:
    """Whether inet_aton would read it as an IPv4 address: decimal, octal or hex, in one to four parts."""
    last = host.rpartition(".")[2]
    return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None


class HttpsClient:
    """Posts to such addresses. Tests bring a resolver, a connect function and a trust of their own."""

    def __init__(
        self,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        trust: ssl.SSLContext | None = None,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._resolve, self._connect = resolve, connect
        self._trust = trust or ssl.create_default_context()
        self._seconds = seconds

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer, of which at most 64 KiB are read; a redirect is an answer like any other.

        Raises AddressRefused, and NotAnswered after at most 15 s in all.
        """
        host = host_of(url)
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with Deadline(self._seconds) as limit:
                return self._converse(limit, host, path, body, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(type(error).__name__) from None

    def _converse(self, limit: Deadline, host: str, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        connection = http.client.HTTPSConnection(host, _PORT, context=self._trust)
        connection.auto_open = 0  # it would look the name up itself
        with closing(connection):
            connection.sock = limit.connect(self._connect, self._judged(limit, host), _PORT)
            connection.sock = self._trust.wrap_socket(connection.sock, server_hostname=host)
            connection.request("POST", path, body, dict(headers))
            with connection.getresponse() as response:
                with suppress(OSError, http.client.HTTPException):  # once there is a status the rest does not matter
                    response.read(MAX_ANSWER_BYTES)
                return response.status

    def _judged(self, limit: Deadline, host: str) -> list[str]:
        try:
            addresses = limit.look_up(self._resolve, host)
        except (OSError, UnicodeError):
            raise NoAnswer("the name is not known") from None
        if not addresses or not all(is_public(address) for address in addresses):
            raise AddressRefused("It leads into a private network.")
        return addresses
