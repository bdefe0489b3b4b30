"""Hooks that run before each statement, prepared ones included."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from interviews_api.db.prepared import statement_hooks

Hook = Callable[[str, object], None]


@contextmanager
def hooked(engine: Engine, hook: Hook) -> Iterator[None]:
    """Call the hook with SQL and parameters before each statement; the statement raises the hook's errors."""

    def on_execute(_connection: Any, _cursor: Any, statement: str, parameters: object, *_rest: Any) -> None:
        hook(statement, parameters)

    event.listen(engine, "before_cursor_execute", on_execute)
    statement_hooks.append(hook)
    try:
        yield
    finally:
        statement_hooks.remove(hook)
        event.remove(engine, "before_cursor_execute", on_execute)
