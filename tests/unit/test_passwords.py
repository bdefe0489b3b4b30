"""Refused passwords, and hashes: argon2id at OWASP's parameters."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from interviews_api.accounts import passwords


class SlowHasher:
    """Hasher that notes how many of its calls ran at once."""

    def __init__(self) -> None:
        self.running = self.most = 0

    def hash(self, password: str) -> str:
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.01)
        self.running -= 1
        return password

    def verify(self, stored_hash: str, password: str) -> bool:
        return self.hash(password) == stored_hash


@pytest.mark.usefixtures("shipped_hashes")
def test_passwords_are_argon2id_at_the_owasp_setting() -> None:
    stored = passwords.hash_password("x")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.is_password(stored, "x")
    assert not passwords.is_password(stored, "y")
    assert not passwords.is_password("not a hash", "x")
    assert not passwords.is_password(None, "")


def test_passwords_are_hashed_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = SlowHasher()
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    with ThreadPoolExecutor(8) as pool:
        hashes = [pool.submit(passwords.hash_password, "x") for _ in range(4)]
        checks = [pool.submit(passwords.is_password, "x", "x") for _ in range(4)]
    assert [future.result() for future in hashes] == ["x"] * 4
    assert all(future.result() for future in checks)
    assert hasher.most == 1


def test_hashes_of_a_seed_file_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = SlowHasher()
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(passwords.hash_concurrently, "abcd")) == list("abcd")
    assert hasher.most > 1


@pytest.mark.parametrize("password", [
    "password123", "1234567890", "0000000000", "qwertyuiop", " PassWord123\t", "Password12", " " * 10, "\u3000" * 12,
])  # fmt: skip
def test_common_and_blank_passwords_are_recognized(password: str) -> None:
    assert passwords.is_common(password)


@pytest.mark.parametrize("password", ["a-good-password", "éééééééééé", "password1234567", "# Source: dja"])
def test_other_passwords_are_not_common(password: str) -> None:
    assert not passwords.is_common(password)
