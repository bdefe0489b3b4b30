"""The templates of mails: `templates/`, one file for each kind of mail, with the shared `terms.j2` and layouts.

A file sets `subject`, `lead` and optionally `action`; `terms.j2` holds the labels and formats.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

_LOADER = PackageLoader("interviews_api.notifications")
TEXTS = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=False)  # noqa: S701  # plain text, not HTML
LAYOUT = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"]))
TERMS: Any = TEXTS.get_template("terms.j2").module


class Link(str):
    """Text of a mail that is a URL, so that HTML shows it as an anchor."""

    __slots__ = ()


def as_html(text: str) -> Markup:
    """Return the text in HTML: a Link with http or https as an anchor, each line break as `<br>`.

    Outlook ignores the style `white-space`.
    """
    if isinstance(text, Link) and text.lower().startswith(("http://", "https://")):
        return Markup('<a href="{0}">{0}</a>').format(str(text))
    return Markup("<br>\n").join(text.split("\n"))


LAYOUT.filters["as_html"] = as_html
