"""Commands for the operator's decisions about companies: `flask companies list`, `approve` and `suspend`."""

import click

from interviews_api.accounts.company_repository import CompanyRepository
from interviews_api.accounts.models import Approval
from interviews_api.db.connections import read_connection, transaction
from interviews_api.web.command_group import CommandGroup
from interviews_api.web.plain_text import in_one_line

companies = CommandGroup("companies", help="Approve and suspend companies.")


@companies.command("list")
@click.option("--approval", type=click.Choice([approval.value for approval in Approval]), help="Only these.")
def list_companies(approval: str | None) -> None:
    """List companies with their approval, in the order of their ids."""
    with read_connection() as connection:
        rows = CompanyRepository(connection).of_approval(Approval(approval) if approval else None)
    for row in rows:
        click.echo(f"{row['id']}  {row['approval']:<9}  {in_one_line(row['name'])}")
    click.echo(f"{len(rows)} companies")


@companies.command("approve")
@click.argument("company_id")
def approve_company(company_id: str) -> None:
    """Let a company publish jobs and schedule interviews, also after a suspension."""
    _decide(company_id, Approval.APPROVED)


@companies.command("suspend")
@click.argument("company_id")
def suspend_company(company_id: str) -> None:
    """Stop a company's jobs, its scheduling and its waiting mails.

    It cannot schedule, reschedule or resend; it can still confirm, cancel and complete interviews.
    """
    _decide(company_id, Approval.SUSPENDED)


def _decide(company_id: str, approval: Approval) -> None:
    with transaction() as connection:
        if not CompanyRepository(connection).decide(company_id, approval):
            raise click.ClickException(f"there is no company {company_id}")
    click.echo(f"Company {company_id} is {approval}")
