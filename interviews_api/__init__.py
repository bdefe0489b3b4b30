"""The candidate interviews API: `create_app` returns its Flask application."""

from collections.abc import Mapping, Sequence

from flask import Flask, Response
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

from interviews_api import cli
from interviews_api.accounts import (
    audit_handlers,
    company_user_handlers,
    invitation_handlers,
    reset_handlers,
    tokens,
    verification_handlers,
)
from interviews_api.accounts import handlers as accounts
from interviews_api.accounts.invitation_repository import InvitationRepository
from interviews_api.accounts.standing_access import StandingAccess
from interviews_api.cache import ResponseCache
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.hiring import handlers as hiring
from interviews_api.interviews import calendar_handlers, candidate_handlers, company_handlers, link_handlers
from interviews_api.interviews.calendar_repository import CalendarFeedRepository
from interviews_api.interviews.state_machine import as_markdown
from interviews_api.live import handlers as live
from interviews_api.notifications import handlers as notifications
from interviews_api.notifications import mute_handlers, webhook_handlers
from interviews_api.notifications.backlog_metrics import read_backlog_metrics
from interviews_api.notifications.channels.request_resolver import RequestResolver
from interviews_api.notifications.target_repository import SubscriptionRepository, WebhookRepository
from interviews_api.notifications.webhook_description import INTERVIEW_CHANGE, WEBHOOK_TEST
from interviews_api.services import register_services
from interviews_api.web import (
    error_responses,
    health,
    http,
    logs,
    metrics,
    openapi,
    pages,
    request_limits,
    security_headers,
)
from interviews_api.web.openapi_document import ApiDescription
from interviews_api.web.responses import ApiResponse
from interviews_api.web.route_contract import check_routes

_API_DESCRIPTION = ApiDescription(
    text=f"The moves of an interview. Of simultaneous ones the first to commit wins.\n\n{as_markdown()}",
    tags={
        "candidate-interviews": "A candidate reads, confirms and declines interviews.",
        "live": "A candidate gets changes of interviews over a WebSocket.",
        "calendar": "A candidate's interviews as iCalendar files and as a feed.",
        "email-link": "A candidate confirms, declines or asks for another time by a mailed link, without signing in.",
        "company-interviews": "A company schedules, reschedules, cancels and completes interviews.",
        "hiring": "Companies publish jobs, and candidates apply for them.",
        "notifications": "Push subscriptions and the notices of an interview.",
        "webhooks": "A company's systems get changes of its interviews as signed messages.",
        "muted-companies": "A candidate hears less of a company.",
        "auth": "Users register, sign in and out, and change their passwords.",
        "activity": "Users see the security events of their accounts.",
        "password-reset": "Users that forgot their password get a link by mail.",
        "email-verification": "Users verify their address by a link in a mail.",
        "company-users": "A company's owners add and remove its users, and change their roles.",
        "invitations": "Colleagues join a company by a link in a mail.",
        "health": "Probes of the process and of its database.",
        "metrics": "Metrics for Prometheus.",
        "openapi": "This document, and a page that shows it.",
    },
    webhooks={"interviewChange": INTERVIEW_CHANGE, "webhookTest": WEBHOOK_TEST},
)

_STANDING_ACCESS = StandingAccess(
    (CalendarFeedRepository, SubscriptionRepository, InvitationRepository), (WebhookRepository,)
)


def create_app(source: Mapping[str, str] | None = None) -> Flask:
    """Return the application, set up from the mapping or the environment; raises SettingsError for unsafe settings."""
    settings = Settings.load(source)
    app = Flask(__name__, static_folder=None)
    app.response_class = ApiResponse
    database = Database(settings.database_url, pool_size=settings.web_threads)
    response_cache = ResponseCache(settings.cache_bytes)
    register_services(app, settings, database, response_cache, RequestResolver(), _STANDING_ACCESS)

    logs.init_app(app, metrics.count)
    security_headers.init_app(app)
    request_limits.init_app(app)
    http.init_app(app)
    error_responses.init_app(app)
    pages.init_app(app)
    metrics.init_app(app, read_backlog_metrics)
    openapi.init_app(app, _API_DESCRIPTION)
    tokens.init_app(app, settings)
    live.init_app(app)
    if settings.cors_origins:
        _allow_origins(app, settings.cors_origins)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies)  # type: ignore[method-assign]

    blueprints = (
        accounts.blueprint,
        audit_handlers.blueprint,
        company_user_handlers.blueprint,
        reset_handlers.blueprint,
        invitation_handlers.blueprint,
        verification_handlers.blueprint,
        hiring.blueprint,
        candidate_handlers.blueprint,
        calendar_handlers.blueprint,
        company_handlers.blueprint,
        link_handlers.blueprint,
        live.blueprint,
        notifications.blueprint,
        webhook_handlers.blueprint,
        mute_handlers.blueprint,
        health.blueprint,
        metrics.blueprint,
        openapi.blueprint,
    )
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    check_routes(app)
    cli.init_app(app)
    return app


def _allow_origins(app: Flask, origins: Sequence[str]) -> None:
    """Let pages of these origins call the API from browsers (CORS)."""
    CORS(
        app,
        origins=list(origins),
        allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id"],
        expose_headers=["ETag", "Error-Code", "Idempotent-Replayed", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
        max_age=600,
        always_send=False,
        vary_header=False,  # flask-cors leaves Vary out for refused origins; see _vary_by_origin
    )
    app.after_request(_vary_by_origin)


def _vary_by_origin(response: Response) -> Response:
    """Make shared caches keep the responses of different origins apart."""
    response.vary.add("Origin")
    return response
