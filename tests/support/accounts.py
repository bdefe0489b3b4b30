"""Sign-ups and sign-ins of the account tests."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select

from interviews_api.accounts.models import Candidate, Company, CompanyUser, User
from interviews_api.db.connections import Database
from tests.support.api import Caller
from tests.support.factories import PASSWORD

ADA = {"email": " Ada@Example.com ", "password": PASSWORD, "firstName": "Ada", "lastName": "Okafor"}
LUMEN = {
    "email": "hr@lumen.example", "password": PASSWORD,
    "company": {"name": "Lumen Works", "logo": "https://lumen.example/logo.png", "address": "18 Rue de la Paix",
                "phone": "+33 1", "email": "hello@lumen.example", "timeZone": "Europe/Paris"},
}  # fmt: skip


def bearer(client: FlaskClient, data: dict[str, Any]) -> Caller:
    return Caller(client, {"Authorization": f"Bearer {data['accessToken']}"})


def rows(database: Database) -> list[int]:
    with database.reads.connection() as connection:
        models = (User, Candidate, CompanyUser, Company)
        return [connection.execute(select(func.count()).select_from(model)).scalar_one() for model in models]
