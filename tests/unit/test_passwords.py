"""Password hashes: argon2id at OWASP's parameters."""

from interviews_api.accounts import passwords


def test_passwords_are_argon2id_at_the_owasp_setting() -> None:
    stored = passwords.hash_password("x")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.is_password(stored, "x")
    assert not passwords.is_password(stored, "y")
    assert not passwords.is_password("not a hash", "x")
    assert not passwords.is_password(None, "")
