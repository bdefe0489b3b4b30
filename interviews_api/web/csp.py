"""Content-Security-Policy: sources for inline styles and scripts, and the headers of pages behind links."""

import base64
import hashlib


def inline_source(text: str) -> str:
    """Return the source that allows exactly this inline text (CSP 3, section 2.3.1)."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def page_headers(style: str) -> dict[str, str]:
    """Return the headers of a page behind a mailed link, with this inline style, forms and nothing else."""
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {inline_source(style)}; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",  # the address holds the token
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex",
    }
