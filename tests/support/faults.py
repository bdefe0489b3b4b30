"""Faults planted into statements and commits."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.support.statements import hooked


class Fault:
    """A fault at the k-th statement or, if there are fewer, at COMMIT. It happens once."""

    def __init__(self, engine: Any, number: int) -> None:
        self._engine, self._left, self.happened = engine, number, ""

    def __enter__(self) -> "Fault":
        self._hook = hooked(self._engine, self._on_statement)
        self._hook.__enter__()
        event.listen(self._engine, "commit", self._on_commit)
        return self

    def __exit__(self, *_error: object) -> None:
        self._hook.__exit__(None, None, None)
        event.remove(self._engine, "commit", self._on_commit)

    def _on_statement(self, statement: str, _parameters: object) -> None:
        if not self.happened:
            self._left -= 1
            if self._left == 0:
                self._fail(statement)

    def _on_commit(self, _connection: Any) -> None:
        if not self.happened:
            self._fail("COMMIT")

    def _fail(self, where: str) -> None:
        self.happened = where
        raise OperationalError(where, {}, Exception("planted"))
