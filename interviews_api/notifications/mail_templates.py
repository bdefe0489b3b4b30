"""The templates of mails: `templates/`, one file for each kind of mail, with the shared `terms.j2` and layouts.

A file sets `subject`, `lead` and optionally `action`; `terms.j2` holds the labels and formats. Names in a sentence pass
the filter `isolated`, which is another one in HTML than in plain text.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from interviews_api.web.bidirectional import isolate, isolate_in_html

_LOADER = PackageLoader("interviews_api.notifications")
TEXTS = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=False)  # noqa: S701  # plain text, not HTML
HTML_TEXTS = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=True)
LAYOUT = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"]))
TEXTS.filters["isolated"] = isolate
HTML_TEXTS.filters["isolated"] = isolate_in_html
TERMS: Any = TEXTS.get_template("terms.j2").module


class UrlText(str):
    """Text of a mail that is a URL, so that HTML shows it as an anchor."""

    __slots__ = ()


def as_html(text: str) -> Markup:
    """Return the text in HTML: a UrlText with http or https as an anchor, each line break as `<br>`.

    Outlook ignores the style `white-space`.
    """
    if isinstance(text, UrlText) and text.lower().startswith(("http://", "https://")):
        return Markup('<a href="{0}">{0}</a>').format(str(text))
    return Markup("<br>\n").join(text.split("\n"))


LAYOUT.filters["as_html"] = as_html
