"""What psycopg's cursor does for a prepared statement, and nothing else (ADR 18).

The connection still sends and waits, and Postgres's words become psycopg's errors; but nothing is found out anew that
is always so: what is a parameter, of which type, whether the statement is prepared, and how a type is read.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

_numbers = count()


class PreparedCursor:
    """For one connection that is in autocommit, and for one thread at a time.

    It must not outlive a transaction of its connection: after a rollback psycopg has Postgres forget what is prepared.
    What it prepared stays as long as the connection.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._names: dict[bytes, bytes] = {}
        self._transformer = Transformer(driver)

    def execute(self, query: bytes, parameters: Sequence[Any]) -> None:
        """Run it; the first call prepares it. A cast or its place gives each `$1` its type. Raises psycopg.Error."""
        self._driver.wait(self._execute(query, parameters))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows of what was executed last."""
        result = self._transformer.pgresult
        return self._transformer.load_rows(0, result.ntuples, tuple) if result else []

    def _execute(self, query: bytes, parameters: Sequence[Any]) -> PQGen[None]:
        server = self._driver.pgconn
        name = self._names.get(query)
        if name is None:
            name = b"prepared_%d" % next(_numbers)
            server.send_prepare(name, query)
            yield from self._result()
            self._names[query] = name
        texts = self._transformer.dump_sequence(parameters, [PyFormat.TEXT] * len(parameters))
        server.send_query_prepared(name, texts)
        self._transformer.set_pgresult((yield from self._result()))

    def _result(self) -> PQGen[PGresult]:
        results: list[PGresult] = yield from execute(self._driver.pgconn)
        for result in results:  # rows may be followed by what went wrong at the commit
            if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
                raise error_from_result(result)
        return results[0]
