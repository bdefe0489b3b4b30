"""What the routes about webhooks, push subscriptions and notices take and answer."""

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, validate

from interviews_api.events.models import CHANGES, EventType
from interviews_api.notifications.channels.https_client import MAX_URL_LENGTH, AddressRefused, check_address
from interviews_api.notifications.channels.web_push import check_public_key, check_secret
from interviews_api.notifications.models import Channel, DeliveryStatus
from interviews_api.web.fields import CamelSchema, Instant, id_field, text_field

_CHANGES = sorted(CHANGES)


def _check_address(url: str) -> None:
    try:
        check_address(url)
    except AddressRefused as refusal:
        raise ValidationError(str(refusal)) from None


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


def _address(**kwargs: Any) -> fields.String:
    """An address that we may send to; looks its name up."""
    return fields.String(required=True, validate=[validate.Length(1, MAX_URL_LENGTH), _check_address], **kwargs)


class _Events(fields.List[str]):
    """Shown as the whole list where it was left open."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(_CHANGES if value is None else value, attr, obj, **kwargs)


def _events(**kwargs: Any) -> _Events:
    one = fields.String(validate=validate.OneOf(_CHANGES))
    checks: list[Callable[[Any], Any]] = [validate.Length(1, len(_CHANGES)), _check_repeats]
    return _Events(one, validate=checks, metadata={"uniqueItems": True}, **kwargs)


class NewWebhook(CamelSchema):
    """Where to send, and of which events; by default of all."""

    url = _address()
    events = _events(load_default=None, allow_none=True)


class CreatedWebhook(CamelSchema):
    """With its secret, which is shown this once."""

    id = id_field()
    url = fields.String()
    events = _events()
    secret = fields.String()


class ListedWebhook(CamelSchema):
    """Without its secret."""

    id = id_field()
    url = fields.String()
    events = _events()
    disabled_at = Instant(allow_none=True)


class Webhooks(CamelSchema):
    """A page of the company's webhooks."""

    webhooks = fields.List(fields.Nested(ListedWebhook), attribute="rows")
    total = fields.Integer()


class PushKey(CamelSchema):
    """What a page passes on as applicationServerKey."""

    public_key = fields.String()


class SubscriptionKeys(CamelSchema):
    """The browser's keys, in base64url (RFC 8291, section 3)."""

    p256dh = fields.String(required=True, validate=[validate.Length(max=200), _check_key(check_public_key)])
    auth = fields.String(required=True, validate=[validate.Length(max=100), _check_key(check_secret)])


class NewSubscription(CamelSchema):
    """What the browser's own `PushSubscription.toJSON()` gives."""

    endpoint = _address()
    expiration_time = fields.Raw(
        load_default=None, allow_none=True, validate=_check_number, metadata={"type": ["number", "null"]}
    )
    keys = fields.Nested(SubscriptionKeys, required=True)


class Endpoint(CamelSchema):
    """Which of the candidate's browsers."""

    endpoint = text_field(MAX_URL_LENGTH, required=True)


class Notice(CamelSchema):
    """One message to one recipient; `dueAt` is when it is tried next, or was last."""

    id = fields.String()
    event = fields.String(validate=validate.OneOf(list(EventType)))
    channel = fields.String(validate=validate.OneOf(list(Channel)))
    recipient = fields.String()
    status = fields.String(validate=validate.OneOf(list(DeliveryStatus)))
    due_at = Instant()
    sent_at = Instant(allow_none=True)
    attempts = fields.Integer()
    error = fields.String(allow_none=True)


class Notices(CamelSchema):
    """All of them about one interview."""

    notices = fields.List(fields.Nested(Notice))
    total = fields.Integer()
