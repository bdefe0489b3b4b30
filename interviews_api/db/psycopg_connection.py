"""psycopg's connection with a limit on how long the server may stay silent.

Written for psycopg 3.3: every call goes through `Connection.wait`, whose signature this overrides.
tests/db/test_internals.py fails when psycopg changes that.
"""

from typing import Any

import psycopg
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName

SERVER_SILENCE_TIMEOUT = 10.0  # seconds; longer than Postgres itself takes to end a statement by its own limits
STALE_PLAN_ERRORS = (FeatureNotSupported, InvalidSqlStatementName)
"""Errors of a prepared statement whose table has changed, or that another server never prepared."""


class SilenceLimitedConnection(psycopg.Connection[Any]):
    """Connection that raises if the server stays silent, because it is stopped or out of memory."""

    silence_timeout: float | None = SERVER_SILENCE_TIMEOUT

    @property
    def in_transaction(self) -> bool:
        """Return whether a transaction is open; sqlite3's connections have the same property."""
        return self.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the answer; raises OperationalError after `silence_timeout` seconds.

        Closes the connection where its state cannot be trusted any more. An error loses its detail, which quotes the
        whole row and would go to the log.
        """
        try:
            return super().wait(gen, interval, self.silence_timeout if timeout is None else timeout)
        except psycopg.Error as error:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # the late answer must not become that of the next statement
            elif isinstance(error, STALE_PLAN_ERRORS):
                self.close()  # its prepared statements refer to an old table: the next use prepares again
            if error.diag.message_detail is not None:
                error.args = (error.diag.message_primary,)
            raise
