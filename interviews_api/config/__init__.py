"""The settings, read from the environment here and nowhere else. Unsafe settings prevent the start.

`docs/settings.md` describes each setting; a test compares it with this module.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

from dotenv import dotenv_values
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from interviews_api.config.contacts import check_subject, read_mailbox, read_reply_address
from interviews_api.config.limits import Limit, LimitsError, parse_limits
from interviews_api.config.production import production_problems, production_warnings
from interviews_api.crypto.idp_keys import KEY_REQUIREMENTS, KeyFileError, NamedKeys, read_jwks, read_pem
from interviews_api.crypto.vapid import read_private_key

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DATABASE_URL = f"sqlite:///{ROOT / 'instance' / 'interviews.sqlite3'}"
MINIMUM_SECRET_BYTES = 32  # RFC 7518, section 3.2: an HS256 key has at least the length of the hash
_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
_BAD_DATABASE_URL = "DATABASE_URL must begin with sqlite:/// or postgresql:// (no other driver), and a port be a number"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")  # no wildcard: flask-cors would read a pattern

P = ParamSpec("P")
T = TypeVar("T")


class SettingsError(Exception):
    """Settings are invalid or unsafe. The message names each setting and its problem."""


class _Reader:
    """Parser of single variables. It collects all problems, so that one error can name them together."""

    def __init__(self, source: Mapping[str, str]) -> None:
        self.source = source
        self.problems: list[str] = []

    def raise_problems(self) -> None:
        if self.problems:
            raise SettingsError("; ".join(dict.fromkeys(self.problems)))

    def raw(self, name: str) -> str:
        value = self.source.get(name, "")
        utf8 = value.encode(errors="replace").decode()  # Python reads invalid bytes as lone surrogates
        if utf8 != value:
            self.problems.append(f"{name} is not UTF-8")
        return utf8

    def text(self, name: str, default: str = "") -> str:
        return self.raw(name).strip() or default

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,10}", value) and low <= int(value) <= high:
            return int(value)
        self.problems.append(f"{name} must be a whole number from {low} to {high}")
        return default

    def boolean(self, name: str, default: bool) -> bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        value = self.text(name, str(default)).lower()
        if value not in words:
            self.problems.append(f"{name} must be true or false")
        return words.get(value, default)

    def one_of(self, name: str, words: tuple[str, ...], *, in_production: str = "") -> str:
        """Return the setting, one of the words; the first word is the default, unless production has another."""
        default = in_production if self.text("ENVIRONMENT") == "production" else ""
        value = self.text(name, default or words[0])
        if value not in words:
            self.problems.append(f"{name} must be one of {', '.join(words)}")
        return value

    def mail_address(self, name: str, read: Callable[[str], str], default: str = "") -> str:
        """Return what `read` makes of the setting, or "" if it is empty."""
        value = self.text(name, default)
        try:
            return read(value) if value else ""
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return value

    def vapid_key(self, name: str) -> str:
        value = self.text(name)
        try:
            if value:
                read_private_key(value)
        except ValueError:
            self.problems.append(f"{name} must be 32 raw bytes in base64url (`flask push keys` makes one)")
        return value

    def secret(self, name: str) -> str:
        value = self.raw(name)
        if not value.strip():
            self.problems.append(f"{name} is missing (`make .env` writes one for development)")
        elif len(value.strip().encode()) < MINIMUM_SECRET_BYTES:
            self.problems.append(f"{name} is shorter than {MINIMUM_SECRET_BYTES} bytes")
        return value

    def database_url(self, name: str) -> str:
        url = self.text(name, DEFAULT_DATABASE_URL)
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):  # ValueError: the port is not a number
            self.problems.append(_BAD_DATABASE_URL)
            return url
        if parsed.drivername not in _DRIVERS:
            self.problems.append(_BAD_DATABASE_URL)
        elif parsed.get_backend_name() == "sqlite":
            # sqlite://folder/file names a host; ?uri=true can select an in-memory database.
            if parsed.host or parsed.query:
                self.problems.append("DATABASE_URL names a SQLite file by its path alone: sqlite:///path")
            elif parsed.database in (None, "", ":memory:"):
                self.problems.append(
                    "DATABASE_URL must name a file: each gunicorn worker would have a memory of its own"
                )
        return url

    def public_url(self, name: str) -> str:
        url = self.text(name, f"http://127.0.0.1:{self.text('PORT', '8000')}").rstrip("/")
        if not re.fullmatch(_ORIGIN.pattern + r"(/[^?#\s]*)?", url):
            self.problems.append("PUBLIC_URL must be an http or https address without query")
        return url

    def origins(self, name: str) -> tuple[str, ...]:
        origins = tuple(part.strip() for part in self.text(name).split(",") if part.strip())
        if not all(_ORIGIN.fullmatch(origin) for origin in origins):
            self.problems.append(f"{name} must be a comma list of origins like https://jobs.example.com")
        return origins

    def limits(self, name: str) -> Mapping[str, Limit]:
        try:
            return parse_limits(self.text(name))
        except LimitsError as error:
            self.problems.append(f"{name} {error}")
            return parse_limits("")


def _setting(read: Callable[Concatenate[_Reader, str, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Declare a field of Settings that a method of _Reader reads from the variable of the field's name."""
    return cast("T", field(metadata={"read": lambda reader, name: read(reader, name, *args, **kwargs)}))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The operator's settings. Each field is the environment variable of the same name in upper case."""

    environment: str = _setting(_Reader.text, "development")
    database_url: str = _setting(_Reader.database_url)
    jwt_secret_key: str = _setting(_Reader.secret)
    secret_key: str = _setting(_Reader.secret)
    public_url: str = _setting(_Reader.public_url)
    port: int = _setting(_Reader.integer, 8000, 1, 65535)
    web_concurrency: int = _setting(_Reader.integer, 2, 1, 256)
    web_threads: int = _setting(_Reader.integer, 4, 1, 256)
    cors_origins: tuple[str, ...] = _setting(_Reader.origins)
    access_token_minutes: int = _setting(_Reader.integer, 15, 1, 1440)
    refresh_token_days: int = _setting(_Reader.integer, 30, 1, 365)
    refresh_grace_seconds: int = _setting(_Reader.integer, 20, 0, 60)
    clock_leeway_seconds: int = _setting(_Reader.integer, 30, 0, 120)
    email_verification: str = _setting(_Reader.one_of, ("off", "required"), in_production="required")
    company_approval: str = _setting(_Reader.one_of, ("off", "required"))
    registration: str = _setting(_Reader.one_of, ("open", "candidates", "closed"))
    trusted_proxies: int = _setting(_Reader.integer, 0, 0, 10)
    ratelimit_enabled: bool = _setting(_Reader.boolean, True)
    limits: Mapping[str, Limit] = _setting(_Reader.limits)
    cache_bytes: int = _setting(_Reader.integer, 14 * 1024 * 1024, 0, 2**40)
    verified_tokens: int = _setting(_Reader.integer, 10_000, 0, 10_000_000)
    compiled_dump: bool = _setting(_Reader.boolean, True)
    idp_algorithm: str = _setting(_Reader.text)
    idp_public_key_file: str = _setting(_Reader.text)
    idp_jwks_file: str = _setting(_Reader.text)
    idp_issuer: str = _setting(_Reader.text)
    idp_audience: str = _setting(_Reader.text)
    idp_subject_claim: str = _setting(_Reader.text, "sub")
    idp_subject_is: str = _setting(_Reader.text, "id")
    idp_role_claim: str = _setting(_Reader.text, "role")
    smtp_host: str = _setting(_Reader.text)
    smtp_port: int = _setting(_Reader.integer, 587, 1, 65535)
    smtp_username: str = _setting(_Reader.text)
    smtp_password: str = _setting(_Reader.text)
    smtp_tls: str = _setting(_Reader.one_of, ("starttls", "tls", "none"))
    mail_from: str = _setting(_Reader.mail_address, read_mailbox, "Interviews <no-reply@localhost>")
    reply_address: str = _setting(_Reader.mail_address, read_reply_address)
    mail_dir: str = _setting(_Reader.text, str(ROOT / "instance" / "mail"))
    vapid_private_key: str = _setting(_Reader.vapid_key)
    vapid_subject: str = _setting(_Reader.text)

    @property
    def is_production(self) -> bool:
        """True if unsafe settings prevent the start."""
        return self.environment == "production"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about settings that production accepts, although they leave something unprotected or undone."""
        return tuple(production_warnings(self)) if self.is_production else ()

    @property
    def access_token_lifetime(self) -> timedelta:
        """The lifetime of an access token."""
        return timedelta(minutes=self.access_token_minutes)

    @property
    def refresh_token_lifetime(self) -> timedelta:
        """The lifetime of a refresh token and of its session."""
        return timedelta(days=self.refresh_token_days)

    @property
    def refresh_grace(self) -> timedelta:
        """How long after its first use the refresh token used last may be used again."""
        return timedelta(seconds=self.refresh_grace_seconds)

    @cached_property
    def idp_keys(self) -> NamedKeys:
        """The keys that verify tokens of the identity provider. `load` reads the file once and reports a bad file."""
        if self.idp_jwks_file:
            return read_jwks(Path(self.idp_jwks_file), self.idp_algorithm)
        return read_pem(Path(self.idp_public_key_file), self.idp_algorithm)

    @classmethod
    def load(cls, source: Mapping[str, str] | None = None) -> Self:
        """Read the settings from the mapping, or from the environment and the file `.env`; raises SettingsError.

        Environment variables override `.env`.
        """
        reader = _Reader(_environment() if source is None else source)
        settings = cls(**{each.name: each.metadata["read"](reader, each.name.upper()) for each in fields(cls)})
        if settings.environment not in ("development", "production"):
            reader.problems.append("ENVIRONMENT must be development or production")
        if any(reader.text(each.name.upper()) for each in fields(cls) if each.name.startswith("idp_")):
            reader.problems.extend(_provider_problems(settings))
        if settings.vapid_private_key:
            reader.problems.extend(_subject_problems(settings.vapid_subject))
        if settings.is_production:
            reader.problems.extend(production_problems(settings, reader.source))
        reader.raise_problems()
        return settings


def _subject_problems(subject: str) -> Iterator[str]:
    """Yield why push services refuse the subject."""
    try:
        check_subject(subject)
    except ValueError as error:
        yield f"VAPID_SUBJECT {error}"


def _provider_problems(settings: Settings) -> Iterator[str]:
    """Yield the problems of the identity provider's settings."""
    for name, value in (("IDP_ISSUER", settings.idp_issuer), ("IDP_AUDIENCE", settings.idp_audience)):
        if not value:
            yield f"{name} is missing, which an identity provider needs"
    if settings.idp_subject_is not in ("id", "email"):
        yield "IDP_SUBJECT_IS must be id or email"
    paths = {"IDP_PUBLIC_KEY_FILE": settings.idp_public_key_file, "IDP_JWKS_FILE": settings.idp_jwks_file}
    files = [name for name, path in paths.items() if path]
    if len(files) != 1:
        yield "one of IDP_PUBLIC_KEY_FILE and IDP_JWKS_FILE must be set, and not both"
    if settings.idp_algorithm not in KEY_REQUIREMENTS:
        yield f"IDP_ALGORITHM must be one of {', '.join(KEY_REQUIREMENTS)}"
    elif len(files) == 1:
        try:
            _ = settings.idp_keys
        except KeyFileError as error:
            yield f"{files[0]} {error}"


def database_url() -> str:
    """Return DATABASE_URL for tools that need no other setting; raises SettingsError."""
    reader = _Reader(_environment())
    url = reader.database_url("DATABASE_URL")
    reader.raise_problems()
    return url


def _environment() -> Mapping[str, str]:
    """Return the variables of `.env`, overridden by the process's environment; raises SettingsError."""
    try:
        from_file = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    except UnicodeDecodeError:
        raise SettingsError(".env is not UTF-8") from None
    except OSError as error:
        raise SettingsError(f".env cannot be read: {error.strerror}") from None
    return from_file | dict(os.environ)
