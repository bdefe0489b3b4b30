"""Commands for operators, as `flask --app wsgi seed load FILE`; errors are printed in lines, with exit code 1."""

from collections.abc import Mapping
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

from interviews_api.accounts.audit_commands import audit
from interviews_api.accounts.audit_models import SecurityActor, SecurityEventType
from interviews_api.accounts.audit_repository import SecurityEventRepository
from interviews_api.accounts.company_commands import companies
from interviews_api.accounts.email_key_commands import list_outdated_keys
from interviews_api.accounts.identity_provider import has_identity_provider
from interviews_api.accounts.models import Role, Viewer
from interviews_api.accounts.purge import purge_batches
from interviews_api.accounts.purge_repository import expiring_tables
from interviews_api.accounts.repository import UserRepository
from interviews_api.accounts.session_repository import SessionRepository
from interviews_api.accounts.tokens import issue_access_token
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection, transaction
from interviews_api.ids import new_id
from interviews_api.interviews.link_repository import LinkRepository
from interviews_api.interviews.link_tokens import confirmation_link
from interviews_api.interviews.state_machine import as_markdown
from interviews_api.notifications import commands
from interviews_api.notifications.mail_commands import mail
from interviews_api.seed import bulk, demo
from interviews_api.seed.load import load_bytes, load_world
from interviews_api.services import service
from interviews_api.web.command_group import CommandGroup, errors_as_messages, parse_address

seed = CommandGroup("seed", help="Load data.")
users = CommandGroup("users", help="Create users, and list those with an outdated key.")
users.add_command(list_outdated_keys)
tokens = CommandGroup("tokens", help="Issue access tokens.")
interviews = CommandGroup("interviews", help="Look into interviews.")

_email = click.option("--email", required=True, help="The address to sign in with.")
_password = click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, help="Prompted for if absent."
)


def init_app(app: Flask) -> None:
    """Register the commands with the application."""
    for command in (seed, users, companies, tokens, audit, interviews, purge_expired):
        app.cli.add_command(command)
    for command in (commands.deliveries, commands.push, commands.run_worker, mail):
        app.cli.add_command(command)


@seed.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load_seed(file: Path) -> None:
    """Insert or update by id the records of FILE (docs/seed-file.md), all or none."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{click.format_filename(file)} cannot be read: {error.strerror}") from None
    _report(load_bytes(raw))


@seed.command("demo")
def seed_demo() -> None:
    """Load a small demo world with dates around today; a second run resets it."""
    _report(load_world(demo.demo_world()))
    click.echo("Sign in with POST /auth/login:")
    for role, email in (("candidate", demo.CANDIDATE_EMAIL), ("company", demo.COMPANY_EMAIL)):
        click.echo(f"  {role:<10} {email:<28} {demo.PASSWORD}")


@seed.command("bulk")
@click.option("--candidates", type=click.IntRange(1, 1_000_000), required=True, help="How many candidates.")
@click.option("--interviews", type=click.IntRange(1), required=True, help="How many interviews in all.")
def seed_bulk(candidates: int, interviews: int) -> None:
    """Load generated data for load tests; each run adds new records."""
    if interviews > candidates * bulk.MAX_INTERVIEWS_EACH:
        raise click.BadParameter(f"at most {bulk.MAX_INTERVIEWS_EACH} a candidate", param_hint="--interviews")
    world = bulk.BulkWorld(candidates, interviews)
    with click.progressbar(length=world.row_count, label="Writing rows") as progress:
        for count in bulk.write_bulk(world):
            progress.update(count)
    click.echo(f"Loaded {candidates} candidates and {interviews} interviews; sign in with POST /auth/login:")
    click.echo(f"  {world.email(0)} ... {world.email(candidates - 1)}  {bulk.PASSWORD}")


@users.command("create-company")
@click.option("--name", required=True, help="The company's name.")
@click.option("--time-zone", default="UTC", show_default=True, help="IANA name; the default for its interviews.")
@_email
@_password
def create_company(name: str, time_zone: str, email: str, password: str) -> None:
    """Create a company with its first user."""
    company_id = new_id()
    user = {"id": new_id(), "companyId": company_id, "email": email, "password": password}
    load_world({"companies": [{"id": company_id, "name": name, "timeZone": time_zone}], "companyUsers": [user]})
    click.echo(f"Company {company_id}, user {user['id']}")


@users.command("create-candidate")
@click.option("--first-name", default=None, help="One of the names is enough.")
@click.option("--last-name", default=None)
@click.option("--phone", default=None)
@_email
@_password
def create_candidate(
    first_name: str | None, last_name: str | None, phone: str | None, email: str, password: str
) -> None:
    """Create a candidate with a password to sign in."""
    names = {"firstName": first_name, "lastName": last_name, "phone": phone}
    candidate_id = new_id()
    load_world({"candidates": [{"id": candidate_id, "email": email, "password": password, **names}]})
    click.echo(f"Candidate {candidate_id}")


@tokens.command("issue")
@click.argument("email", callback=parse_address)
def issue_token(email: str) -> None:
    """Print an access token for the user with that address; its session lasts as long as the token."""
    lifetime = service(Settings).access_token_lifetime
    with transaction() as connection:
        user = UserRepository(connection).find_by_email(email)
        if user is None:
            raise click.ClickException(f"no user has the address {email}")
        if user["role"] == Role.CANDIDATE and has_identity_provider():
            raise click.ClickException("candidates' tokens come from the identity provider")
        session_id, _ = SessionRepository(connection).begin(user["id"], now=now(), expires_at=now() + lifetime)
        events = SecurityEventRepository(connection)
        events.record(SecurityEventType.SIGNED_IN, user["id"], actor=SecurityActor.OPERATOR, now=now())
    click.echo(issue_access_token(Viewer(user["id"], user["role"], session_id, user["email_verified"])))


@interviews.command("link")
@click.argument("interview_id")
def print_link(interview_id: str) -> None:
    """Print the e-mail link of the interview's current revision, for support."""
    with read_connection() as connection:
        revision = LinkRepository(connection).revision(interview_id)
    if revision is None:
        raise click.ClickException(f"there is no interview {interview_id}")
    settings = service(Settings)
    click.echo(confirmation_link(settings.public_url, settings.secret_key, interview_id, revision))


@interviews.command("moves")
def print_moves() -> None:
    """Print the moves of an interview as a Markdown table (docs/interview-moves.md)."""
    click.echo(as_markdown(), nl=False)


@click.command("purge")
@with_appcontext
def purge_expired() -> None:
    """Delete all rows that have expired, as `flask worker` does once a day."""
    counts = {table.name: 0 for table in expiring_tables()}
    with errors_as_messages():
        for name, count in purge_batches(now()):
            counts[name] += count
    click.echo("Deleted " + ", ".join(f"{count} {name}" for name, count in counts.items()))


def _report(counts: Mapping[str, int]) -> None:
    click.echo("Loaded " + ", ".join(f"{count} {name}" for name, count in counts.items()))
