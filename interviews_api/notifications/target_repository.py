"""The SQL of targets: a company's webhooks, and a candidate's push subscriptions."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, delete, func, insert, select, true, update

from interviews_api.accounts.colleague_repository import ColleagueRepository
from interviews_api.accounts.models import Candidate, Company, CompanyUser, Viewer
from interviews_api.accounts.repository import (
    IS_SIGNED_IN,
    LOCK_CANDIDATE,
    OUR_COMPANY,
    VIEWER,
    UserRepository,
)
from interviews_api.config.limits import SUBSCRIPTIONS_OF_CANDIDATE, WEBHOOKS_OF_COMPANY
from interviews_api.db.pagination import Page, count_subquery, page_subquery, read_page
from interviews_api.db.upsert import dialect_insert
from interviews_api.errors import require_own
from interviews_api.ids import new_id
from interviews_api.notifications.errors import (
    NotYourWebhook,
    TooManySubscriptions,
    TooManyWebhooks,
    WebhookExists,
    WebhookNotFound,
)
from interviews_api.notifications.models import PushSubscription, Webhook
from interviews_api.web.uris import as_uri

SECRET_OVERLAP = timedelta(hours=24)
"""How long a secret that was replaced signs beside the new one."""

_MAX_PREVIOUS_SECRETS = 5  # the limit on rotations allows as many, unless it is off: they make a header longer

_webhooks = select(Webhook.id, Webhook.url, Webhook.events, Webhook.disabled_at, Webhook.created_at).where(
    Webhook.company_id == OUR_COMPANY
)
_page, _count = page_subquery(_webhooks, (Webhook.created_at, Webhook.id)), count_subquery(_webhooks)
_WEBHOOKS = (
    select(_count, _page)
    .select_from(CompanyUser)
    .join(_count, true())
    .outerjoin(_page, true())
    .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
)
_WEBHOOK_OWNER = (
    select(
        CompanyUser.company_id.label("viewer_company_id"),
        Webhook.id,
        Webhook.company_id,
        Webhook.url,
        Webhook.events,
        Webhook.disabled_at,
        Webhook.secret,
        Webhook.previous_secrets,
    )
    .select_from(CompanyUser)
    .outerjoin(Webhook, Webhook.id == bindparam("webhook_id", type_=Webhook.id.type))
    .where(CompanyUser.id == VIEWER, IS_SIGNED_IN)
)
_COMPANY = bindparam("company_id", type_=Company.id.type)
_WEBHOOK_URLS = select(Webhook.id, Webhook.url).where(Webhook.company_id == _COMPANY)
_OTHER_SUBSCRIPTION_COUNT = (
    select(func.count())
    .select_from(PushSubscription)
    .where(PushSubscription.candidate_id == VIEWER, PushSubscription.endpoint != bindparam("endpoint"))
)
_subscriptions = select(PushSubscription.id, PushSubscription.endpoint, PushSubscription.created_at).where(
    PushSubscription.candidate_id == VIEWER
)
_subscriptions_page, _subscriptions_count = (
    page_subquery(_subscriptions, (PushSubscription.created_at, PushSubscription.id)),
    count_subquery(_subscriptions),
)
_SUBSCRIPTIONS = (
    select(_subscriptions_count, _subscriptions_page)
    .select_from(Candidate)
    .join(_subscriptions_count, true())
    .outerjoin(_subscriptions_page, true())
    .where(Candidate.id == VIEWER, IS_SIGNED_IN)
)


class WebhookRepository:
    """The webhooks of the viewer's company. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self, viewer: Viewer, *, url: str, events: list[str] | None, secret: str, now: datetime
    ) -> Mapping[str, Any]:
        """Create a webhook for a URI; raises Unauthorized, WebhookExists, or TooManyWebhooks at the bound.

        Locks the company, so that two requests at once cannot exceed the bound.
        """
        company_id = self._lock_company(viewer)
        webhooks = self._webhooks_of(company_id)
        _refuse_second_webhook(webhooks, url)
        if len(webhooks) >= WEBHOOKS_OF_COMPANY.allowed:
            raise TooManyWebhooks
        webhook = {"id": new_id(), "url": url, "events": events, "secret": secret, "created_at": now}
        self._connection.execute(insert(Webhook).values(**webhook, company_id=company_id, created_by_id=viewer.user_id))
        return webhook

    def page(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Return a page of webhooks, oldest first; raises Unauthorized."""
        values = viewer.keys | {"limit": limit, "skip": skip}
        return read_page(self._connection, _WEBHOOKS, values, id_column="id", sort=(itemgetter("created_at"), False))

    def webhook_urls_of(self, user_id: str) -> list[str]:
        """Return the URLs of the webhooks whose address or secret the company user set last, oldest first."""
        statement = select(Webhook.url).where(Webhook.created_by_id == user_id)
        return list(self._connection.execute(statement.order_by(Webhook.created_at, Webhook.id)).scalars())

    def delete_all_of_company(self, company_id: str) -> None:
        """Delete all webhooks of the company; deliveries that are pending find no target and are suppressed."""
        self._connection.execute(delete(Webhook).where(Webhook.company_id == company_id))

    def get(self, viewer: Viewer, webhook_id: str) -> RowMapping:
        """Return the webhook; raises Unauthorized, NotFound, or Forbidden for another company's webhook."""
        keys = viewer.keys | {"webhook_id": webhook_id}
        return require_own(
            self._connection.execute(_WEBHOOK_OWNER, keys).mappings().one_or_none(),
            id_key="id",
            owner_key="company_id",
            not_found=WebhookNotFound,
            not_yours=NotYourWebhook,
        )

    def delete(self, viewer: Viewer, webhook_id: str) -> None:
        """Delete the webhook; raises Unauthorized, NotFound or Forbidden. Of two requests at once one finds none."""
        self.get(viewer, webhook_id)
        if self._connection.execute(delete(Webhook).where(Webhook.id == webhook_id)).rowcount == 0:
            raise WebhookNotFound

    def changed_columns(self, viewer: Viewer, webhook_id: str, changes: Mapping[str, Any]) -> set[str]:
        """Return the names of the columns that the changes change; raises as `get` does."""
        return set(_changed_values(self.get(viewer, webhook_id), changes, now=None))

    def update(
        self, viewer: Viewer, webhook_id: str, changes: Mapping[str, Any], *, now: datetime
    ) -> tuple[RowMapping, bool]:
        """Change `url`, `events` and `enabled` as far as given; return the webhook, and whether it was changed.

        Raises WebhookExists, and as `get` does. Locks the company, so that no two webhooks get one URL.
        """
        company_id = self._lock_company(viewer)
        webhook = self.get(viewer, webhook_id)
        values = _changed_values(webhook, changes, now=now)
        if not values:
            return webhook, False
        if "url" in values:
            _refuse_second_webhook(self._webhooks_of(company_id), values["url"], own_id=webhook_id)
            values["created_by_id"] = viewer.user_id
        self._connection.execute(update(Webhook).where(Webhook.id == webhook_id).values(values))
        return self.get(viewer, webhook_id), True

    def rotate_secret(self, viewer: Viewer, webhook_id: str, secret: str, *, now: datetime) -> RowMapping:
        """Replace the secret and return the webhook; raises as `get` does. Locks the company, so rotations take turns.

        The replaced secret signs for SECRET_OVERLAP more.
        """
        self._lock_company(viewer)
        webhook = self.get(viewer, webhook_id)
        ends_at = int((now + SECRET_OVERLAP).timestamp())
        earlier = [pair for pair in webhook["previous_secrets"] or [] if pair[1] > now.timestamp()]
        previous = [(webhook["secret"], ends_at), *earlier][:_MAX_PREVIOUS_SECRETS]
        values = {"secret": secret, "previous_secrets": previous, "created_by_id": viewer.user_id}
        self._connection.execute(update(Webhook).where(Webhook.id == webhook_id).values(values))
        return self.get(viewer, webhook_id)

    def _lock_company(self, viewer: Viewer) -> str:
        """Lock the viewer's company and return its id; raises as `lock_as_owner` does."""
        return str(ColleagueRepository(self._connection).lock_as_owner(viewer)["company_id"])

    def _webhooks_of(self, company_id: str) -> Sequence[RowMapping]:
        """Return id and URL of the company's webhooks; callers have locked the company."""
        return self._connection.execute(_WEBHOOK_URLS, {"company_id": company_id}).mappings().all()


def _refuse_second_webhook(webhooks: Sequence[RowMapping], url: str, *, own_id: str | None = None) -> None:
    """Raise WebhookExists if a webhook other than `own_id` has the URL."""
    if any(as_uri(webhook["url"]) == url and webhook["id"] != own_id for webhook in webhooks):
        raise WebhookExists


def _changed_values(webhook: RowMapping, changes: Mapping[str, Any], *, now: datetime | None) -> dict[str, Any]:
    """Return the columns that the changes change. A webhook that moves or is enabled again has no failures."""
    values = {name: value for name, value in changes.items() if name != "enabled" and webhook[name] != value}
    if "enabled" in changes and changes["enabled"] != (webhook["disabled_at"] is None):
        values["disabled_at"] = None if changes["enabled"] else now
    if "url" in values or ("disabled_at" in values and changes["enabled"]):
        values["failing_since"] = None
    return values


class SubscriptionRepository:
    """The push subscriptions of candidates: one for each browser. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, viewer: Viewer, *, endpoint: str, p256dh: str, auth: str, now: datetime) -> None:
        """Insert the subscription, or move it to the viewer; raises Unauthorized, or Conflict at the bound.

        A browser has one endpoint, so its last viewer owns it. A new owner means a new id: deliveries to the earlier
        owner then find no target. Locks the candidate, so that two requests at once cannot exceed the bound.
        """
        UserRepository(self._connection).share_viewer(viewer)
        self._connection.execute(LOCK_CANDIDATE, {"candidate_id": viewer.user_id})
        keys = viewer.keys | {"endpoint": endpoint}
        if self._connection.execute(_OTHER_SUBSCRIPTION_COUNT, keys).scalar_one() >= SUBSCRIPTIONS_OF_CANDIDATE.allowed:
            raise TooManySubscriptions
        values: dict[str, Any] = {"candidate_id": viewer.user_id, "p256dh": p256dh, "auth": auth, "created_at": now}
        statement = dialect_insert(self._connection, PushSubscription).values(id=new_id(), endpoint=endpoint, **values)
        is_same_owner = PushSubscription.candidate_id == statement.excluded.candidate_id
        values["id"] = case((is_same_owner, PushSubscription.id), else_=statement.excluded.id)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=[PushSubscription.endpoint], set_=values)
        )

    def has(self, viewer: Viewer, **values: str) -> bool:
        """Return whether the viewer has a subscription with this endpoint and these keys."""
        same = select(PushSubscription.id).filter_by(candidate_id=viewer.user_id, **values)
        return self._connection.execute(same).first() is not None

    def delete(self, viewer: Viewer, endpoint: str) -> None:
        """Delete the viewer's subscription, if it exists; raises Unauthorized. Its endpoint may be in any spelling."""
        UserRepository(self._connection).get(viewer)
        self._connection.execute(
            delete(PushSubscription).where(
                PushSubscription.endpoint.in_([endpoint, as_uri(endpoint)]),
                PushSubscription.candidate_id == viewer.user_id,
            )
        )

    def page(self, viewer: Viewer, *, limit: int, skip: int) -> Page:
        """Return a page of the viewer's subscriptions, oldest first; raises Unauthorized."""
        values, sort = viewer.keys | {"limit": limit, "skip": skip}, (itemgetter("created_at"), False)
        return read_page(self._connection, _SUBSCRIPTIONS, values, id_column="id", sort=sort)

    def delete_all(self, user_id: str) -> None:
        """Delete all subscriptions of the candidate; deliveries that are pending find no target and are suppressed."""
        self._connection.execute(delete(PushSubscription).where(PushSubscription.candidate_id == user_id))

    def of_candidate(self, candidate_id: str) -> list[RowMapping]:
        """Return all subscriptions of the candidate."""
        statement = select(PushSubscription).where(PushSubscription.candidate_id == candidate_id)
        return list(self._connection.execute(statement.order_by(PushSubscription.id)).mappings())
