"""Standing access: rows that outlive a session and still give access to an account's data, or were sent in its name.

A user's (calendar feed, push subscriptions, open invitations) ends with the password, or a stranger who had the account
for a minute would go on reading. A company's (webhooks) outlives its creator, so the owners are told of it.
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


class CompanyAccessRepository(Protocol):
    """The repository of one kind of standing access to a company's data."""

    def __init__(self, connection: Connection) -> None:
        """Work on the connection's transaction."""

    def webhook_urls_of(self, user_id: str) -> Sequence[str]:
        """Return the URLs of the webhooks that the company user set up."""

    def delete_all_of_company(self, company_id: str) -> None:
        """Delete all rows of the company."""


@dataclass(frozen=True)
class StandingAccess:
    """The kinds of standing access, a service of the application: features above this package have the tables."""

    repositories: Sequence[type[AccessRepository]]
    company_repositories: Sequence[type[CompanyAccessRepository]]

    def end(self, connection: Connection, user_id: str) -> None:
        """End all standing access to the user's data."""
        for repository in self.repositories:
            repository(connection).delete_all(user_id)

    def end_of_company(self, connection: Connection, company_id: str) -> None:
        """End all standing access to the company's data."""
        for repository in self.company_repositories:
            repository(connection).delete_all_of_company(company_id)

    def webhook_urls_of(self, connection: Connection, user_id: str) -> list[str]:
        """Return the URLs of the webhooks that the company user set up, and that outlive it."""
        return [url for each in self.company_repositories for url in each(connection).webhook_urls_of(user_id)]
