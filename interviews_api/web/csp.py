"""Content-Security-Policy sources for inline styles and scripts."""

import base64
import hashlib


def inline_source(text: str) -> str:
    """Return the source that allows exactly this inline text (CSP 3, section 2.3.1)."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
