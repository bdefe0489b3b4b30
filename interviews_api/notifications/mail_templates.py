"""The templates of mails: `templates/`, one file for each kind of mail, with the shared `terms.j2` and layouts.

A file sets `subject`, `lead` and optionally `action`; `terms.j2` holds the labels and formats.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_LOADER = PackageLoader("interviews_api.notifications")
TEXTS = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=False)  # noqa: S701  # plain text, not HTML
LAYOUT = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"]))
TERMS: Any = TEXTS.get_template("terms.j2").module
