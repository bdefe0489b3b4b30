"""Blueprint `notifications`: the notices of an interview, and a candidate's push subscriptions."""

from typing import Any

from flask import Blueprint

from interviews_api.accounts.approval import approval_required
from interviews_api.accounts.authentication import candidate_required, company_required
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.rate_limits import active_limits, count_attempt_of
from interviews_api.clock import now
from interviews_api.config import Settings
from interviews_api.config.limits import PUSH_SUBSCRIPTIONS, RESENDS
from interviews_api.crypto.vapid import public_key, read_private_key
from interviews_api.db.connections import read_connection, transaction
from interviews_api.db.pagination import Page
from interviews_api.interviews.company_repository import CompanyInterviewRepository
from interviews_api.interviews.errors import InterviewNotFound, NotYourInterview
from interviews_api.notifications.address_guard import refuse_private_host
from interviews_api.notifications.errors import (
    NoticeNotFound,
    NoticeNotResendable,
    PushNotSetUp,
    TooManySubscriptions,
)
from interviews_api.notifications.notice_repository import NoticeRepository
from interviews_api.notifications.schemas import (
    Endpoint,
    NewSubscription,
    Notice,
    Notices,
    PushKey,
    Subscriptions,
)
from interviews_api.notifications.target_repository import SubscriptionRepository
from interviews_api.notifications.worker.fan_out import DeliveryFanOut
from interviews_api.services import service
from interviews_api.web.fields import Nothing
from interviews_api.web.guards import authorize_before_validation
from interviews_api.web.operation import operation
from interviews_api.web.page_query import PageQuery

blueprint = Blueprint("notifications", __name__)

_ACCESS_ERRORS = (NotYourInterview, InterviewNotFound)


@blueprint.get("/push/public-key")
@operation("Push public key retrieved successfully", PushKey, errors=(PushNotSetUp,), needs_database=False)
def show_push_key() -> dict[str, str]:
    """Show the public key with which a page subscribes its browser to Web Push."""
    private_key = service(Settings).vapid_private_key
    if not private_key:
        raise PushNotSetUp
    return {"public_key": public_key(read_private_key(private_key))}


@blueprint.post("/candidate/push-subscriptions")
@candidate_required
@operation(
    "Push subscription created successfully",
    Endpoint,
    status=201,
    body=NewSubscription,
    errors=(TooManySubscriptions,),
    limits=(PUSH_SUBSCRIPTIONS,),
)
def create_subscription(
    viewer: Viewer, *, endpoint: str, keys: dict[str, str], expiration_time: object
) -> dict[str, str]:
    """Subscribe a browser to Web Push; an endpoint that is already registered is replaced."""
    with read_connection() as connection:
        is_unchanged = SubscriptionRepository(connection).has(viewer, endpoint=endpoint, **keys)
    if not is_unchanged:
        count_attempt_of(viewer, PUSH_SUBSCRIPTIONS)
        refuse_private_host("endpoint", endpoint)
    with transaction() as connection:
        SubscriptionRepository(connection).save(viewer, endpoint=endpoint, **keys, now=now())
    return {"endpoint": endpoint}


@blueprint.get("/candidate/push-subscriptions")
@candidate_required
@operation("Push subscriptions retrieved successfully", Subscriptions, query=PageQuery, has_etag=True)
def list_subscriptions(viewer: Viewer, *, limit: int, skip: int) -> Page:
    """List the browsers that get the candidate's messages by Web Push, oldest first."""
    with read_connection() as connection:
        return SubscriptionRepository(connection).page(viewer, limit=limit, skip=skip)


@blueprint.delete("/candidate/push-subscriptions")
@candidate_required
@operation("Push subscription deleted successfully", Nothing, body=Endpoint)
def delete_subscription(viewer: Viewer, *, endpoint: str) -> dict[str, Any]:
    """Unsubscribe a browser from Web Push."""
    with transaction() as connection:
        SubscriptionRepository(connection).delete(viewer, endpoint)
    return {}


@blueprint.get("/interviews/<id:interview_id>/notices")
@company_required
@operation("Interview notices retrieved successfully", Notices, errors=_ACCESS_ERRORS)
def list_notices(viewer: Viewer, *, interview_id: str) -> Page:
    """List an interview's notices: sent, failed, suppressed, pending and planned; of more than 1,000 the newest."""
    with read_connection() as connection:
        interview = CompanyInterviewRepository(connection).get(viewer, interview_id)
        has_fan_out_work = DeliveryFanOut(connection).has_work()
    if has_fan_out_work:  # without a worker the events have no deliveries yet, and must still show as pending
        with transaction() as connection:
            DeliveryFanOut(connection).run(now())
    with read_connection() as connection:
        return NoticeRepository(connection).page(interview, now=now())


def _check_notice(connection: Any, viewer: Viewer, interview_id: str, notice_id: str) -> None:
    interview = CompanyInterviewRepository(connection).get(viewer, interview_id)
    NoticeRepository(connection).get(interview, notice_id, now=now())


@blueprint.post("/interviews/<id:interview_id>/notices/<notice_id>/resend")
@company_required
@approval_required
@authorize_before_validation(_check_notice)
@operation(
    "Notice queued successfully",
    Notice,
    status=202,
    body=Nothing,
    errors=(*_ACCESS_ERRORS, NoticeNotFound, NoticeNotResendable),
    limits=(RESENDS,),
)
def resend_notice(viewer: Viewer, *, interview_id: str, notice_id: str) -> Any:
    """Resend a notice that was sent, suppressed or failed."""
    with transaction() as connection:
        interview = CompanyInterviewRepository(connection).get(viewer, interview_id)
        return NoticeRepository(connection).resend(interview, notice_id, now=now(), limits=active_limits())
