"""The routes of an application."""

import re
from typing import Any

from flask import Flask


def routes(app: Flask) -> dict[str, Any]:
    """Return the rule of each method and path of the URL map, without converters."""
    return {
        method + " " + re.sub("<[^:<>]+:", "<", rule.rule): rule
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    }
