"""The largest response of each GET route, computed from responses of an API whose texts are all at their bounds.

Texts come in by the API itself, in the characters that grow most in a response. A list is computed from its largest
row, because 1,000 of them would take a minute to write.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask.testing import FlaskClient
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from interviews_api.accounts.mailed_links import INVITATION_LINK
from interviews_api.accounts.models import Invitation
from interviews_api.accounts.schemas import NewCandidate, NewCompanyDetails
from interviews_api.clock import zone_names
from interviews_api.config.limits import SUBSCRIPTIONS_OF_CANDIDATE, WEBHOOKS_OF_COMPANY
from interviews_api.db.connections import Database
from interviews_api.db.pagination import MAX_ROWS
from interviews_api.hiring.schemas import NewJob
from interviews_api.interviews.calendar_repository import MAX_ENTRIES
from interviews_api.interviews.candidate_schemas import NewFeedback, Reason
from interviews_api.interviews.company_schemas import Cancellation, Completion, Schedule
from interviews_api.interviews.link_tokens import make_token
from interviews_api.notifications.models import Delivery, Webhook
from interviews_api.notifications.schemas import NewSubscription, NewWebhook
from interviews_api.web.request_limits import MAX_BODY_BYTES
from interviews_api.web.route_contract import RouteContract
from tests.support.accounts import verification_tokens
from tests.support.api import PASSWORD, in_days, local
from tests.support.browser import Browser
from tests.support.settings import SECRETS

WIDEST_IN_JSON, WIDEST_IN_HTML = "\N{GRINNING FACE}", '"'
"""Characters that take most bytes: four in UTF-8, and five as the escape `&#34;`."""

WIDEST_IN_LINKS = {WIDEST_IN_JSON: ",", WIDEST_IN_HTML: "&"}
"""Of the ASCII characters that a URI may have, the one that calendars escape, and the one that HTML does."""

WIDEST = 10**18
"""As wide as the largest id or total."""

LONGEST_ERROR = 300  # characters; `_describe` in notifications/channels/smtp.py
LONGEST_ZONE = max(zone_names(), key=len)
OWN = {
    "GET /webhooks": WEBHOOKS_OF_COMPANY.allowed,
    "GET /candidate/push-subscriptions": SUBSCRIPTIONS_OF_CANDIDATE.allowed,
}
"""Lists that a bound on rows keeps shorter than a page."""

CONSTANT = {
    "GET /health/live", "GET /health/ready", "GET /metrics", "GET /openapi.json", "GET /docs", "GET /docs/<name>",
    "GET /auth/password/reset", "GET /push/public-key", "GET /candidate/interviews/updates",
}  # fmt: skip
"""Routes whose responses hold nothing that a user wrote."""


def longest_text(schema: type[Schema], name: str, preferred: str, prefix: str = "") -> str:
    """Return the longest text that the field takes, of the preferred character or else of one that it allows."""
    text_field: Any = schema().fields[name]
    (maximum,) = (check.max for check in text_field.validators if isinstance(check, validate.Length))
    for character in (preferred, WIDEST_IN_LINKS[preferred], "a"):
        text = prefix + character * (maximum - len(prefix))
        if is_accepted(text_field, text):
            assert not is_accepted(text_field, text + character)
            return text
    raise AssertionError(name)


def is_accepted(text_field: fields.Field[Any], text: str) -> bool:
    try:
        text_field.deserialize(text)
    except ValidationError:
        return False
    return True


def longest_address(start: str) -> str:
    """Return the address of at most 254 characters that takes most bytes and that the API takes."""
    text_field = NewCandidate().fields["email"]
    local_part = start.ljust(64, "a")
    labels = [
        "a" * 63,
        *(character * length for character in ("\u4e00", "\N{GOTHIC LETTER AHSA}") for length in (55, 50, 40)),
    ]
    addresses = [f"{local_part}@{'.'.join([label] * count)}.example" for label in labels for count in (1, 2, 3, 4)]
    return max((each for each in addresses if is_accepted(text_field, each)), key=lambda each: len(each.encode()))


def fitting(body: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """Add the optional fields as far as the body is not larger than a request may be; of a list its first entries."""
    for name, value in optional.items():
        entries = value if isinstance(value, list) else [value]
        for count in range(len(entries), 0, -1):
            larger = body | {name: entries[:count] if isinstance(value, list) else value}
            if len(orjson.dumps(larger)) <= MAX_BODY_BYTES - 100:  # room for the fields around these
                body = larger
                break
    return body


@dataclass
class LargestWorld:
    """A company and a candidate with an application and an interview of each status, all texts in one character."""

    client: FlaskClient
    database: Database
    character: str
    number: int
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._register()
        self._move_interviews()
        self._register_targets()
        feed = self._send("candidate", "POST", "/candidate/calendar-feed")["url"]
        self._send("company", "POST", "/auth/company/users", {"email": longest_address(f"c{self.number}")})
        with self.database.engine.begin() as connection:
            values = {"error": WIDEST_IN_JSON * LONGEST_ERROR, "status": "failed", "last_status_code": 500}
            connection.execute(update(Delivery).values(values))
            connection.execute(update(Webhook).values(disabled_at=in_days(0)))
            invitation_id = connection.execute(select(func.max(Invitation.id))).scalar_one()
        token = INVITATION_LINK.token(SECRETS["SECRET_KEY"], invitation_id)
        for side in ("candidate", "company"):
            self._send(side, "POST", "/auth/email/verification")
        self.paths |= {"secret": [feed.rpartition("/")[2].removesuffix(".ics")], "invitation": [token]}
        self.paths["verification"] = verification_tokens(self.database)

    def _text(self, schema: type[Schema], name: str, prefix: str = "") -> str:
        return longest_text(schema, name, self.character, prefix)

    def _send(self, side: str, method: str, path: str, body: Any = None) -> Any:
        """Send the body as it is: the test client would escape each character."""
        sent = self.headers.get(side, {}) | {"Content-Type": "application/json"}
        response = self.client.open(path, method=method, data=orjson.dumps(body or {}), headers=sent)
        assert response.status_code < 300, (method, path, response.text[:500])
        return response.get_json()["data"]

    def _register(self) -> None:
        person = {name: self._text(NewCandidate, name) for name in ("first_name", "last_name", "phone")}
        candidate = {"email": longest_address(f"a{self.number}"), "password": PASSWORD, "phone": person["phone"]}
        candidate |= {"firstName": person["first_name"], "lastName": person["last_name"]}
        company = {name: self._text(NewCompanyDetails, name) for name in ("name", "address", "phone")}
        company |= {"logo": self._text(NewCompanyDetails, "logo", "https://a.example/"), "timeZone": LONGEST_ZONE}
        company |= {"email": longest_address("d")}
        user = {"email": longest_address(f"b{self.number}"), "password": PASSWORD, "company": company}
        for side, body in (("candidate", candidate), ("company", user)):
            account = self._send("nobody", "POST", f"/auth/register/{side}", body)
            self.headers[side] = {"Authorization": f"Bearer {account['accessToken']}"}
        self.paths["company_id"] = [account["user"]["company"]["id"]]

    def _move_interviews(self) -> None:
        """Schedule an interview of each application; leave one pending, confirm, cancel and complete the others."""
        cancellation = {"cancellationReason": self._text(Cancellation, "cancellation_reason")}
        wish = {"reason": self._text(Reason, "reason"), "proposedTimes": [in_days(n).isoformat() for n in range(1, 6)]}
        moves = [
            ("candidate", "PUT", "/candidate/interviews/{}/request-reschedule", wish),
            ("candidate", "PUT", "/candidate/interviews/{}/confirm", None),
            ("company", "PUT", "/interviews/{}/cancel", cancellation),
            ("company", "PUT", "/interviews/{}/complete", self._completion()),
        ]
        self.paths |= {"application_id": [], "interview_id": [], "token": []}
        for days, (side, method, path, body) in enumerate(moves, 5):
            job = {name: self._text(NewJob, name) for name in ("title", "description")}
            job_id = self._send("company", "POST", "/jobs", job)["id"]
            application_id = self._send("candidate", "POST", f"/jobs/{job_id}/applications")["applicationId"]
            self._send("company", "PUT", f"/application-status/{application_id}/mark-seen")
            invitation = {"applicationId": application_id, "type": "InPerson", "durationMinutes": 1440}
            invitation |= local(in_days(2 * days)) | {"timeZone": LONGEST_ZONE}
            invitation |= {name: self._text(Schedule, name) for name in ("location", "notes")}
            invitation |= {"meetingLink": self._text(Schedule, "meeting_link", "https://a.example/")}
            interview_id = self._send("company", "POST", "/interviews/schedule", invitation)["interviewId"]
            internal = {"internalNotes": self._text(Schedule, "internal_notes")} | local(in_days(2 * days))
            self._send("company", "PUT", f"/interviews/{interview_id}/reschedule", internal)
            self._send(side, method, path.format(interview_id), body)
            self.paths["application_id"].append(application_id)
            self.paths["interview_id"].append(interview_id)
            revision = 1 if path.endswith("cancel") else 0  # internal notes raise none
            self.paths["token"].append(make_token(SECRETS["SECRET_KEY"], interview_id, revision))

    def _completion(self) -> dict[str, Any]:
        texts: dict[str, Any] = {"comments": self._text(NewFeedback, "comments")}
        for name in ("strengths", "weaknesses"):
            texts_of_list: Any = NewFeedback().fields[name]
            (entries,) = (check.max for check in texts_of_list.validators if isinstance(check, validate.Length))
            (length,) = (check.max for check in texts_of_list.inner.validators)
            texts[name] = [self.character * length] * entries
        ratings = ("overallRating", "technicalSkills", "communication", "motivation", "culturalFit")
        feedback = fitting(dict.fromkeys(ratings, 10) | {"recommendation": "consider"}, texts)
        reason = {"hiringDecisionReason": self._text(Completion, "hiring_decision_reason")}
        return fitting({"feedback": feedback, "isHired": False, "shareFeedback": True}, reason)

    def _register_targets(self) -> None:
        prefix = "https://nobody.invalid/"
        endpoint = self._text(NewSubscription, "endpoint", prefix)
        self._send("candidate", "POST", "/candidate/push-subscriptions", Browser().subscription(endpoint))
        webhook = self._send("company", "POST", "/webhooks", {"url": self._text(NewWebhook, "url", prefix)})
        self._send("company", "POST", f"/webhooks/{webhook['id']}/test")
        self.paths["webhook_id"] = [webhook["id"]]
        self._send("candidate", "PUT", f"/candidate/muted-companies/{self.paths['company_id'][0]}")
        for application_id in self.paths["application_id"][:1]:  # so that the webhook has a notice
            invitation = {"applicationId": application_id, "type": "Phone"} | local(in_days(40))
            interview_id = self._send("company", "POST", "/interviews/schedule", invitation)["interviewId"]
            self.paths["interview_id"].append(interview_id)
            path = f"/candidate/interviews/{interview_id}/request-reschedule"
            self._send("candidate", "PUT", path)
            self._send("company", "PUT", f"/interviews/{interview_id}/confirm")
            self.client.get(f"/interviews/{interview_id}/notices", headers=self.headers["company"])

    def responses(self, route: str, role: str | None) -> Iterator[TestResponse]:
        """Yield successful responses of the route: for each id, for JSON and HTML."""
        template = route.removeprefix("GET ")
        names = re.findall("<([a-z_]+)>", template)
        mails = {"/auth/invitations/<token>": "invitation", "/auth/email/verify/<token>": "verification"}
        key = mails.get(template, "".join(names))
        for value in self.paths.get(key, [""]):
            for side in ("candidate", "company") if role == "any" else (role or "nobody",):
                for accept in ("application/json", "text/html"):
                    path = re.sub("<[a-z_]+>", value, template)
                    sent = self.headers.get(side, {}) | {"Accept": accept}
                    response = self.client.get(path, headers=sent)
                    if response.status_code == 200:
                        yield response


def rows_of(route: str, contract: RouteContract) -> int | None:
    """Return the most rows of the route's list, or the most entries of a feed; None if it has no list."""
    if contract.media_type is not None:
        return MAX_ENTRIES if "secret" in route else None
    if not any("total" in schema.fields for schema in contract.schemas):
        return None
    if contract.query is None:
        return MAX_ROWS
    limit: Any = contract.query.fields["limit"]
    (page,) = (check.max for check in limit.validators if isinstance(check, validate.Range))
    return MAX_ROWS if callable(limit.load_default) else min(page, OWN.get(route, page))


