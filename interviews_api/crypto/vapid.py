"""The key pair that identifies this server to push services (RFC 8292): ECDSA on P-256, in base64url."""

import base64
import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_LIFETIME = timedelta(hours=12)  # RFC 8292, section 2: at most 24 hours
_CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def to_base64url(raw: bytes) -> str:
    """Encode bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Decode base64url with or without padding; raises ValueError for other text."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*={0,2}", text):
        raise ValueError(text)
    stripped = text.rstrip("=")
    return base64.urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))


def read_private_key(text: str) -> EllipticCurvePrivateKey:
    """Read a private key of 32 raw bytes in base64url; raises ValueError."""
    raw = from_base64url(text)
    if len(raw) != 32 or not 0 < int.from_bytes(raw) < _CURVE_ORDER:
        raise ValueError("not a private key on P-256")
    return derive_private_key(int.from_bytes(raw), SECP256R1())


def public_key(private_key: EllipticCurvePrivateKey) -> str:
    """Return the browser's `applicationServerKey`: the uncompressed point in base64url."""
    return to_base64url(private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def new_private_key() -> str:
    """Return a random private key in the format of VAPID_PRIVATE_KEY."""
    return to_base64url((secrets.randbelow(_CURVE_ORDER - 1) + 1).to_bytes(32))


def authorization(private_key: EllipticCurvePrivateKey, subject: str, endpoint: str, now: datetime) -> str:
    """Return the Authorization header for the push service of this endpoint (RFC 8292, section 3)."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now + _LIFETIME, "sub": subject}
    return f"vapid t={jwt.encode(claims, private_key, 'ES256')}, k={public_key(private_key)}"
