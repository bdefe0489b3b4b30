"""Settings are typed, documented, and refuse to start when unsafe."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from interviews_api.config import Settings, SettingsError, database_url
from interviews_api.config.production import EXAMPLE_SECRETS, is_local_host
from tests.support.settings import PRODUCTION, ROOT, SECRETS

KEY = "A" * 42 + "E"
GUESSED = "different characters, so it can be guessed: make one with"
NO_HTTPS = "PUBLIC_URL must begin with https://"
LOCAL_URL = "PUBLIC_URL is an address of this machine"
LOCAL_MAIL = "MAIL_FROM is at localhost, which mail servers refuse: set an address of your own domain"


def test_default_settings() -> None:
    settings = Settings.load(SECRETS)
    assert settings.environment == "development"
    assert settings.database_url.startswith("sqlite:////")
    assert settings.public_url == "http://127.0.0.1:8000"
    assert (settings.port, settings.web_concurrency, settings.web_threads) == (8000, 2, 4)
    assert (settings.access_token_minutes, settings.refresh_token_days) == (15, 30)
    assert (settings.cors_origins, settings.trusted_proxies) == ((), 0)


def test_production_requires_verified_addresses() -> None:
    assert [Settings.load(source).email_verification for source in (SECRETS, PRODUCTION)] == ["off", "required"]
    for source in (SECRETS, PRODUCTION):
        assert Settings.load(source | {"EMAIL_VERIFICATION": "off"}).email_verification == "off"
        assert Settings.load(source | {"EMAIL_VERIFICATION": "required"}).email_verification == "required"


def test_settings_are_parsed() -> None:
    settings = Settings.load(
        PRODUCTION
        | {"PORT": "80", "PUBLIC_URL": "https://a.example/api/", "CORS_ORIGINS": "https://a.example, http://b:3000"}
    )
    assert settings.is_production
    assert settings.public_url == "https://a.example/api"
    assert settings.cors_origins == ("https://a.example", "http://b:3000")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"JWT_SECRET_KEY": ""}, "JWT_SECRET_KEY is missing"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"JWT_SECRET_KEY": "x" * 31}, "JWT_SECRET_KEY is shorter than 32 bytes"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter than 32 bytes"),
        ({"JWT_SECRET_KEY": min(EXAMPLE_SECRETS)}, "JWT_SECRET_KEY is the example's"),
        ({"SECRET_KEY": max(EXAMPLE_SECRETS)}, "SECRET_KEY is the example's"),
        ({"SECRET_KEY": PRODUCTION["JWT_SECRET_KEY"]}, "are equal"),
        ({"JWT_SECRET_KEY": f"{min(EXAMPLE_SECRETS)}\n"}, "JWT_SECRET_KEY is the example's"),
        ({"SECRET_KEY": f" {max(EXAMPLE_SECRETS)} "}, "SECRET_KEY is the example's"),
        ({"SECRET_KEY": f"{PRODUCTION['JWT_SECRET_KEY']}\n"}, "are equal"),
        ({"SECRET_KEY": " " * 40}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "x" + " " * 40}, "SECRET_KEY is shorter"),
        ({"SECRET_KEY": "x" * 40 + "\udcff"}, "SECRET_KEY is not UTF-8"),
        ({"PUBLIC_URL": "http://\udcff"}, "PUBLIC_URL is not UTF-8"),
        ({"JWT_SECRET_KEY": "a" * 32}, f"JWT_SECRET_KEY has fewer than 8 {GUESSED}"),
        ({"SECRET_KEY": "changec" * 6}, f"SECRET_KEY has fewer than 8 {GUESSED}"),
        ({"SECRET_KEY": f"{'1234567' * 6}\t\n "}, f"SECRET_KEY has fewer than 8 {GUESSED}"),
        ({"PUBLIC_URL": ""}, NO_HTTPS),
        ({"PUBLIC_URL": ""}, LOCAL_URL),
        ({"PUBLIC_URL": "http://interviews.example.com"}, NO_HTTPS),
        ({"PUBLIC_URL": "https://localhost:8000/api"}, LOCAL_URL),
        ({"PUBLIC_URL": "https://127.1"}, LOCAL_URL),
        ({"MAIL_FROM": ""}, LOCAL_MAIL),
        ({"MAIL_FROM": "Interviews <no-reply@LOCALHOST>"}, LOCAL_MAIL),
        ({"MAIL_FROM": "no-reply@[127.0.0.1]"}, LOCAL_MAIL),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
        ({"FLASK_DEBUG": " 0"}, "FLASK_DEBUG"),
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL must name a file"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must name a file"),
        ({"DATABASE_URL": "sqlite:///file::memory:?uri=true"}, "DATABASE_URL names a SQLite file by its path alone"),
        ({"DATABASE_URL": "sqlite://host/x"}, "DATABASE_URL names a SQLite file by its path alone"),
        ({"DATABASE_URL": "sqlite+aiosqlite:///x"}, "DATABASE_URL must begin with"),
        ({"DATABASE_URL": "postgresql+asyncpg://h/x"}, "DATABASE_URL must begin with"),
        ({"DATABASE_URL": "postgresql://u@h:port/x"}, "DATABASE_URL must begin with"),
        ({"PUBLIC_URL": "ftp://x"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://[x?a=b"}, "PUBLIC_URL"),
        ({"PORT": "0"}, "PORT"),
        ({"PORT": "eighty"}, "PORT"),
        ({"WEB_THREADS": "\uff14"}, "WEB_THREADS"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES"),
        ({"LIMITS": "logins=1/2"}, "LIMITS has no limit logins; the names are in docs/limits.md"),
        ({"SMTP_TLS": "ssl"}, "SMTP_TLS must be one of starttls, tls, none"),
        ({"SMTP_USERNAME": "me", "SMTP_TLS": "none"}, "SMTP_TLS is none with an SMTP_USERNAME"),
        ({"SMTP_PORT": "x"}, "SMTP_PORT"),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM must be an address"),
        ({"MAIL_FROM": "A <a@b.example>\r\nBcc: c@d.example"}, "MAIL_FROM must be an address"),
        ({"MAIL_FROM": "=?utf-8?q?A=0D=0ABcc=3A_c=40d.example?= <a@b.example>"}, "MAIL_FROM must be an address"),
        ({"MAIL_FROM": "a@b.example, c@d.example"}, "and only one"),
        ({"MAIL_FROM": "A <a@b.example>, B <c@d.example>"}, "and only one"),
        ({"MAIL_FROM": "Jobs: HR <a@b.example>"}, "a name with one of , : ; @ ( ) needs quotes"),
        ({"MAIL_FROM": "me@home <a@b.example>"}, "a name with one of , : ; @ ( ) needs quotes"),
        ({"MAIL_FROM": "Bücher, GmbH <a@b.example>"}, "a name with one of , : ; @ ( ) needs quotes"),
        ({"MAIL_FROM": "Team: a@b.example;"}, "MAIL_FROM must be an address"),
        ({"MAIL_FROM": "A <a@b.example> x"}, "MAIL_FROM must be an address"),
        ({"MAIL_FROM": "A <ä@b.example>"}, "MAIL_FROM must be an address"),
        ({"MAIL_FROM": "A <a@b_c.example>"}, "its domain is no name of the DNS"),
        ({"MAIL_FROM": "A <a@-b.example>"}, "its domain is no name of the DNS"),
        ({"MAIL_FROM": f"A <a@ü{'b' * 60}.example>"}, "its domain is no name of the DNS"),
        ({"MAIL_FROM": f"{'a' * 65}@b.example"}, "MAIL_FROM has more than 64 characters before the @"),
        ({"REPLY_ADDRESS": "replies"}, "REPLY_ADDRESS must be an address"),
        ({"REPLY_ADDRESS": "Jobs <replies@jobs.example>"}, "REPLY_ADDRESS must be an address"),
        ({"REPLY_ADDRESS": "replies@b_c.example"}, "its domain is no name of the DNS"),
        ({"REPLY_ADDRESS": f"{'r' * 24}@jobs.example"}, "REPLY_ADDRESS must have at most 23 letters, digits"),
        ({"REPLY_ADDRESS": '"a b"@jobs.example'}, "REPLY_ADDRESS must be an address"),
        ({"REPLY_ADDRESS": "re+plies@jobs.example"}, "REPLY_ADDRESS must have at most 23 letters, digits"),
        ({"REPLY_ADDRESS": "replies@localhost"}, "REPLY_ADDRESS is at localhost"),
        ({"VAPID_PRIVATE_KEY": "short"}, "VAPID_PRIVATE_KEY must be 32 raw bytes"),
        ({"VAPID_PRIVATE_KEY": "*" * 43}, "VAPID_PRIVATE_KEY must be 32 raw bytes"),
        ({"VAPID_PRIVATE_KEY": "A" * 43}, "VAPID_PRIVATE_KEY must be 32 raw bytes"),
        ({"VAPID_PRIVATE_KEY": KEY}, "VAPID_SUBJECT must be a mailto: or https: address"),
        *(
            ({"VAPID_PRIVATE_KEY": KEY, "VAPID_SUBJECT": subject}, "VAPID_SUBJECT must be a mailto: or https: address")
            for subject in (
                "ops@jobs.example",
                "http://jobs.example",
                "mailto:ops",
                "mailto:ops@localhost",
                "https://localhost",
                "https://localhost:8000/",
                "mailto: ops@jobs.example",
                "mailto:<ops@jobs.example>",
                "https://10.0.0.1",
                "https://[::1]",
                "mailto:ops@jobs.local",
                "mailto:ops@jobs.invalid",
                "mailto:ops@127.0.0.1",
                "https://",
                "mailto:a@b.example,c@d.example",
                "MAILTO:ops@jobs.example",
                "mailto:ops@bücher.example",
                "https://me@jobs.example",
                "https://jobs.example:99999",
                "mailto:ops@jobs\u200b.example",
            )
        ),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS"),
        ({"CORS_ORIGINS": "https://a.example/"}, "CORS_ORIGINS"),
        ({"CORS_ORIGINS": "https://*.example"}, "CORS_ORIGINS"),
        ({"CORS_ORIGINS": "https://a.example,https://b.(com|org)"}, "CORS_ORIGINS"),
    ],
)
def test_production_refuses_unsafe_settings(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(reason)):
        Settings.load(PRODUCTION | changes)


def test_hosts_of_this_machine() -> None:
    for host in ("localhost", "LocalHost.", "a.localhost", "localhost.localdomain", "127.0.0.1", "127.255.0.9", "127.1",
                 "0", "0.0.0.0", "2130706433", "0x7f000001", "0177.0.0.1", "::1", "[::1]", "[IPv6:::1]", "::",
                 "::ffff:127.0.0.1", "", "."):  # fmt: skip
        assert is_local_host(host), host
    for host in ("interviews.example.com", "localhost.example.com", "10.0.0.1", "2001:db8::1", "notlocalhost", "a\0"):
        assert not is_local_host(host), host


def test_production_warns_of_settings_that_it_accepts() -> None:
    assert [warning.split()[0] for warning in Settings.load(PRODUCTION).warnings] == ["SMTP_HOST", "TRUSTED_PROXIES"]
    lacking = PRODUCTION | {"RATELIMIT_ENABLED": "false", "SMTP_HOST": "mail.example", "TRUSTED_PROXIES": "1"}
    assert [warning.split()[0] for warning in Settings.load(lacking).warnings] == ["RATELIMIT_ENABLED"]
    assert Settings.load(lacking | {"RATELIMIT_ENABLED": "true"}).warnings == ()
    assert Settings.load(SECRETS | {"RATELIMIT_ENABLED": "false"}).warnings == ()


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("no-reply@jobs.example", "no-reply@jobs.example"),
        ("Interviews <no-reply@bücher.example>", "Interviews <no-reply@xn--bcher-kva.example>"),
        ('"Jobs: HR" <a@b.example>', '"Jobs: HR" <a@b.example>'),
        ('"me@home" <a@b.example>', '"me@home" <a@b.example>'),
        ("Dr. Who <a@b.example>", '"Dr. Who" <a@b.example>'),
        ("Bücher GmbH <a@b.example>", "Bücher GmbH <a@b.example>"),
    ],
)
def test_mail_from_is_one_mailbox_with_its_name_quoted(written: str, used: str) -> None:
    assert Settings.load(SECRETS | {"MAIL_FROM": written}).mail_from == used


@pytest.mark.parametrize("address", ["", "replies@jobs.example", f"{'r' * 23}@jobs.example"])
def test_reply_address_has_room_for_the_token(address: str) -> None:
    assert Settings.load(SECRETS | {"REPLY_ADDRESS": address}).reply_address == address


def test_domain_of_the_reply_address_is_written_in_a_labels() -> None:
    settings = Settings.load(SECRETS | {"REPLY_ADDRESS": "replies@bücher.example"})
    assert settings.reply_address == "replies@xn--bcher-kva.example"


@pytest.mark.parametrize("subject", ["mailto:ops@jobs.example", "https://jobs.example", "https://jobs.example/contact"])
def test_subject_that_push_services_take_is_accepted(subject: str) -> None:
    settings = Settings.load(SECRETS | {"VAPID_PRIVATE_KEY": KEY, "VAPID_SUBJECT": subject})
    assert settings.vapid_subject == subject


def test_smtp_password_needs_tls_in_production() -> None:
    server, unencrypted = {"SMTP_HOST": "mail.example"}, {"SMTP_TLS": "none"}
    for safe in (unencrypted, {"SMTP_USERNAME": "me"}, {"SMTP_USERNAME": "me", "SMTP_TLS": "tls"}):
        assert Settings.load(PRODUCTION | server | safe).is_production
    assert Settings.load(SECRETS | server | unencrypted | {"SMTP_USERNAME": "me"}).smtp_tls == "none"


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.load({"PORT": "x", "DATABASE_URL": "x"})
    assert {"PORT", "DATABASE_URL", "JWT_SECRET_KEY", "SECRET_KEY"} <= set(
        re.findall(r"[A-Z_]{4,}", str(refusal.value))
    )


def test_development_accepts_example_secrets_and_no_short_ones() -> None:
    first, second = sorted(EXAMPLE_SECRETS)
    assert not Settings.load(SECRETS).is_production
    assert not Settings.load({"JWT_SECRET_KEY": first, "SECRET_KEY": second}).is_production
    with pytest.raises(SettingsError, match="shorter"):
        Settings.load({"JWT_SECRET_KEY": "short", "SECRET_KEY": second})


def test_unreadable_env_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interviews_api.config.ROOT", tmp_path)
    file = tmp_path / ".env"
    file.write_bytes(b"PORT=\xff\n")
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8"):
        Settings.load()
    file.unlink()
    file.symlink_to("/proc/self/mem")  # what even root cannot read
    with pytest.raises(SettingsError, match=r"\.env cannot be read: "):
        Settings.load()


def test_environment_overrides_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(f"JWT_SECRET_KEY={'f' * 32}\nSECRET_KEY={'g' * 32}\nPORT=8001\n")
    monkeypatch.setattr("interviews_api.config.ROOT", tmp_path)
    monkeypatch.setenv("PORT", "8002")
    monkeypatch.delenv("JWT_SECRET_KEY", raising=False)
    settings = Settings.load()
    assert (settings.jwt_secret_key, settings.port) == ("f" * 32, 8002)


def test_alembic_needs_nothing_but_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interviews_api.config.ROOT", Path("/nowhere"))
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/interviews")
    assert database_url() == "postgresql://db/interviews"
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        database_url()


def test_documented_settings_equal_the_settings() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert {name for name, _ in rows} == {field.name.upper() for field in fields(Settings)}
    defaults = Settings.load(SECRETS)
    for name, default in rows:
        if re.fullmatch(r"`[0-9]+`", default):
            assert default.strip("`") == str(getattr(defaults, name.lower())), name


def test_example_file_holds_the_example_secrets() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert {example["JWT_SECRET_KEY"], example["SECRET_KEY"]} == EXAMPLE_SECRETS
    assert set(example) <= {field.name.upper() for field in fields(Settings)}
    Settings.load(example)
