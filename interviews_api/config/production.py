"""Settings that production refuses or warns of. Each sentence names the setting, and the remedy or the cost."""

from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import inet_aton
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from interviews_api.config import Settings

EXAMPLE_SECRETS = frozenset(
    {"example-jwt-secret-key-that-production-refuses", "example-root-secret-key-that-production-refuses"}
)
_MINIMUM_CHARACTERS = 8  # different ones; 64 random hex digits have fewer once in 10^17 secrets
_LOCAL_NAMES = ("localhost", "localdomain")  # RFC 6761, section 6.3: with all names below


def production_problems(settings: "Settings", source: Mapping[str, str]) -> Iterator[str]:
    """Yield the settings that are unsafe in production. `source` has the variables that they were read from."""
    for name, value in (("JWT_SECRET_KEY", settings.jwt_secret_key), ("SECRET_KEY", settings.secret_key)):
        yield from _secret_problems(name, value)
    if settings.jwt_secret_key and settings.jwt_secret_key.strip() == settings.secret_key.strip():
        yield "JWT_SECRET_KEY and SECRET_KEY are equal: one leak would open both"
    yield from _public_url_problems(settings.public_url)
    yield from _mail_from_problems(settings.mail_from)
    yield from _reply_address_problems(settings.reply_address)
    if settings.smtp_username and settings.smtp_tls == "none":
        yield "SMTP_TLS is none with an SMTP_USERNAME: the password would travel in clear"
    if source.get("FLASK_DEBUG", "0").lower() not in ("", "0", "false", "no"):
        yield "FLASK_DEBUG is on: the debugger runs anyone's code"


def production_warnings(settings: "Settings") -> Iterator[str]:
    """Yield sentences about settings that production accepts, although something is left unprotected or undone."""
    if not settings.smtp_host:
        yield "SMTP_HOST is not set: mails become files in MAIL_DIR, and nobody receives them"
    if not settings.ratelimit_enabled:
        yield "RATELIMIT_ENABLED is false: passwords can be guessed without limit"
    if not settings.trusted_proxies:
        yield "TRUSTED_PROXIES is 0: behind a proxy all clients share one address and its rate limits"


def _secret_problems(name: str, secret: str) -> Iterator[str]:
    """Yield why the secret can be guessed."""
    if secret.strip() in EXAMPLE_SECRETS:
        yield f"{name} is the example's, which everyone knows"
    if 0 < len(set(secret.strip())) < _MINIMUM_CHARACTERS:
        yield (
            f"{name} has fewer than {_MINIMUM_CHARACTERS} different characters, so it can be guessed: "
            "make one with python -c 'import secrets; print(secrets.token_hex(32))'"
        )


def _public_url_problems(url: str) -> Iterator[str]:
    """Yield why links to the URL are unsafe or lead nowhere."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # the syntax is judged elsewhere
        return
    if parts.scheme != "https":
        yield "PUBLIC_URL must begin with https://, because passwords travel there: set the API's public address"
    if is_local_host(host):
        yield "PUBLIC_URL is an address of this machine, where mailed links lead nowhere: set the API's public address"


def _mail_from_problems(mailbox: str) -> Iterator[str]:
    """Yield why mail servers refuse the sender."""
    if is_local_host(parseaddr(mailbox)[1].rpartition("@")[2]):
        yield "MAIL_FROM is at localhost, which mail servers refuse: set an address of your own domain"


def _reply_address_problems(address: str) -> Iterator[str]:
    """Yield why answers cannot arrive at the address."""
    if address and is_local_host(address.rpartition("@")[2]):
        yield "REPLY_ADDRESS is at localhost, where no answer arrives: set an address of your own domain"


def is_local_host(host: str) -> bool:
    """Return whether the host of a URL or of an e-mail address is this machine itself, in any spelling."""
    name = host.rstrip(".").lower().removeprefix("[").removesuffix("]").removeprefix("ipv6:")
    if not name or name.rpartition(".")[2] in _LOCAL_NAMES:
        return True
    address = _address(name)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address is not None and (address.is_loopback or address.is_unspecified)


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return IPv4Address(inet_aton(name))  # also 127.1, 0x7f000001 and 2130706433, which programs resolve
    except (OSError, ValueError):  # ValueError: a NUL
        pass
    try:
        return ip_address(name)
    except ValueError:
        return None
