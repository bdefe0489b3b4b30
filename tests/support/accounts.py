"""Sign-ups and sign-ins of the account tests."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from interviews_api.accounts.mailed_links import VERIFICATION_LINK
from interviews_api.accounts.models import Candidate, Company, CompanyUser, EmailVerification, User, email_key
from interviews_api.db.connections import Database
from tests.support.api import PASSWORD, Caller
from tests.support.settings import SECRETS

ADA = {"email": " Ada@Example.com ", "password": PASSWORD, "firstName": "Ada", "lastName": "Okafor"}
LUMEN = {
    "email": "hr@lumen.example", "password": PASSWORD,
    "company": {"name": "Lumen Works", "logo": "https://lumen.example/logo.png", "address": "18 Rue de la Paix",
                "phone": "+33 1", "email": "hello@lumen.example", "timeZone": "Europe/Paris"},
}  # fmt: skip


def bearer(client: FlaskClient, data: dict[str, Any]) -> Caller:
    return Caller(client, {"Authorization": f"Bearer {data['accessToken']}"})


def forget_verification(database: Database, email: str) -> None:
    """Make the account with the address one that nobody has verified."""
    with database.engine.begin() as connection:
        connection.execute(update(User).where(User.email_key == email_key(email)).values(email_verified_at=None))


def verification_paths(database: Database) -> list[str]:
    """Return the paths of all valid verification links, the oldest first."""
    with database.reads.connection() as connection:
        ids = connection.execute(select(EmailVerification.id).order_by(EmailVerification.id)).scalars()
        return [f"/auth/email/verify/{VERIFICATION_LINK.token(SECRETS['SECRET_KEY'], id_)}" for id_ in ids]


def verification_tokens(database: Database) -> list[str]:
    return [path.rpartition("/")[2] for path in verification_paths(database)]


def rows(database: Database) -> list[int]:
    with database.reads.connection() as connection:
        models = (User, Candidate, CompanyUser, Company)
        return [connection.execute(select(func.count()).select_from(model)).scalar_one() for model in models]
