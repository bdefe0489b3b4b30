"""Command group whose errors are messages with exit code 1, without a traceback, and the parser of addresses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from interviews_api.errors import SeedRefused
from interviews_api.web.hidden_characters import hidden_character

MAX_PROBLEMS = 50


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn expected errors into a ClickException: a message and exit code 1."""
    try:
        yield
    except SeedRefused as error:
        lines = error.problems[:MAX_PROBLEMS]
        if remaining := len(error.problems) - len(lines):
            lines.append(f"... and {remaining} more")
        raise click.ClickException("nothing was written.\n" + "\n".join(lines)) from None
    except UnicodeEncodeError:  # arguments that are not UTF-8 arrive as lone surrogates
        raise click.ClickException("the arguments are not UTF-8") from None
    except DBAPIError as error:
        raise click.ClickException(f"the database refused: {error.orig}") from None


class CommandGroup(AppGroup):
    """Group that turns the errors of its commands into a message and exit code 1."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; raises ClickException for expected errors."""
        with errors_as_messages():
            return super().invoke(context)


def parse_address(_context: click.Context, _parameter: click.Parameter, address: str | None) -> str | None:
    """Return the address; raises BadParameter if it has a hidden character. A callback of arguments and options."""
    if address is not None and (code_point := hidden_character(address.strip())):
        raise click.BadParameter(f"the address has a hidden character ({code_point})")
    return address
