"""The one way out to addresses that companies and browsers gave us: https, port 443, and never into a private network.

An address is judged twice: when it is given (`check_address`), and again where the socket opens, for what a name means
may have changed. What is connected to is the very IP address that was judged.
"""

import http.client
import queue
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from interviews_api.notifications.deadline import TOTAL_SECONDS, deadline

MAX_ANSWER_BYTES = 64 * 1024
MAX_URL_LENGTH = 2000
_PORT = 443
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_GLOBAL_UNICAST = ip_network("2000::/3")  # RFC 4291, section 2.4: all that is given out so far
# Networks that carry an IPv4 address inside: NAT64 (RFC 6052 and 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
_CARRIERS = [ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]

Resolve = Callable[[str], list[str]]
"""The IP addresses of a host name; raises OSError when it has none."""

Connect = Callable[[str, int, float], socket.socket]
"""A socket to that IP address and port, within so many seconds; raises OSError."""


class AddressRefused(Exception):
    """We do not send there; the message says why."""


class NotAnswered(Exception):
    """The receiver is away, too slow, or speaks something else than HTTP."""


def resolve(host: str) -> list[str]:
    """As the operating system does."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)]


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection."""
    return socket.create_connection((address, port), seconds)


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
    if not _HOST.fullmatch(host):  # also refuses IPv6, which is a literal
        raise AddressRefused("Must name a host, not an IP address.")
    return host.rstrip(".")


def check_address(url: str, resolve: Resolve = resolve) -> None:
    """Raise AddressRefused for what we do not send to; a name that nobody knows at present is accepted."""
    host = host_of(url)
    if is_number(host):
        raise AddressRefused("Must name a host, not an IP address.")
    try:
        addresses = _in_time(resolve, host)
    except (OSError, UnicodeError):
        return
    if not all(is_public(address) for address in addresses):
        raise AddressRefused("Must not lead into a private network.")


def is_number(host: str) -> bool:
    """Whether inet_aton would read it as an IPv4 address: decimal, octal or hex, in one to four parts."""
    last = host.rpartition(".")[2]
    return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None


def _in_time(resolve: Resolve, host: str, seconds: float = 5.0) -> list[str]:
    """The operating system's look-up knows no time limit: leave it alone after a while."""
    found: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(resolve(host))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        result = found.get(timeout=seconds)
    except queue.Empty:
        raise OSError("the name was not found in time") from None
    if isinstance(result, Exception):
        raise result
    return result


class _Connection(http.client.HTTPSConnection):
    """To the judged address, with the name's certificate."""

    def __init__(self, host: str, address: str, connect: Connect, context: ssl.SSLContext, seconds: float) -> None:
        super().__init__(host, _PORT, timeout=seconds, context=context)
        self._address, self._connect_to, self._trust = address, connect, context

    def connect(self) -> None:
        """Overrides the look-up by name."""
        raw = self._connect_to(self._address, _PORT, self.timeout or TOTAL_SECONDS)
        self.sock = raw  # for who cuts it during the handshake
        self.sock = self._trust.wrap_socket(raw, server_hostname=self.host)

    def cut(self) -> None:
        """End it from another thread."""
        with suppress(OSError):
            if self.sock is not None:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # SSLSocket's own first forgets its session


class Outbound:
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
            addresses = _in_time(self._resolve, host)
        except (OSError, UnicodeError):
            raise NotAnswered("the name is not known") from None
        if not addresses or not all(is_public(address) for address in addresses):
            raise AddressRefused("It leads into a private network.")
        connection = _Connection(host, addresses[0], self._connect, self._trust, self._seconds)
        try:
            with deadline(self._seconds, connection.cut):
                connection.request("POST", path, body, dict(headers))
                response = connection.getresponse()
                response.read(MAX_ANSWER_BYTES)
                return response.status
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotAnswered(type(error).__name__) from None
        finally:
            connection.close()
