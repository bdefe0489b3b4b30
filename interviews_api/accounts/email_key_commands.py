"""Command that lists users whom nobody finds by their e-mail address, and addresses on the command line."""

import click
from flask.cli import with_appcontext

from interviews_api.accounts.email_key_repository import EmailKeyRepository
from interviews_api.db.connections import read_connection
from interviews_api.web.hidden_characters import hidden_character
from interviews_api.web.plain_text import in_one_line


def read_address(_context: click.Context, _parameter: click.Parameter, address: str | None) -> str | None:
    """Return the address; raises BadParameter if it has a hidden character. A callback of arguments and options."""
    if address is not None and (code_point := hidden_character(address.strip())):
        raise click.BadParameter(f"the address has a hidden character ({code_point})")
    return address


@click.command("outdated-keys")
@with_appcontext
def list_outdated_keys() -> None:
    """List users that nobody finds by their address: mostly an older user has it in another spelling."""
    count = 0
    with read_connection() as connection:
        for user in EmailKeyRepository(connection).outdated():
            code_point = hidden_character(user["email"].strip())
            cause = f"  (hidden character {code_point})" if code_point else ""
            click.echo(f"{user['id']}  {in_one_line(user['email'])}{cause}")
            count += 1
    click.echo(f"{count} users")
