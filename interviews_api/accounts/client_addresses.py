"""Client addresses in the form in which rate limits count them."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import request

_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")


@dataclass(frozen=True)
class ClientAddress:
    """An IPv4 address or IPv6 /64 network, the size that a customer gets (RFC 6177), and the /48 around the latter.

    `network` is "" for a client without an IP address, such as that of a Unix socket.
    """

    network: str
    wider: str | None = None

    @property
    def shortened(self) -> str | None:
        """The IPv4 /24 or IPv6 /48 network around the address, or None for a client without an IP address."""
        if self.wider is not None or not self.network:
            return self.wider
        return str(ip_network((self.network, 24), strict=False))


def client_address() -> ClientAddress:
    """Return the address of the request's client, without the port that some proxies add in X-Forwarded-For."""
    text = (request.remote_addr or "").strip()
    match = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    try:
        return _networks_of(ip_address(match[1] if match else text))
    except ValueError:  # any other text is one subject, or each text would have its own limit
        return ClientAddress("")


def _networks_of(address: IPv4Address | IPv6Address) -> ClientAddress:
    # Mapped IPv4 addresses count as IPv4: otherwise all of IPv4 would share one /64.
    ipv4 = address if isinstance(address, IPv4Address) else address.ipv4_mapped
    if ipv4 is not None:
        return ClientAddress(str(ipv4))
    network, wider = (str(ip_network((address, length), strict=False)) for length in (64, 48))
    return ClientAddress(network, wider)
