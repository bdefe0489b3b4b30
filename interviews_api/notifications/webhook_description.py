"""The description of the webhooks for the OpenAPI document: payload, headers and expected responses."""

from marshmallow import fields

from interviews_api.events.models import EventActor
from interviews_api.interviews.company_schemas import CompanyInterview
from interviews_api.notifications.schemas import change_type_field
from interviews_api.web.fields import CamelSchema, Instant, enum_field
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


_HEADERS = {
    "webhook-id": (
        "The event's id, for a resent notice with a random suffix; equal ids are the same message.",
        "^.+$",
    ),
    "webhook-timestamp": ("The time of the attempt, in Unix seconds.", "^[0-9]+$"),
    "webhook-signature": (
        "`v1,` and the base64 of the HMAC-SHA-256 of `id.timestamp.body` with the webhook's secret.",
        "^v1,[A-Za-z0-9+/]{43}=$",
    ),
}

INTERVIEW_CHANGE = WebhookDescription(
    payload=WebhookEvent(),
    operation={
        "operationId": "receiveInterviewChange",
        "summary": "Receive a change of one of the company's interviews.",
        "description": (
            "A POST to each webhook that was created for this type of event, at least once, signed by "
            "[Standard Webhooks](https://www.standardwebhooks.com). The receiver has 15 s to respond."
        ),
        "tags": ["notifications"],
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
        "requestBody": {"required": True, "content": {"application/json": {"schema": WebhookEvent}}},
        "responses": {
            "2XX": {"description": "Received"},
            "410": {"description": "Gone: the webhook is disabled"},
            "default": {"description": "Not received: the next attempt follows, for a day"},
        },
    },
)
