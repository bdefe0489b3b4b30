"""Keys, JWKs, tokens and settings of an identity provider of the tests."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient

from tests.support.golden import golden
from tests.support.settings import SECRETS

ALGORITHMS = ("RS256", "ES256", "EdDSA")
ISSUER, AUDIENCE, KID = "https://id.example.com/", "https://interviews.example.com", "2025-05"
Json = dict[str, Any]
Provider = Callable[..., FlaskClient]
"""Makes a client of an application that has an identity provider with these keys, algorithm and settings."""

SEED_401 = (401, golden("error-401"))


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


def claims(subject: str, **changes: object) -> Json:
    present = int(time.time())
    good = {"sub": subject, "role": "candidate", "iss": ISSUER, "aud": AUDIENCE, "iat": present, "exp": present + 60}
    return {name: value for name, value in (good | changes).items() if value is not ...}


def signed(payload: Json, algorithm: str = "RS256", key: Any = None, **header: object) -> str:
    """Return a token signed with this key, whatever its header says; PyJWT refuses to make many of these."""
    head = {"alg": algorithm, "typ": "JWT", "kid": KID} | header
    parts = [{name: value for name, value in part.items() if value is not ...} for part in (head, payload)]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    signature = jwt.get_algorithm_by_name(algorithm).sign(b".".join(encoded), key or KEYS[algorithm])
    return b".".join([*encoded, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def ask(client: FlaskClient, token: str, path: str = "/auth/me", method: str = "GET") -> tuple[int, Any]:
    response = client.open(path, method=method, headers={"Authorization": f"Bearer {token}"})
    return response.status_code, response.get_json()
