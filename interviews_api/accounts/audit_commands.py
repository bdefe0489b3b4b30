"""Command for the audit trail: `flask audit list`."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from interviews_api.accounts.audit_models import SecurityEventType
from interviews_api.accounts.audit_repository import SecurityEventRepository
from interviews_api.accounts.repository import UserRepository
from interviews_api.clock import format_instant, now, parse_instant
from interviews_api.db.connections import read_connection
from interviews_api.ids import is_id
from interviews_api.web.command_group import CommandGroup, parse_address
from interviews_api.web.plain_text import in_one_line

_AGO = re.compile(r"([0-9]{1,4})([dh])")

audit = CommandGroup("audit", help="Read security events.")


def _read_since(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """Return the instant that the text names: a date or date-time in UTC, or days or hours ago."""
    if text is None:
        return None
    if match := _AGO.fullmatch(text):
        number = int(match[1])
        return now() - (timedelta(days=number) if match[2] == "d" else timedelta(hours=number))
    try:
        return parse_instant(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        raise click.BadParameter("neither 2025-05-15 nor 2025-05-15T09:00:00Z nor 7d nor 24h") from None


@audit.command("list")
@click.option(
    "--user", metavar="EMAIL|ID", callback=parse_address, help="Only events of this account, or caused by it."
)
@click.option("--type", "type_name", type=click.Choice([event_type.value for event_type in SecurityEventType]))
@click.option("--since", callback=_read_since, help="A date or instant (UTC), or as 7d or 24h: so long ago.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
def list_events(user: str | None, type_name: str | None, since: datetime | None, limit: int) -> None:
    """List the newest security events, which are kept for 180 days."""
    event_type = SecurityEventType(type_name) if type_name else None
    with read_connection() as connection:
        user_id = user
        if user is not None and not is_id(user):  # an id may be of a user that is gone
            account = UserRepository(connection).find_by_email(user)
            if account is None:
                raise click.ClickException(f"no user has the address {user}")
            user_id = account["id"]
        rows = SecurityEventRepository(connection).newest(
            user_id=user_id, event_type=event_type, since=since, limit=limit
        )
    for row in rows:
        click.echo(_line(row))
    click.echo(f"{len(rows)} security events")


def _line(row: Mapping[Any, Any]) -> str:
    """Return the event in one line: instant, type, account, cause, client address, detail, number of failures."""
    actor = f"by {row['actor']} {row['actor_id'] or ''}".rstrip()
    columns = [format_instant(row["at"]), row["type"], row["user_id"], in_one_line(row["email"] or "-"), actor]
    columns.append(row["client_address"] or "-")
    extras = [row["detail"], f"{row['occurrences']} times" if row["occurrences"] > 1 else None]
    return "  ".join([*columns, *filter(None, extras)])
