"""Refused passwords, and hashes: argon2id at OWASP's parameters."""

import pytest

from interviews_api.accounts import passwords


@pytest.mark.usefixtures("shipped_hashes")
def test_passwords_are_argon2id_at_the_owasp_setting() -> None:
    stored = passwords.hash_password("x")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.is_password(stored, "x")
    assert not passwords.is_password(stored, "y")
    assert not passwords.is_password("not a hash", "x")
    assert not passwords.is_password(None, "")


@pytest.mark.parametrize("password", [
    "password123", "1234567890", "0000000000", "qwertyuiop", " PassWord123\t", "Password12", " " * 10, "\u3000" * 12,
])  # fmt: skip
def test_common_and_blank_passwords_are_recognized(password: str) -> None:
    assert passwords.is_common(password)


@pytest.mark.parametrize("password", ["a-good-password", "éééééééééé", "password1234567", "# Source: dja"])
def test_other_passwords_are_not_common(password: str) -> None:
    assert not passwords.is_common(password)
