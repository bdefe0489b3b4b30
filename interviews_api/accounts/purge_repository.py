"""The SQL of `flask purge`: the removal of expired sessions, rate limits, replies, resets, mails and invitations."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, tuple_

from interviews_api.accounts.models import AccountMail, IdempotentReply, Invitation, PasswordReset, RateLimit, Session


def purge(connection: Connection, now: datetime) -> dict[str, int]:
    """Delete expired rows and return their number by table. Rows that a request has locked are skipped."""
    counts = {}
    for model in (Session, RateLimit, IdempotentReply, PasswordReset, AccountMail, Invitation):
        key = tuple(model.__table__.primary_key)
        expired = select(*key).where(model.expires_at <= now).with_for_update(skip_locked=True)
        counts[model.__tablename__] = connection.execute(delete(model).where(tuple_(*key).in_(expired))).rowcount
    return counts
