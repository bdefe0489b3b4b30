"""Schemas of webhooks, push subscriptions and notices."""

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, validate

from interviews_api.events.models import PUBLISHED_TYPES, EventType
from interviews_api.notifications.channels.https_client import MAX_URL_LENGTH, UrlRefused, host_of
from interviews_api.notifications.channels.web_push import check_public_key, check_secret
from interviews_api.notifications.delivery_errors import describe_for_company
from interviews_api.notifications.models import WEBHOOK_TEST_TYPE, Channel, DeliveryStatus
from interviews_api.web.fields import CamelSchema, Instant, JsonBoolean, ShortList, Text, enum_field, id_field
from interviews_api.web.hidden_characters import WITHOUT_HIDDEN_PATTERN, refuse_hidden
from interviews_api.web.link_fields import Link
from interviews_api.web.uris import HTTPS_LINK_PATTERN

_PUBLISHED_TYPES = sorted(PUBLISHED_TYPES)


class _ReceiverUrl(Link):
    """Https URL of a receiver; the handler then checks where its host leads (`check_url`)."""

    def refusal(self, text: str) -> ValidationError:
        """Return the error of a text that is no link: for ASCII the error of `host_of`, if there is one."""
        try:
            if text.isascii():
                _check_url(text)
        except ValidationError as error:
            return error
        return super().refusal(text)


def _check_url(url: str) -> None:
    try:
        host_of(url)
    except UrlRefused as error:
        raise ValidationError(str(error)) from None


def _check_key(check: Callable[[str], None]) -> Callable[[str], None]:
    def validate_key(key: str) -> None:
        try:
            check(key)
        except ValueError:
            raise ValidationError("This is not the key of a browser.") from None

    return validate_key


def _check_number(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValidationError("Not a valid number.")


def _check_repeats(events: list[str]) -> None:
    if len(set(events)) < len(events):
        raise ValidationError("Must not name an event twice.")


def _url(*, required: bool = True, **kwargs: Any) -> _ReceiverUrl:
    """Return the field of a receiver's URL."""
    checks: list[Callable[[str], object]] = [validate.Length(1, MAX_URL_LENGTH), _check_url]
    return _ReceiverUrl(required=required, validate=checks, metadata={"pattern": HTTPS_LINK_PATTERN}, **kwargs)


class _Events(ShortList):
    """List of event types that dumps None as all types."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(_PUBLISHED_TYPES if value is None else value, attr, obj, **kwargs)


def change_type_field() -> fields.String:
    """Return a field for the type of a change: a published event, which webhooks get with its interview."""
    return enum_field(
        EventType, only=_PUBLISHED_TYPES, metadata={"component": "ChangeType", "members": _PUBLISHED_TYPES}
    )


def _events(**kwargs: Any) -> _Events:
    checks: list[Callable[[Any], Any]] = [validate.Length(1, len(_PUBLISHED_TYPES)), _check_repeats]
    return _Events(change_type_field(), validate=checks, metadata={"uniqueItems": True}, **kwargs)


class NewWebhook(CamelSchema):
    """A webhook to create; without `events` it gets all."""

    url = _url()
    events = _events(load_default=None, allow_none=True)


class WebhookChange(CamelSchema):
    """A change of a webhook: what is absent stays, `events` null means all."""

    url = _url(required=False)
    events = _events(allow_none=True)
    enabled = JsonBoolean()


class CreatedWebhook(CamelSchema):
    """A webhook with its new secret, which no other response shows."""

    id = id_field()
    url = fields.String()
    events = _events()
    secret = fields.String()


class ListedWebhook(CamelSchema):
    """A webhook without its secret."""

    id = id_field()
    url = fields.String()
    events = _events()
    disabled_at = Instant(allow_none=True)


class Webhooks(CamelSchema):
    """A page of the company's webhooks."""

    webhooks = fields.List(fields.Nested(ListedWebhook), attribute="rows")
    total = fields.Integer()


class WebhookDelivery(CamelSchema):
    """A delivery to a webhook. `id` is its `webhook-id`, `at` the time when it was queued.

    `lastStatusCode` is the HTTP status of the response to the last attempt, null without a response.
    """

    id = fields.String()
    event = fields.String(validate=validate.OneOf([*_PUBLISHED_TYPES, WEBHOOK_TEST_TYPE]))
    status = enum_field(DeliveryStatus)
    attempts = fields.Integer()
    last_status_code = fields.Integer(allow_none=True)
    at = Instant()


class WebhookDeliveries(CamelSchema):
    """A page of the deliveries to a webhook."""

    deliveries = fields.List(fields.Nested(WebhookDelivery), attribute="rows")
    total = fields.Integer()


class PushKey(CamelSchema):
    """The public key that a page passes to the browser as applicationServerKey (RFC 8292)."""

    public_key = fields.String()


class SubscriptionKeys(CamelSchema):
    """The browser's keys, in base64url (RFC 8291, section 3)."""

    p256dh = Text(
        required=True,
        validate=[validate.Length(max=200), _check_key(check_public_key)],
        metadata={"pattern": "^([A-Za-z0-9_-]{44}|[A-Za-z0-9_-]{87})={0,2}$"},
    )
    auth = Text(
        required=True,
        validate=[validate.Length(max=100), _check_key(check_secret)],
        metadata={"pattern": "^[A-Za-z0-9_-]{22}={0,2}$"},
    )


class NewSubscription(CamelSchema):
    """A push subscription as the browser's `PushSubscription.toJSON()` returns it."""

    endpoint = _url()
    expiration_time = fields.Raw(
        load_default=None, allow_none=True, validate=_check_number, metadata={"type": "number"}
    )
    keys = fields.Nested(SubscriptionKeys, required=True)


class Endpoint(CamelSchema):
    """The endpoint of one of the candidate's browsers."""

    endpoint = Text(
        required=True,
        validate=[validate.Length(max=MAX_URL_LENGTH), lambda text: refuse_hidden(text.strip())],
        metadata={"pattern": WITHOUT_HIDDEN_PATTERN},
    )


class Subscription(CamelSchema):
    """A push subscription without its keys."""

    endpoint = fields.String()
    created_at = Instant()


class Subscriptions(CamelSchema):
    """A page of the candidate's push subscriptions."""

    subscriptions = fields.List(fields.Nested(Subscription), attribute="rows")
    total = fields.Integer()


class _CompanyError(fields.String):
    """Text of a delivery error that dumps for a company."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(value and describe_for_company(value), attr, obj, **kwargs)


class Notice(CamelSchema):
    """A delivery as the company sees it; `dueAt` is the next attempt, or the end of the last claim's lease."""

    id = fields.String()
    event = enum_field(EventType)
    channel = enum_field(Channel)
    recipient = fields.String()
    status = enum_field(DeliveryStatus)
    due_at = Instant()
    sent_at = Instant(allow_none=True)
    attempts = fields.Integer()
    error = _CompanyError(allow_none=True)


class Notices(CamelSchema):
    """The notices of one interview, up to the newest 1,000."""

    notices = fields.List(fields.Nested(Notice), attribute="rows")
    total = fields.Integer()
