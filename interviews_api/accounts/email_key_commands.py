"""Command that lists users with an outdated e-mail key."""

import click
from flask.cli import with_appcontext

from interviews_api.accounts.email_key_repository import EmailKeyRepository
from interviews_api.db.connections import read_connection
from interviews_api.web.hidden_characters import hidden_character
from interviews_api.web.plain_text import in_one_line


@click.command("outdated-keys")
@with_appcontext
def list_outdated_keys() -> None:
    """List users who cannot sign in because their e-mail key is outdated."""
    count = 0
    with read_connection() as connection:
        for user in EmailKeyRepository(connection).outdated():
            code_point = hidden_character(user["email"].strip())
            cause = f"  (hidden character {code_point})" if code_point else ""
            click.echo(f"{user['id']}  {in_one_line(user['email'])}{cause}")
            count += 1
    click.echo(f"{count} users")
