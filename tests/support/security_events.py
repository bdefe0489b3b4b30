"""Security events of the tests' database."""

from typing import Any

from sqlalchemy import select

from interviews_api.accounts.audit_models import SecurityEvent, SecurityEventType
from interviews_api.db.connections import Database

ACTIVITY = "/auth/me/activity"


def events(database: Database, *types: SecurityEventType) -> list[Any]:
    """Return the rows of these types, or all, oldest first."""
    statement = select(SecurityEvent).order_by(SecurityEvent.at, SecurityEvent.id)
    with database.reads.connection() as connection:
        rows = connection.execute(statement).all()
    return [row for row in rows if not types or row.type in types]
