"""Blueprint `activity`: the viewer's own security events."""

from flask import Blueprint

from interviews_api.accounts.audit_repository import SecurityEventRepository
from interviews_api.accounts.audit_schemas import Activity
from interviews_api.accounts.authentication import user_required
from interviews_api.accounts.models import Viewer
from interviews_api.db.connections import read_connection
from interviews_api.db.pagination import Page
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery

blueprint = Blueprint("activity", __name__, url_prefix="/auth/me/activity")


@blueprint.get("")
@user_required
@operation("Activity retrieved successfully", Activity, query=PageQuery)
def list_activity(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """List the security events of the viewer's account, newest first: sign-ins, passwords, colleagues, webhooks."""
    with read_connection() as connection:
        return SecurityEventRepository(connection).page(viewer, limit=limit, skip=skip)
