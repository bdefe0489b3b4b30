"""Every table, in one import: for Alembic, and for what walks over all of them."""

from interviews_api.accounts.models import Candidate, CompanyUser, IdempotentReply, RateLimit, Session, User
from interviews_api.db import Base
from interviews_api.events.models import Event
from interviews_api.hiring.models import Application, Company, Job
from interviews_api.interviews.models import Interview

metadata = Base.metadata

__all__ = [
    "Application",
    "Candidate",
    "Company",
    "CompanyUser",
    "Event",
    "IdempotentReply",
    "Interview",
    "Job",
    "RateLimit",
    "Session",
    "User",
    "metadata",
]
