"""Ada's account, her sign-ins and her sessions."""

from typing import Any

from sqlalchemy import func, select

from interviews_api.accounts.models import Session
from interviews_api.db.connections import Database
from tests.support.api import PASSWORD, Caller

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}
GONE = (401, "Unauthorized")


def sign_in(ada_client: Caller) -> dict[str, Any]:
    data: dict[str, Any] = ada_client.ok("POST", "/auth/login", ACCOUNT)
    return data


def bearer(ada_client: Caller, token: str) -> Caller:
    return Caller(ada_client.client, {"Authorization": f"Bearer {token}"})


def sessions(database: Database) -> int:
    with database.reads.connection() as connection:
        return connection.execute(select(func.count()).select_from(Session)).scalar_one()
