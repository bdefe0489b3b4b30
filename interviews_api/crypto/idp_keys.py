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
"""The key that each supported algorithm requires."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
NamedKeys = list[tuple[str | None, PublicKey]]
"""Pairs of `kid`, which may be None, and key."""

_PRIVATE = "holds a private key, which the identity provider alone should have"


class KeyFileError(Exception):
    """The key file cannot be used. The message continues a sentence that begins with the setting's name."""


def read_pem(path: Path, algorithm: str) -> NamedKeys:
    """Return the public key of the PEM file, with None as `kid`; raises KeyFileError."""
    text = _read(path)
    if "PRIVATE KEY-----" in text:
        raise KeyFileError(_PRIVATE)
    try:
        keys: list[tuple[str | None, object]] = [(None, load_pem_public_key(text.encode()))]
    except (ValueError, UnsupportedAlgorithm):
        keys = []
    return _select(keys, algorithm)


def read_jwks(path: Path, algorithm: str) -> NamedKeys:
    """Return the keys of the JWK Set (RFC 7517, section 5) for this algorithm; raises KeyFileError if it has none."""
    try:
        members = json.loads(_read(path))["keys"]
        jwks = [member for member in members if isinstance(member, dict)]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeyFileError('is not a JWK Set: {"keys": [...]}') from None
    if any("d" in jwk for jwk in jwks):
        raise KeyFileError(_PRIVATE)
    signing = [jwk for jwk in jwks if jwk.get("use", "sig") == "sig" and jwk.get("alg", algorithm) == algorithm]
    return _select([(jwk.get("kid"), _from_jwk(jwk, algorithm)) for jwk in signing], algorithm)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")  # editors of Windows write a byte order mark
    except OSError as error:
        raise KeyFileError(f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise KeyFileError("is not a text file") from None


def _from_jwk(jwk: dict[str, object], algorithm: str) -> object:
    try:
        return jwt.PyJWK(jwk, algorithm).key
    except (jwt.PyJWTError, UnsupportedAlgorithm):
        return None


def _select(keys: list[tuple[str | None, object]], algorithm: str) -> NamedKeys:
    """Return the keys that fit the algorithm; raises KeyFileError if none fits."""
    usable = [(kid, key) for kid, key in keys if _fits(key, algorithm)]
    if not usable:
        raise KeyFileError(f"holds no public key for {algorithm}, which needs {KEY_REQUIREMENTS[algorithm]}")
    return usable


def _fits(key: object, algorithm: str) -> TypeGuard[PublicKey]:
    match algorithm:
        case "RS256":
            return isinstance(key, RSAPublicKey) and key.key_size >= MINIMUM_RSA_BITS
        case "ES256":
            return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        case _:
            return isinstance(key, Ed25519PublicKey)
