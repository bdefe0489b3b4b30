"""Settings and key files of the identity provider."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from interviews_api.config import Settings, SettingsError
from tests.support.provider import ED448, K256, KEYS, P384, WEAK, jwk, pem, public_jwk, settings_for
from tests.support.settings import SECRETS

GOOD = pem(KEYS["RS256"])
PRIVATE = "holds a private key, which the identity provider alone should have"
NO_SET = 'is not a JWK Set: {"keys": [...]}'
NEEDS = {
    "RS256": "holds no public key for RS256, which needs an RSA key of at least 2048 bits",
    "ES256": "holds no public key for ES256, which needs an EC key on P-256",
    "EdDSA": "holds no public key for EdDSA, which needs an Ed25519 key",
}


def private_pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def refusal(source: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.load(source)
    return str(refused.value)


def test_identity_provider_is_off_by_default() -> None:
    settings = Settings.load(SECRETS | {"IDP_ALGORITHM": " ", "IDP_ISSUER": ""})
    assert settings.idp_algorithm == ""
    assert (settings.idp_subject_claim, settings.idp_subject_is, settings.idp_role_claim) == ("sub", "id", "role")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"IDP_ALGORITHM": ""}, "IDP_ALGORITHM must be one of RS256, ES256, EdDSA"),
        ({"IDP_ALGORITHM": "HS256"}, "IDP_ALGORITHM must be one of RS256, ES256, EdDSA"),
        ({"IDP_ALGORITHM": "none"}, "IDP_ALGORITHM must be one of RS256, ES256, EdDSA"),
        ({"IDP_ALGORITHM": "rs256"}, "IDP_ALGORITHM must be one of RS256, ES256, EdDSA"),
        ({"IDP_ISSUER": ""}, "IDP_ISSUER is missing, which an identity provider needs"),
        ({"IDP_AUDIENCE": " "}, "IDP_AUDIENCE is missing, which an identity provider needs"),
        ({"IDP_SUBJECT_IS": "phone"}, "IDP_SUBJECT_IS must be id or email"),
        ({"IDP_PUBLIC_KEY_FILE": ""}, "one of IDP_PUBLIC_KEY_FILE and IDP_JWKS_FILE must be set, and not both"),
        ({"IDP_JWKS_FILE": "x"}, "one of IDP_PUBLIC_KEY_FILE and IDP_JWKS_FILE must be set, and not both"),
        ({"IDP_PUBLIC_KEY_FILE": "/nowhere"}, "IDP_PUBLIC_KEY_FILE cannot be read: No such file or directory"),
        ({"IDP_PUBLIC_KEY_FILE": "/"}, "IDP_PUBLIC_KEY_FILE cannot be read: Is a directory"),
        ({"IDP_PUBLIC_KEY_FILE": "", "IDP_JWKS_FILE": "/x"}, "IDP_JWKS_FILE cannot be read: No such file or directory"),
    ],
)
def test_invalid_provider_setting_is_named(changes: dict[str, str], reason: str, tmp_path: Path) -> None:
    Settings.load(settings_for(tmp_path, GOOD))
    assert refusal(settings_for(tmp_path, GOOD, **changes)) == reason


@pytest.mark.parametrize("name", ["IDP_SUBJECT_CLAIM", "IDP_ROLE_CLAIM", "IDP_SUBJECT_IS"])
def test_one_provider_setting_requires_all(name: str) -> None:
    reason = refusal(SECRETS | {name: "email"})
    for needed in ("IDP_ALGORITHM", "IDP_ISSUER", "IDP_AUDIENCE", "IDP_PUBLIC_KEY_FILE", "IDP_JWKS_FILE"):
        assert needed in reason


PEM_FILES: dict[str, tuple[str, bytes, str]] = {
    "private RSA": ("RS256", private_pem(KEYS["RS256"]), PRIVATE),
    "private RSA, old form": ("RS256", private_pem(KEYS["RS256"], PrivateFormat.TraditionalOpenSSL), PRIVATE),
    "private EC": ("ES256", private_pem(KEYS["ES256"]), PRIVATE),
    "private Ed25519": ("EdDSA", private_pem(KEYS["EdDSA"], PrivateFormat.OpenSSH), PRIVATE),
    "public and private": ("RS256", GOOD + private_pem(KEYS["RS256"]), PRIVATE),
    "DER": ("RS256", KEYS["RS256"].public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1), "is not a text file"),
    "empty": ("RS256", b"", NEEDS["RS256"]),
    "cut": ("RS256", GOOD[:100], NEEDS["RS256"]),
    "JWKS": ("RS256", json.dumps({"keys": [public_jwk(KEYS["RS256"])]}).encode(), NEEDS["RS256"]),
    "EC for RS256": ("RS256", pem(KEYS["ES256"]), NEEDS["RS256"]),
    "RSA too short": ("RS256", pem(WEAK), NEEDS["RS256"]),
    "P-384": ("ES256", pem(P384), NEEDS["ES256"]),
    "secp256k1": ("ES256", pem(K256), NEEDS["ES256"]),
    "Ed25519 for ES256": ("ES256", pem(KEYS["EdDSA"]), NEEDS["ES256"]),
    "Ed448": ("EdDSA", pem(ED448), NEEDS["EdDSA"]),
    "RSA for EdDSA": ("EdDSA", pem(KEYS["RS256"]), NEEDS["EdDSA"]),
}
JWKS_FILES: dict[str, tuple[str, object, str]] = {
    "private RSA": ("RS256", [jwk(KEYS["RS256"])], PRIVATE),
    "private EC": ("ES256", [jwk(KEYS["ES256"])], PRIVATE),
    "private Ed25519": ("EdDSA", [jwk(KEYS["EdDSA"])], PRIVATE),
    "private among the ignored": ("RS256", [public_jwk(KEYS["RS256"]), jwk(KEYS["ES256"], use="enc")], PRIVATE),
    "null": ("RS256", None, NO_SET),
    "empty": ("RS256", [], NEEDS["RS256"]),
    "no list": ("RS256", {"kty": "RSA"}, NEEDS["RS256"]),
    "to encrypt": ("RS256", [public_jwk(KEYS["RS256"], use="enc")], NEEDS["RS256"]),
    "of another algorithm": ("RS256", [public_jwk(KEYS["RS256"], alg="RS512")], NEEDS["RS256"]),
    "broken": ("RS256", [public_jwk(KEYS["RS256"]) | {"e": "AA"}], NEEDS["RS256"]),
    "RSA too short": ("RS256", [public_jwk(WEAK)], NEEDS["RS256"]),
    "P-384": ("ES256", [public_jwk(P384)], NEEDS["ES256"]),
    "P-384 that says ES256": ("ES256", [public_jwk(P384, alg="ES256")], NEEDS["ES256"]),
    "Ed25519 for ES256": ("ES256", [public_jwk(KEYS["EdDSA"])], NEEDS["ES256"]),
    "Ed448": ("EdDSA", [public_jwk(ED448)], NEEDS["EdDSA"]),
    "a secret": ("EdDSA", [{"kty": "oct", "k": "AAAA"}], NEEDS["EdDSA"]),
}


@pytest.mark.parametrize("case", PEM_FILES)
def test_invalid_key_file_is_refused(case: str, tmp_path: Path) -> None:
    algorithm, keys, reason = PEM_FILES[case]
    assert refusal(settings_for(tmp_path, keys, algorithm)) == f"IDP_PUBLIC_KEY_FILE {reason}"


@pytest.mark.parametrize("case", JWKS_FILES)
def test_invalid_jwks_is_refused(case: str, tmp_path: Path) -> None:
    algorithm, keys, reason = JWKS_FILES[case]
    assert refusal(settings_for(tmp_path, keys, algorithm)) == f"IDP_JWKS_FILE {reason}"


def test_file_that_is_no_jwks_is_refused(tmp_path: Path) -> None:
    source = settings_for(tmp_path, [])
    for content in (GOOD, b"{", b"[]", b"5", b"{}", b"[" * 100_000, json.dumps(public_jwk(KEYS["RS256"])).encode()):
        Path(source["IDP_JWKS_FILE"]).write_bytes(content)
        assert refusal(source) == f"IDP_JWKS_FILE {NO_SET}"


@pytest.mark.parametrize("keys", [GOOD, json.dumps({"keys": [public_jwk(KEYS["RS256"])]}).encode()])
def test_key_file_may_begin_with_a_byte_order_mark(keys: bytes, tmp_path: Path) -> None:
    source = settings_for(tmp_path, GOOD if keys == GOOD else [])
    (tmp_path / "keys").write_bytes(b"\xef\xbb\xbf" + keys)
    assert Settings.load(source).idp_issuer
