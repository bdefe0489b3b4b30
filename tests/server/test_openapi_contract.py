"""The running application held against its OpenAPI document by schemathesis."""

from datetime import timedelta
from typing import Any
from zlib import crc32

import jwt
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import insert

from interviews_api import create_app
from interviews_api.accounts.models import Session
from interviews_api.accounts.tokens import ALGORITHM
from interviews_api.clock import now
from interviews_api.db.connections import Database
from interviews_api.ids import is_id
from interviews_api.web.openapi_document import build_document
from tests.support.factories import World
from tests.support.gunicorn_server import GunicornServer
from tests.support.proof_table import IS_FULL, figure
from tests.support.settings import SECRETS
from tests.support.tokens import KEY, claims

ME = "641a5f1234567890123456aa"
COMPANY_USER = "641a5f1234567890123456bb"
MY_SESSION = "641a5f1234567890123456cc"
THEIR_SESSION = "641a5f1234567890123456dd"
INTERVIEW = "641a5f123456789012345678"


def _schema() -> Any:
    app = create_app(SECRETS | {"DATABASE_URL": "postgresql://never-asked"})
    with app.app_context():
        return schemathesis.openapi.from_dict(build_document())


schema = _schema()
# A case for each bound of each field takes minutes, so the sample has random cases only, of a part of the operations.
schema.config.phases.coverage.enabled = IS_FULL
like_a_fuzzer = settings(
    max_examples=figure(sample=3, full=25), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def is_in_sample(context: Any) -> bool:
    return IS_FULL or crc32(context.operation.label.encode()) % 5 == 0


def is_of_an_interview(context: Any) -> bool:
    return is_in_sample(context) and "{interviewId}" in context.operation.path


def role_of(operation: Any) -> str:
    """Return the role that the route is for."""
    refusal = operation.definition.raw["responses"].get("403", {}).get("description", "")
    return "company" if "Company credentials required" in refusal else "candidate"


@schema.auth(cache_by_key=lambda case, _context: role_of(case.operation))
class SignedIn:
    def get(self, _case: schemathesis.Case, context: schemathesis.AuthContext) -> str:
        role = role_of(context.operation)
        user_id, session_id = {"candidate": (ME, MY_SESSION), "company": (COMPANY_USER, THEIR_SESSION)}[role]
        return jwt.encode(claims(user_id, session_id) | {"role": role}, KEY, ALGORITHM)

    def set(self, case: schemathesis.Case, token: str, _context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {token}"


@pytest.fixture
def my_interviews(world: World, database: Database) -> None:
    company = world.company()
    world.company_user(company, id=COMPANY_USER)
    application = world.application(world.candidate(id=ME), world.job(company))
    world.interview(application, id=INTERVIEW, feedback={"overallRating": 7})
    world.interview(application, status="confirmed")
    world.load()
    with database.engine.begin() as connection:
        for user_id, session_id in ((ME, MY_SESSION), (COMPANY_USER, THEIR_SESSION)):
            values = {"id": session_id, "user_id": user_id, "refresh_id": session_id}
            connection.execute(insert(Session).values(**values, created_at=now(), expires_at=now() + timedelta(1)))


def hold_against_the_document(case: schemathesis.Case, gunicorn_server: GunicornServer) -> None:
    # Whether a change or a link is accepted depends on stored rows and on the moment, so no schema can tell.
    depends_on_state = case.method != "GET" or "token" in case.path_parameters
    depends_on_state |= case.path.endswith(("/calendar.ics", "/updates"))
    excluded = [positive_data_acceptance] if depends_on_state else []
    case.call_and_validate(base_url=gunicorn_server.url, excluded_checks=excluded)


@pytest.mark.proof
@pytest.mark.usefixtures("my_interviews")
@schema.include(is_in_sample).parametrize()
@like_a_fuzzer
def test_application_conforms_to_its_openapi_document(case: schemathesis.Case, gunicorn_server: GunicornServer) -> None:
    hold_against_the_document(case, gunicorn_server)


@pytest.mark.proof
@pytest.mark.usefixtures("my_interviews")
@schema.include(is_of_an_interview).parametrize()
@like_a_fuzzer
def test_application_conforms_for_an_existing_interview(
    case: schemathesis.Case, gunicorn_server: GunicornServer
) -> None:
    if is_id(case.path_parameters.get("interviewId")):  # not when it is wrong on purpose
        case.path_parameters["interviewId"] = INTERVIEW
    hold_against_the_document(case, gunicorn_server)
