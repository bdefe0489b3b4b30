"""The errors of notices, webhooks, push subscriptions and muted companies."""

from interviews_api.config.limits import MUTED_COMPANIES, SUBSCRIPTIONS_OF_CANDIDATE, WEBHOOKS_OF_COMPANY
from interviews_api.errors import BadRequest, Conflict, Forbidden, NotFound


class WebhookNotFound(NotFound):
    """404: no webhook has this id."""

    message = "Webhook not found"


class NotYourWebhook(Forbidden):
    """403: the webhook belongs to another company."""

    message = "This webhook does not belong to you"


class NoticeNotFound(NotFound):
    """404: the interview has no notice with this id."""

    message = "Notice not found"


class NoticeNotResendable(BadRequest):
    """400: the notice is still planned or pending."""

    message = "Notice cannot be resent"


class TooManyWebhooks(Conflict):
    """409: the company has as many webhooks as are allowed."""

    message = f"A company may have at most {WEBHOOKS_OF_COMPANY.allowed} webhooks"


class WebhookExists(Conflict):
    """409: the company has a webhook with this URL."""

    message = "The company already has a webhook with this URL"


class WebhookDisabled(BadRequest):
    """400: the webhook gets no messages until it is enabled."""

    message = "Webhook is disabled"


class TooManySubscriptions(Conflict):
    """409: the candidate has as many push subscriptions as are allowed."""

    message = f"A candidate may have at most {SUBSCRIPTIONS_OF_CANDIDATE.allowed} push subscriptions"


class TooManyMutedCompanies(Conflict):
    """409: the candidate has muted as many companies as are allowed."""

    message = f"A candidate may mute at most {MUTED_COMPANIES.allowed} companies"


class PushNotSetUp(NotFound):
    """404: the operator has set no VAPID key."""

    message = "Web Push is not set up"
