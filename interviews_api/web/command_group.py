"""How commands fail: what is wrong is said in lines, exit code 1, never a traceback."""

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from interviews_api.errors import SeedRefused

MAX_PROBLEMS = 50


class CommandGroup(AppGroup):
    """Turns what a command may raise into a message and exit code 1."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(context)
        except SeedRefused as error:
            shown = error.problems[:MAX_PROBLEMS]
            if more := len(error.problems) - len(shown):
                shown.append(f"... and {more} more")
            raise click.ClickException("nothing was written.\n" + "\n".join(shown)) from None
        except UnicodeEncodeError:  # arguments that are not UTF-8 arrive as lone surrogates
            raise click.ClickException("the arguments are not UTF-8") from None
        except DBAPIError as error:
            raise click.ClickException(f"the database refused: {error.orig}") from None
