"""`flask seed bulk`: generated interviews for load tests, spread evenly over candidates."""

import random
import secrets
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import starmap
from math import ceil
from typing import Any

from interviews_api.accounts.models import Approval, Candidate, Company, Role, User
from interviews_api.accounts.passwords import hash_password
from interviews_api.clock import now
from interviews_api.db.connections import transaction
from interviews_api.db.types import Base
from interviews_api.hiring.models import Application, ApplicationStatus, Job
from interviews_api.interviews.models import Actor, Interview, InterviewStatus, InterviewType
from interviews_api.seed.repository import SeedRepository, batches

PASSWORD = "bulk-password-1"  # noqa: S105  # public on purpose: the command prints it
COMPANIES = 50
MINIMUM_JOBS = 200
ROUNDS = 2  # interviews per application
MAX_INTERVIEWS_EACH = 0x10000

Row = dict[str, Any]

_ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Adelaide", "UTC")
_STATUSES = (
    *[InterviewStatus.PENDING] * 3,
    *[InterviewStatus.CONFIRMED] * 3,
    *[InterviewStatus.COMPLETED] * 3,
    InterviewStatus.CANCELLED,
)


class BulkWorld:
    """Generated rows, an iterator for each table; ids and e-mail addresses are new in every run."""

    def __init__(self, candidates: int, interviews: int) -> None:
        self.candidates = candidates
        self.interviews = interviews
        self.run = secrets.token_hex(3)
        self._now = now()
        self._random = random.Random(0)  # noqa: S311  # no secret
        self._interview_counts = [len(range(number, interviews, candidates)) for number in range(candidates)]
        self._application_counts = [ceil(count / ROUNDS) for count in self._interview_counts]
        self._jobs = max(MINIMUM_JOBS, max(self._application_counts))

    def email(self, number: int) -> str:
        """Return the e-mail address of a candidate, numbered from 0."""
        return f"bulk-{self.run}-{number}@example.com"

    @property
    def row_count(self) -> int:
        """Number of rows of all tables together."""
        return COMPANIES + self._jobs + 2 * self.candidates + sum(self._application_counts) + self.interviews

    def tables(self) -> Iterator[tuple[type[Base], Iterator[Row]]]:
        """Yield each model with its rows; parents first."""
        password_hash = hash_password(PASSWORD)  # the same for all, because a hash for each would take hours
        yield Company, map(self._company, range(COMPANIES))
        yield Job, map(self._job, range(self._jobs))
        yield User, (self._user(number, password_hash) for number in range(self.candidates))
        yield Candidate, map(self._candidate, range(self.candidates))
        yield Application, starmap(self._application, _numbered(self._application_counts))
        yield Interview, starmap(self._interview, _numbered(self._interview_counts))

    def _id(self, kind: str, number: int) -> str:
        return f"{int(self._now.timestamp()):08x}{self.run}{kind}{number:09x}"

    def _application_id(self, candidate: int, number: int) -> str:
        return self._id("d", candidate * MAX_INTERVIEWS_EACH + number)

    def _job_number(self, candidate: int, application: int) -> int:
        return (candidate + application) % self._jobs

    def _company_id(self, job: int) -> str:
        return self._id("a", job % COMPANIES)

    def _company(self, number: int) -> Row:
        return {
            "id": self._id("a", number),
            "name": f"Company {number}",
            "logo": f"https://logo.example/{number}.png",
            "address": f"{number} Main Street",
            "phone": f"+1-555-{number:04}",
            "email": f"hr@company-{number}.example",
            "vouched_email": f"hr@company-{number}.example",
            "time_zone": _ZONES[number % len(_ZONES)],
            "approval": Approval.APPROVED.value,
        }

    def _job(self, number: int) -> Row:
        return {
            "id": self._id("b", number),
            "company_id": self._company_id(number),
            "title": f"Job {number}",
            "description": "We are looking for somebody with experience. " * 4,
            "created_at": self._now - timedelta(days=300),
        }

    def _user(self, number: int, password_hash: str) -> Row:
        return {
            "id": self._id("c", number),
            "role": Role.CANDIDATE.value,
            "email": self.email(number),
            "email_key": self.email(number),
            "password_hash": password_hash,
            "created_at": self._now,
            "email_verified_at": self._now,
        }

    def _candidate(self, number: int) -> Row:
        return {"id": self._id("c", number), "first_name": "Bulk", "last_name": str(number), "phone": None}

    def _application(self, candidate: int, number: int) -> Row:
        return {
            "id": self._application_id(candidate, number),
            "candidate_id": self._id("c", candidate),
            "job_id": self._id("b", self._job_number(candidate, number)),
            "company_id": self._company_id(self._job_number(candidate, number)),
            "status": ApplicationStatus.INTERVIEW_SCHEDULED.value,
            "applied_at": self._now - timedelta(days=200),
        }

    def _interview(self, candidate: int, number: int) -> Row:
        status = self._random.choice(_STATUSES)
        is_past = status in (InterviewStatus.COMPLETED, InterviewStatus.CANCELLED)
        minutes = self._random.randrange(15, 180 * 24 * 60, 15)
        starts_at = self._now + timedelta(minutes=-minutes if is_past else minutes)
        created_at = min(self._now, starts_at) - timedelta(days=7)
        confirmed_at = created_at + timedelta(days=1) if status is InterviewStatus.CONFIRMED else None
        is_cancelled = status is InterviewStatus.CANCELLED
        return {
            "id": self._id("e", candidate * MAX_INTERVIEWS_EACH + number),
            "application_id": self._application_id(candidate, number // ROUNDS),
            "candidate_id": self._id("c", candidate),
            "company_id": self._company_id(self._job_number(candidate, number // ROUNDS)),
            "status": status.value,
            "type": InterviewType.VIDEO.value,
            "starts_at": starts_at,
            "time_zone": _ZONES[candidate % len(_ZONES)],
            "duration_minutes": 60,
            "location": None,
            "meeting_link": f"https://meet.example/{candidate}-{number}",
            "notes": "Please prepare a brief presentation about your recent projects",
            "internal_notes": None,
            "confirmed_at": confirmed_at,
            "accepted_at": confirmed_at,
            "completed_at": starts_at + timedelta(hours=1) if status is InterviewStatus.COMPLETED else None,
            "cancelled_at": created_at + timedelta(days=2) if is_cancelled else None,
            "cancelled_by": Actor.COMPANY.value if is_cancelled else None,
            "cancellation_reason": "The position is filled" if is_cancelled else None,
            "is_hired": bool(number % 2) if status is InterviewStatus.COMPLETED else None,
            "hiring_decision_reason": None,
            "feedback": None,
            "share_feedback": True,
            "revision": 0,
            "created_at": created_at,
            "updated_at": created_at,
            "invited_at": created_at,
            "notices_after": self._now,
            "next_notice_at": None if is_past else self._now,
        }


def _numbered(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Return pairs of a candidate's number and a number from 0 to below that candidate's count."""
    return ((candidate, number) for candidate, count in enumerate(counts) for number in range(count))


def write_bulk(world: BulkWorld) -> Iterator[int]:
    """Insert the world in one transaction; yield the number of rows of each step, for a progress bar."""
    with transaction(no_timeouts=True) as connection:
        repository = SeedRepository(connection)
        for model, rows in world.tables():
            for batch in batches(rows):
                repository.insert(model, batch)
                yield len(batch)
        repository.refresh_statistics()
