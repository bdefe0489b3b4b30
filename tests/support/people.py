"""People of the tests: two companies and a candidate with their callers, and the same with access tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, repeat

from interviews_api.config.limits import OPEN_OF_APPLICATION
from tests.support.api import Caller


@dataclass(frozen=True)
class People:
    """Two companies with a user each, a candidate, and an application of the candidate with each company."""

    us: Caller
    them: Caller
    candidate: Caller
    us_user_id: str
    us_company_id: str
    them_company_id: str
    candidate_id: str
    us_application_id: str
    them_application_id: str

    def caller(self, name: str) -> Caller:
        """Return the caller of that name: us, them or candidate."""
        return {"us": self.us, "them": self.them, "candidate": self.candidate}[name]

    def application_id(self, name: str) -> str:
        """Return the id of the application with the company of that name: us or them."""
        return {"us": self.us_application_id, "them": self.them_application_id}[name]

    def applications(self) -> Iterator[tuple[Caller, str]]:
        """Yield, for each of many interviews, a company's caller and an application that may have one more open."""
        for number in count():
            company = (self.us, self.them)[number % 2]
            job = company.ok("POST", "/jobs", {"title": f"Baker {number}"})
            application = self.candidate.ok("POST", f"/jobs/{job['id']}/applications")
            yield from repeat((company, application["applicationId"]), OPEN_OF_APPLICATION.allowed)


@dataclass(frozen=True)
class Parties:
    """A company user and a candidate who has applied, with access tokens."""

    company_token: str
    candidate_token: str
    candidate_id: str
    application_id: str
    issue_token: Callable[[str], str]
    """Return an access token of a new session of the candidate with this id."""
