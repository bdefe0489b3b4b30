"""Webhooks by the Standard Webhooks scheme (standardwebhooks.com, specification 1.0): signed with the hook's secret."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping

from interviews_api.clock import format_instant, now
from interviews_api.interviews.company_schemas import CompanyInterview
from interviews_api.notifications.channels.delivery_errors import Rejected, RetryLater, TargetGone
from interviews_api.notifications.channels.https_client import AddressRefused, HttpsClient, NoAnswer

_PREFIX = "whsec_"
_INTERVIEW = CompanyInterview()
_GONE = 410


def new_secret() -> str:
    """192 bits, spelled as the scheme does."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers that go with the body; `at` is the moment of this attempt."""
    timestamp = str(int(at.astimezone(UTC).timestamp()))
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(signed).decode()}"
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def payload(about: Mapping[Any, Any]) -> bytes:
    """What happened, and the interview as the company sees it now."""
    at = format_instant(about["event_at"])
    data = {"id": about["event_id"], "at": at, "by": about["event_actor"], "interview": _INTERVIEW.dump(about)}
    return orjson.dumps({"type": about["event_type"], "timestamp": at, "data": data})


class WebhookSender:
    """Sends to a webhook; 2xx is a receipt, 410 the end of it, anything else is tried again."""

    def __init__(self, https_client: HttpsClient) -> None:
        self._outbound = https_client

    def __call__(self, webhook: RowMapping, about: RowMapping) -> None:
        """See `lane.Sender`."""
        body = payload(about)
        headers = sign(webhook["secret"], about["key"], now(), body)
        headers |= {"Content-Type": "application/json", "User-Agent": "interviews-api"}
        try:
            status = self._outbound.post(webhook["url"], body, headers)
        except AddressRefused as error:
            raise Rejected(str(error)) from None
        except NoAnswer as error:
            raise RetryLater(f"no answer: {error}") from None
        if status == _GONE:
            raise TargetGone("answered 410: it is disabled now")
        if not 200 <= status < 300:
            raise RetryLater(f"answered {status}")
