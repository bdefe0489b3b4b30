"""The blueprint `health`: is the process alive, and can it serve."""

from flask import Blueprint

from interviews_api.db.connections import is_migrated
from interviews_api.errors import ServiceUnavailable
from interviews_api.web.fields import Nothing
from interviews_api.web.operation import operation

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
@operation("Alive", Nothing, needs_database=False)
def show_liveness() -> dict[str, object]:
    """Whether this process answers at all; asks nothing else."""
    return {}


@blueprint.get("/ready")
@operation("Ready", Nothing)
def show_readiness() -> dict[str, object]:
    """Whether the database is there and migrated to what this version needs; 503 if not."""
    if not is_migrated():
        raise ServiceUnavailable("The database is not migrated: run alembic upgrade head")
    return {}
