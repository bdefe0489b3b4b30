"""Which files may import which library, by name and folder.

The directions of imports between packages are checked by import-linter (setup.cfg).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "interviews_api"

# Library, where it must not be imported, and the files that may do it all the same.
RULES = [
    ("flask", ("**/*models.py", "**/*repository.py", "**/*schemas.py", "crypto/*.py", "events/*.py",
               "notifications/channels/*.py", "errors.py", "clock.py", "ids.py", "config/*.py", "cache.py"), ()),
    ("sqlalchemy", ("**/*handlers.py", "**/*schemas.py", "notifications/channels/*.py", "crypto/*.py", "cache.py"),
     ("hiring/handlers.py", "live/handlers.py", "interviews/company_handlers.py", "notifications/channels/webhook.py",
      "notifications/channels/smtp.py", "notifications/channels/web_push.py")),
    ("gunicorn", ("**/*.py",), ("server/gunicorn_internals.py",)),
]  # fmt: skip


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(("library", "places", "exceptions"), RULES, ids=[rule[0] for rule in RULES])
def test_libraries_are_imported_only_where_allowed(
    library: str, places: tuple[str, ...], exceptions: tuple[str, ...]
) -> None:
    files = {path for place in places for path in PACKAGE.glob(place)}
    assert len(files) > 5, "a rule that is about no file checks nothing"
    users = {str(path.relative_to(PACKAGE)) for path in files if library in imported(path)}
    assert users - set(exceptions) == set()
    assert set(exceptions) <= users, "an exception that is needed no more has to go"
