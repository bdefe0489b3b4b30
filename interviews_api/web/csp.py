"""Content-Security-Policy: sources for inline styles and scripts, and the headers of pages behind links."""

import base64
import hashlib


def inline_source(text: str) -> str:
    """Return the source that allows exactly this inline text (CSP 3, section 2.3.1)."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def page_headers(style: str, script: str = "", *, may_fetch: bool = False) -> dict[str, str]:
    """Return the headers of a page behind a mailed link, beside those that each response has.

    The page may have this inline style, this inline script if there is one, and forms. With `may_fetch` the script may
    call the API. The address of the page holds the link's secret, so `web/security_headers.py` must send no Referer.
    """
    sources = {
        "default-src": "'none'",
        "style-src": inline_source(style),
        "script-src": inline_source(script) if script else None,
        "connect-src": "'self'" if may_fetch else None,
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {source}" for name, source in sources.items() if source),
        "Vary": "Accept",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex",
    }