def largest_size(route: str, contract: RouteContract, response: TestResponse) -> int:
    """Return the size in bytes that the response would have with as many rows as its list may have."""
    count = rows_of(route, contract)
    if count is None:
        return len(response.data)
    if contract.media_type is not None:
        return calendar_size(response.data, count)
    answer = orjson.loads(response.data)
    (name,) = [name for name, value in answer["data"].items() if isinstance(value, list)]
    rows = [len(orjson.dumps(widened(row))) for row in answer["data"][name]]
    around = len(orjson.dumps({"message": answer["message"], "data": widened(answer["data"]) | {name: []}}))
    return around + count * max(rows) + count - 1


def widened(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with the widest numbers in place of counts and of ids that are numbers."""
    wide = {name: WIDEST for name in values if name == "total" or name.endswith("Count")}
    if "id" in values and not re.fullmatch("[0-9a-f]{24}", str(values["id"])):
        wide["id"] = max(values["id"], str(WIDEST), key=len) if isinstance(values["id"], str) else WIDEST
    return values | wide


def calendar_size(calendar: bytes, entries: int) -> int:
    events = re.findall(rb"BEGIN:VEVENT\r\n.*?END:VEVENT\r\n", calendar, re.DOTALL)
    return len(calendar) - sum(map(len, events)) + entries * max(map(len, events))
