"""Keys, JWKs and settings of an identity provider of the tests."""

import json
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.settings import SECRETS

ALGORITHMS = ("RS256", "ES256", "EdDSA")
ISSUER, AUDIENCE, KID = "https://id.example.com/", "https://interviews.example.com", "2025-05"
Json = dict[str, Any]


def new_key(algorithm: str) -> Any:
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()


KEYS = {algorithm: new_key(algorithm) for algorithm in ALGORITHMS}
OTHERS = {algorithm: new_key(algorithm) for algorithm in ALGORITHMS}
WEAK = rsa.generate_private_key(65537, 1024)
P384, K256 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256K1())
ED448 = ed448.Ed448PrivateKey.generate()
SIBLINGS = {
    "RS256": [(name, KEYS["RS256"]) for name in ("RS384", "RS512", "PS256")],
    "ES256": [("ES384", P384), ("ES256K", K256)],
    "EdDSA": [("EdDSA", ED448)],
}


def pem(key: Any) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: Any, **members: object) -> Json:
    """Return the JWK of a public or private key."""
    kinds = {rsa.RSAPublicKey: "RS256", rsa.RSAPrivateKey: "RS256"} | dict.fromkeys(
        (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey), "ES256"
    )
    name = next((name for kind, name in kinds.items() if isinstance(key, kind)), "EdDSA")
    return jwt.get_algorithm_by_name(name).to_jwk(key, as_dict=True) | members


def public_jwk(key: Any, **members: object) -> Json:
    return jwk(key.public_key(), **members)


def settings_for(folder: Path, keys: bytes | object, algorithm: str = "RS256", **changes: str) -> dict[str, str]:
    """Return the provider's settings with a PEM file if `keys` is bytes, else with a JWKS file."""
    file = folder / "keys"
    file.write_bytes(keys if isinstance(keys, bytes) else json.dumps({"keys": keys}).encode())
    name = "IDP_PUBLIC_KEY_FILE" if isinstance(keys, bytes) else "IDP_JWKS_FILE"
    settings = {"IDP_ALGORITHM": algorithm, name: str(file), "IDP_ISSUER": ISSUER, "IDP_AUDIENCE": AUDIENCE}
    return SECRETS | settings | changes
