"""Webhooks stored for the tests' receivers."""

from sqlalchemy import RowMapping, insert, select

from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import new_id
from interviews_api.notifications.channels.webhook import new_secret
from interviews_api.notifications.models import Webhook


def hook(database: Database, company_id: str, path: str) -> str:
    """Store a webhook at this path of the receiver and return its id."""
    webhook_id = new_id()
    values = {"url": f"https://a.hooks.example{path}", "secret": new_secret(), "created_at": now()}
    with database.engine.begin() as connection:
        connection.execute(insert(Webhook).values(id=webhook_id, company_id=company_id, **values))
    return webhook_id


def webhook_row(database: Database, webhook_id: str) -> RowMapping:
    """Return the stored webhook."""
    with database.reads.connection() as connection:
        return connection.execute(select(Webhook.__table__).where(Webhook.id == webhook_id)).mappings().one()
