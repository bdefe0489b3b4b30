"""Companies, jobs, candidates, applications and interviews in the format of the seed file."""

from typing import Any

from flask import Flask

from interviews_api.seed.load import load_world

Record = dict[str, Any]


class World:
    """Records to load. Each method adds a record with default values and returns it; `load` writes all of them."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._count = 0
        self.content: dict[str, list[Record]] = {}

    def load(self) -> "World":
        with self._app.app_context():
            load_world(self.content)
        return self

    def company(self, **values: Any) -> Record:
        return self._add("companies", {"name": "Tech Solutions Inc", "logo": "https://example.com/logo.png"} | values)

    def company_user(self, company: Record, **values: Any) -> Record:
        defaults = {"companyId": company["id"], "email": f"user{self._count}@company.example"}
        return self._add("companyUsers", defaults | values)

    def job(self, company: Record | None = None, **values: Any) -> Record:
        company = company or self.company()
        return self._add("jobs", {"companyId": company["id"], "title": "Senior Frontend Developer"} | values)

    def candidate(self, **values: Any) -> Record:
        defaults = {"email": f"candidate{self._count}@example.com", "firstName": "Ada", "lastName": "Okafor"}
        return self._add("candidates", defaults | values)

    def application(self, candidate: Record, job: Record | None = None, **values: Any) -> Record:
        job = job or self.job()
        defaults = {"candidateId": candidate["id"], "jobId": job["id"], "appliedAt": "2025-04-01T10:00:00.000Z"}
        return self._add("applications", defaults | values)

    def interview(self, application: Record, **values: Any) -> Record:
        defaults = {
            "applicationId": application["id"],
            "status": "en_attente",
            "type": "Video",
            "scheduledDate": "2025-05-15T09:00:00.000Z",
            "timeZone": "Asia/Kolkata",
            "meetingLink": "https://meet.google.com/abc-def-ghi",
            "scheduledAt": "2025-04-15T16:30:00.000Z",
        }
        return self._add("interviews", defaults | values)

    def candidate_with(self, *interviews: Record) -> Record:
        """Return a candidate with these interviews of one application."""
        candidate = self.candidate()
        application = self.application(candidate)
        for values in interviews:
            self.interview(application, **values)
        return candidate

    def _add(self, array: str, values: Record) -> Record:
        self._count += 1
        record = {"id": f"641a5f12{self._count:016x}"} | values
        self.content.setdefault(array, []).append(record)
        return record
