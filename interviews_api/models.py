"""All tables in one module, for Alembic and for code that needs the whole schema."""

from interviews_api.accounts.audit_models import SecurityEvent
from interviews_api.accounts.models import (
    AccountMail,
    Candidate,
    Company,
    CompanyUser,
    EmailVerification,
    IdempotentReply,
    Invitation,
    PasswordReset,
    PurgeSchedule,
    RateLimit,
    Session,
    User,
)
from interviews_api.db.types import Base
from interviews_api.events.models import Event, Import
from interviews_api.hiring.models import Application, Job
from interviews_api.interviews.models import CalendarFeed, Interview
from interviews_api.notifications.models import Delivery, FanOutPosition, MutedCompany, PushSubscription, Webhook

metadata = Base.metadata

__all__ = [
    "AccountMail",
    "Application",
    "CalendarFeed",
    "Candidate",
    "Company",
    "CompanyUser",
    "Delivery",
    "EmailVerification",
    "Event",
    "FanOutPosition",
    "IdempotentReply",
    "Import",
    "Interview",
    "Invitation",
    "Job",
    "MutedCompany",
    "PasswordReset",
    "PurgeSchedule",
    "PushSubscription",
    "RateLimit",
    "SecurityEvent",
    "Session",
    "User",
    "Webhook",
    "metadata",
]
