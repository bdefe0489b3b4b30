"""The description of the webhooks for the OpenAPI document: payload, headers and expected responses."""

from marshmallow import fields, validate

from interviews_api.events.models import EventActor
from interviews_api.interviews.company_schemas import CompanyInterview
from interviews_api.notifications.models import WEBHOOK_TEST_TYPE
from interviews_api.notifications.schemas import change_type_field
from interviews_api.web.fields import CamelSchema, Instant, enum_field, id_field
from interviews_api.web.openapi_document import WebhookDescription


class InterviewChange(CamelSchema):
    """A change: a published event with the interview, as the company sees it at the time of the attempt."""

    id = fields.Integer()
    at = Instant()
    by = enum_field(EventActor)
    interview = fields.Nested(CompanyInterview)


class WebhookEvent(CamelSchema):
    """The payload of a webhook, as Standard Webhooks 1.0 recommends it."""

    type = change_type_field()
    timestamp = Instant()
    data = fields.Nested(InterviewChange)


class WebhookTestData(CamelSchema):
    """The webhook that a test goes to."""

    webhook_id = id_field()


class WebhookTest(CamelSchema):
    """The payload of a test message."""

    type = fields.String(validate=validate.Equal(WEBHOOK_TEST_TYPE))
    timestamp = Instant()
    data = fields.Nested(WebhookTestData)


_SIGNATURE = "v1,[A-Za-z0-9+/]{43}="
_HEADERS = {
    "webhook-id": (
        "The event's id, for a resent notice with a random suffix; for a test `test-` and an id of its own. Equal ids "
        "are the same message.",
        "^.+$",
    ),
    "webhook-timestamp": ("The time of the attempt, in Unix seconds.", "^[0-9]+$"),
    "webhook-signature": (
        "`v1,` and the base64 of the HMAC-SHA-256 of `id.timestamp.body` with the webhook's secret. For 24 hours after "
        "a rotation those with the replaced secrets follow, separated by spaces: one of them must be right.",
        f"^{_SIGNATURE}( {_SIGNATURE})*$",
    ),
}


def _describe(payload: CamelSchema, operation_id: str, summary: str, occasion: str) -> WebhookDescription:
    """Return the description of a message; `occasion` says when it is sent."""
    return WebhookDescription(
        payload=payload,
        operation={
            "operationId": operation_id,
            "summary": summary,
            "description": (
                f"A POST to {occasion}, at least once, signed by "
                "[Standard Webhooks](https://www.standardwebhooks.com). The receiver has 15 s to respond."
            ),
            "tags": ["webhooks"],
            "parameters": [
                {
                    "in": "header",
                    "name": name,
                    "required": True,
                    "description": description,
                    "schema": {"type": "string", "pattern": pattern},
                }
                for name, (description, pattern) in _HEADERS.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": type(payload)}}},
            "responses": {
                "2XX": {"description": "Received"},
                "410": {"description": "Gone: the webhook is disabled"},
                "default": {"description": "Not received: the next attempt follows, for a day"},
            },
        },
    )


INTERVIEW_CHANGE = _describe(
    WebhookEvent(),
    "receiveInterviewChange",
    "Receive a change of one of the company's interviews.",
    "each enabled webhook that has this type among its events",
)
WEBHOOK_TEST = _describe(
    WebhookTest(), "receiveWebhookTest", "Receive a test.", "the webhook of `POST /webhooks/:webhookId/test`"
)
