"""Webhooks, signed with the webhook's secret by Standard Webhooks 1.0 (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping

from interviews_api.clock import format_instant, now
from interviews_api.interviews.company_schemas import CompanyInterview
from interviews_api.notifications.channels.https_client import HttpsClient, NoAnswer, UrlRefused
from interviews_api.notifications.delivery_errors import Rejected, RetryLater, TargetGone
from interviews_api.notifications.models import WEBHOOK_TEST_TYPE, DeliveryKind
from interviews_api.web.uris import as_uri

_PREFIX = "whsec_"
_INTERVIEW = CompanyInterview()
_GONE = 410


def new_secret() -> str:
    """Return a new secret of 192 bits, in the scheme's format (`whsec_` and base64)."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def valid_secrets(webhook: Mapping[Any, Any], at: datetime) -> list[str]:
    """Return the secrets that sign at that time: the webhook's own, then those that it replaced a short time ago."""
    previous = webhook["previous_secrets"] or []
    return [webhook["secret"], *(secret for secret, ends_at in previous if at.timestamp() < ends_at)]


def sign(signing_secrets: Iterable[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the scheme's three headers for the body, with a signature by each secret; `at` is the attempt's time."""
    timestamp = str(int(at.astimezone(UTC).timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = " ".join(_signature(secret, content) for secret in signing_secrets)
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signatures}


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return f"v1,{base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()}"


def payload(context: Mapping[Any, Any]) -> bytes:
    """Return the JSON of the event, with the interview as the company sees it now; or that of a test message."""
    if context["kind"] == DeliveryKind.WEBHOOK_TEST:
        queued_at, data = format_instant(context["queued_at"]), {"webhookId": context["target_id"]}
        return orjson.dumps({"type": WEBHOOK_TEST_TYPE, "timestamp": queued_at, "data": data})
    at = format_instant(context["event_at"])
    link = context["meeting_link"]
    interview = _INTERVIEW.dump(dict(context) | {"meeting_link": link and as_uri(link)})
    data = {"id": context["event_id"], "at": at, "by": context["event_actor"], "interview": interview}
    return orjson.dumps({"type": context["event_type"], "timestamp": at, "data": data})


class WebhookSender:
    """Sender of webhooks: status 2xx is success, 410 disables the webhook, others are retried.

    Returns the status, which the errors have as well.
    """

    def __init__(self, https_client: HttpsClient) -> None:
        self._https_client = https_client

    def __call__(self, webhook: RowMapping, context: RowMapping) -> int:
        """Send the delivery to the webhook and return the status; raises DeliveryError."""
        body, present = payload(context), now()
        headers = sign(valid_secrets(webhook, present), context["key"], present, body)
        headers |= {"Content-Type": "application/json", "User-Agent": "interviews-api"}
        try:
            status = self._https_client.post(webhook["url"], body, headers)
        except UrlRefused as error:
            raise Rejected(str(error)) from None
        except NoAnswer as error:
            raise RetryLater(f"no answer: {error}") from None
        if status == _GONE:
            raise TargetGone("answered 410: it is disabled now", status_code=status)
        if not 200 <= status < 300:
            raise RetryLater(f"answered {status}", status_code=status)
        return status
