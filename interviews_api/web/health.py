"""Blueprint `health`: liveness and readiness of the process."""

from flask import Blueprint

from interviews_api.db.connections import is_migrated
from interviews_api.errors import ServiceUnavailable
from interviews_api.web.fields import Nothing
from interviews_api.web.operation import operation

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
@operation("Alive", Nothing, needs_database=False)
def show_liveness() -> dict[str, object]:
    """Answer 200 while the process runs. Reads no database."""
    return {}


@blueprint.get("/ready")
@operation("Ready", Nothing)
def show_readiness() -> dict[str, object]:
    """Answer 200 if the database is up and has this version's tables, else 503."""
    if not is_migrated():
        raise ServiceUnavailable("The database is not migrated: run alembic upgrade head")
    return {}
