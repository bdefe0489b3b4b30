"""The limits on requests, as data: handlers, the setting LIMITS, docs/limits.md and the OpenAPI document draw from it.

A `Limit` is for attempts in a time window; the setting LIMITS changes it. A `MailLimit` is for mails to a user within a
day. RATELIMIT_ENABLED switches these two kinds off. A `Bound` limits how many rows exist at the same time; no setting
changes it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True)
class Limit:
    """A rate limit: so many attempts in any window of so many seconds. `counted` names attempts and subject."""

    name: str
    counted: str
    allowed: int
    seconds: int

    @property
    def rate(self) -> str:
        """The limit in the form of the setting LIMITS."""
        return f"{self.allowed}/{self.seconds}"


@dataclass(frozen=True)
class MailLimit:
    """Most mails about interviews to a user in any 24 hours: `of_originator` of one originator, and `in_all`.

    The first `assured` mails of an originator go out even when those of other originators have reached `in_all`.
    """

    of_originator: int
    in_all: int
    assured: int


@dataclass(frozen=True)
class Bound:
    """A limit on rows that exist at the same time. `counted` names the rows and their owner."""

    counted: str
    allowed: int


LOGIN_OF_ACCOUNT_FROM_ADDRESS = Limit(
    "login_account_address", "sign-ins to an account from one client address", 10, 5 * MINUTE
)
LOGIN_OF_ACCOUNT = Limit(
    "login_account", "sign-ins to an account from client addresses without a session of it", 100, 5 * MINUTE
)
LOGIN_FROM_ADDRESS = Limit("login_address", "sign-ins from a client address", 100, 5 * MINUTE)
SUCCESSFUL_LOGINS = Limit("successful_logins", "successful sign-ins to an account from one client address", 100, HOUR)
PASSWORD_CHANGE = Limit("password_change", "changes of password of an account", 10, 5 * MINUTE)
REGISTRATION = Limit("registration_address", "registrations from a client address", 20, HOUR)
FORGOTTEN_OF_ACCOUNT = Limit(
    "forgotten_account",
    "forgotten passwords of an account, from client addresses without a session of it, or from all if its address "
    "is not verified",
    3,
    HOUR,
)
FORGOTTEN_OF_ACCOUNT_FROM_ADDRESS = Limit(
    "forgotten_account_address",
    "forgotten passwords of an account with a verified address, from each client address with a session of it",
    3,
    HOUR,
)
FORGOTTEN_FROM_ADDRESS = Limit("forgotten_address", "forgotten passwords from a client address", 20, HOUR)
RESET_FROM_ADDRESS = Limit("reset_address", "uses of reset links from a client address", 20, HOUR)
VERIFICATION_OF_ACCOUNT = Limit(
    "verification_account",
    "verification mails of an account, registrations included, from client addresses without a session of it, "
    "or from all if its address is not verified",
    3,
    HOUR,
)
VERIFICATION_OF_ACCOUNT_FROM_ADDRESS = Limit(
    "verification_account_address",
    "verification mails of an account with a verified address, from each client address with a session of it",
    3,
    HOUR,
)
VERIFICATION_FROM_ADDRESS = Limit(
    "verification_address", "requests for a verification mail from a client address", 20, HOUR
)
VERIFY_FROM_ADDRESS = Limit("verify_address", "uses of verification links from a client address", 20, HOUR)
TRANSITIONS_OF_INTERVIEW = Limit("transitions", "transitions of an interview by one side", 20, HOUR)
RESCHEDULE_REQUESTS = Limit("reschedule_requests", "requests for another time of an interview", 5, HOUR)
RESENDS = Limit("resends", "resends of a notice", 3, DAY)
JOBS = Limit("jobs", "new jobs of a company", 100, DAY)
INTERVIEWS = Limit("interviews", "new interviews of a company", 1000, DAY)
APPLICATIONS = Limit("applications", "applications of a candidate", 50, DAY)
COLLEAGUES = Limit("colleagues", "new colleagues, invitations and changes of roles by an account", 20, HOUR)
INVITATIONS_TO_ADDRESS = Limit("invited_address", "invitations by mail of an e-mail address, by all companies", 3, HOUR)
CONFLICTS = Limit("conflicts", "conflicts (409) kept for an `Idempotency-Key` of an account", 100, HOUR)
PASSWORD_MAILS = Limit("password_mails", "mails to an e-mail address about a changed password", 3, DAY)
COLLEAGUE_MAILS = Limit("colleague_mails", "mails to an owner about changes of colleagues", 100, DAY)
WEBHOOKS = Limit("webhooks", "new webhooks and changes of webhooks by an account", 20, HOUR)
WEBHOOK_ROTATIONS = Limit("webhook_rotations", "rotations of a webhook's secret", 5, DAY)
WEBHOOK_TESTS = Limit("webhook_tests", "tests of webhooks of a company", 20, HOUR)
PUSH_SUBSCRIPTIONS = Limit("push_subscriptions", "new push subscriptions of an account", 20, HOUR)
FEEDS = Limit("feeds", "new calendar feeds of an account", 20, HOUR)
FEED_READS = Limit("feed_reads", "reads of a calendar feed", 60, MINUTE)

LIMITS = (
    LOGIN_OF_ACCOUNT_FROM_ADDRESS,
    LOGIN_OF_ACCOUNT,
    LOGIN_FROM_ADDRESS,
    SUCCESSFUL_LOGINS,
    PASSWORD_CHANGE,
    REGISTRATION,
    FORGOTTEN_OF_ACCOUNT,
    FORGOTTEN_OF_ACCOUNT_FROM_ADDRESS,
    FORGOTTEN_FROM_ADDRESS,
    RESET_FROM_ADDRESS,
    VERIFICATION_OF_ACCOUNT,
    VERIFICATION_OF_ACCOUNT_FROM_ADDRESS,
    VERIFICATION_FROM_ADDRESS,
    VERIFY_FROM_ADDRESS,
    TRANSITIONS_OF_INTERVIEW,
    RESCHEDULE_REQUESTS,
    RESENDS,
    JOBS,
    INTERVIEWS,
    APPLICATIONS,
    CONFLICTS,
    COLLEAGUES,
    INVITATIONS_TO_ADDRESS,
    PASSWORD_MAILS,
    COLLEAGUE_MAILS,
    WEBHOOKS,
    WEBHOOK_ROTATIONS,
    WEBHOOK_TESTS,
    PUSH_SUBSCRIPTIONS,
    FEEDS,
    FEED_READS,
)

MAILS_TO_CANDIDATE = MailLimit(of_originator=20, in_all=50, assured=3)
MAILS_TO_COMPANY_USER = MailLimit(of_originator=20, in_all=1000, assured=0)
MUTED_CANCELLATIONS = 3
"""Cancellations by a muted company that a mail address or browser of the candidate gets in any 24 hours."""

OPEN_OF_APPLICATION = Bound("open interviews of an application", 20)
OPEN_OF_CANDIDATE_AND_COMPANY = Bound("open interviews of a candidate with a company", 200)
USERS_OF_COMPANY = Bound("users of a company, open invitations included", 200)
WEBHOOKS_OF_COMPANY = Bound("webhooks of a company", 20)
SUBSCRIPTIONS_OF_CANDIDATE = Bound("push subscriptions of a candidate", 20)
SESSIONS_OF_USER = Bound("sessions of an account", 100)
MUTED_COMPANIES = Bound("companies that a candidate has muted", 1000)

BOUNDS = (
    OPEN_OF_APPLICATION,
    OPEN_OF_CANDIDATE_AND_COMPANY,
    USERS_OF_COMPANY,
    WEBHOOKS_OF_COMPANY,
    Bound("webhooks of a company with one URL", 1),
    SUBSCRIPTIONS_OF_CANDIDATE,
    SESSIONS_OF_USER,
    MUTED_COMPANIES,
)

MAX_ALLOWED, MAX_SECONDS = 10_000, 7 * DAY
_CHANGE = re.compile(r"([a-z_]+)=([0-9]{1,6})/([0-9]{1,6})")


class LimitsError(ValueError):
    """The setting LIMITS is invalid. The message says why."""


def parse_limits(text: str) -> Mapping[str, Limit]:
    """Return all limits by name, with the changes of `name=count/seconds,...`; raises LimitsError."""
    by_name = {limit.name: limit for limit in LIMITS}
    changes = list(_parse_changes(text))
    names = [name for name, _, _ in changes]
    if unknown := [name for name in names if name not in by_name]:
        raise LimitsError(f"has no limit {unknown[0]}; the names are in docs/limits.md")
    if len(set(names)) < len(names):
        raise LimitsError("names a limit twice")
    return by_name | {
        name: replace(by_name[name], allowed=allowed, seconds=seconds) for name, allowed, seconds in changes
    }


def _parse_changes(text: str) -> Iterator[tuple[str, int, int]]:
    for part in filter(None, map(str.strip, text.split(","))):
        match = _CHANGE.fullmatch(part)
        if match is None:
            raise LimitsError("must be a comma list of name=count/seconds, like login_address=100/300")
        allowed, seconds = int(match[2]), int(match[3])
        if not 1 <= allowed <= MAX_ALLOWED or not 1 <= seconds <= MAX_SECONDS:
            raise LimitsError(f"{match[1]} must have a count up to {MAX_ALLOWED} and up to {MAX_SECONDS} seconds")
        yield match[1], allowed, seconds


def describe_window(seconds: int) -> str:
    """Return the length of a window in words, as in `5 minutes`."""
    for length, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}" + "s" * (count > 1)
    return f"{seconds} seconds"


def as_markdown() -> str:
    """Return the two tables of docs/limits.md."""
    lines = ["| name | counted | default | window |", "|---|---|---|---|"]
    for limit in LIMITS:
        lines.append(f"| `{limit.name}` | {limit.counted} | `{limit.rate}` | {describe_window(limit.seconds)} |")
    lines += ["", "| rows at the same time | at most |", "|---|---|"]
    lines += [f"| {bound.counted} | {bound.allowed} |" for bound in BOUNDS]
    return "\n".join(lines) + "\n"
