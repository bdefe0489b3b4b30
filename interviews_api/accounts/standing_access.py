"""Standing access: what lets somebody follow a candidate's interviews without a session or a password.

It ends with the password, or a stranger who had the account for a minute would go on reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection


class AccessRepository(Protocol):
    """The repository of one kind of standing access."""

    def __init__(self, connection: Connection) -> None:
        """Work on the connection's transaction."""

    def delete_all(self, user_id: str) -> None:
        """Delete all rows of the user."""


@dataclass(frozen=True)
class StandingAccess:
    """The kinds of standing access, a service of the application: features above this package have the tables."""

    repositories: Sequence[type[AccessRepository]]

    def end(self, connection: Connection, user_id: str) -> None:
        """End all standing access to the user's data."""
        for repository in self.repositories:
            repository(connection).delete_all(user_id)
