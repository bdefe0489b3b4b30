"""The public keys of the operator's identity provider, from a PEM or a JWK Set file."""

import json
from pathlib import Path
from typing import TypeGuard

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MINIMUM_RSA_BITS = 2048  # RFC 7518, section 3.3
KEY_REQUIREMENTS = {
    "RS256": f"an RSA key of at least {MINIMUM_RSA_BITS} bits",
    "ES256": "an EC key on P-256",
    "EdDSA": "an Ed25519 key",
}
"""What each algorithm that we verify needs."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
NamedKeys = list[tuple[str | None, PublicKey]]
"""Keys by `kid`, which need not be there."""

_PRIVATE = "holds a private key, which the identity provider alone should have"


class KeysRefused(Exception):
    """The file has nothing to verify with, or more than it should; the message says what the file does wrong."""


def read_pem(path: Path, algorithm: str) -> NamedKeys:
    """The one public key in the PEM file, without a name; raises KeysRefused."""
    text = _read(path)
    if "PRIVATE KEY-----" in text:
        raise KeysRefused(_PRIVATE)
    try:
        found: list[tuple[str | None, object]] = [(None, load_pem_public_key(text.encode()))]
    except (ValueError, UnsupportedAlgorithm):
        found = []
    return _usable(found, algorithm)


def read_jwks(path: Path, algorithm: str) -> NamedKeys:
    """The keys of the JWK Set (RFC 7517, section 5) that are for this algorithm; raises KeysRefused if none is."""
    try:
        members = json.loads(_read(path))["keys"]
        jwks = [member for member in members if isinstance(member, dict)]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeysRefused('is not a JWK Set: {"keys": [...]}') from None
    if any("d" in jwk for jwk in jwks):
        raise KeysRefused(_PRIVATE)
    signing = [jwk for jwk in jwks if jwk.get("use", "sig") == "sig" and jwk.get("alg", algorithm) == algorithm]
    return _usable([(jwk.get("kid"), _from_jwk(jwk, algorithm)) for jwk in signing], algorithm)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise KeysRefused(f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise KeysRefused("is not a text file") from None


def _from_jwk(jwk: dict[str, object], algorithm: str) -> object:
    try:
        return jwt.PyJWK(jwk, algorithm).key
    except (jwt.PyJWTError, UnsupportedAlgorithm):
        return None


def _usable(found: list[tuple[str | None, object]], algorithm: str) -> NamedKeys:
    keys = [(name, key) for name, key in found if _is_for(key, algorithm)]
    if not keys:
        raise KeysRefused(f"holds no public key for {algorithm}, which needs {KEY_REQUIREMENTS[algorithm]}")
    return keys


def _is_for(key: object, algorithm: str) -> TypeGuard[PublicKey]:
    match algorithm:
        case "RS256":
            return isinstance(key, RSAPublicKey) and key.key_size >= MINIMUM_RSA_BITS
        case "ES256":
            return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        case _:
            return isinstance(key, Ed25519PublicKey)
