"""Limits on the mails about interviews that a user gets within a day, counted from the deliveries.

The originator of a mail to a candidate is a company, that of a mail to a company user is a candidate.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from interviews_api.accounts.models import Role
from interviews_api.config.limits import MAILS_TO_CANDIDATE, MAILS_TO_COMPANY_USER, MailLimit
from interviews_api.notifications.worker.delivery_repository import Group

DAY = timedelta(days=1)

LIMITS = {Role.CANDIDATE: MAILS_TO_CANDIDATE, Role.COMPANY: MAILS_TO_COMPANY_USER}
"""The limit on mails to a user, by the user's role."""


class Verdict(Enum):
    """The verdict on a due mail that no limit holds: WAIT if it depends on the outcome of mails in progress."""

    SEND = auto()
    WAIT = auto()


@dataclass(frozen=True)
class Hold:
    """The verdict on a due mail that is over a limit: wait until fewer than `number` mails lie within a day.

    `is_of_originator` is true if only mails of the same originator count.
    """

    number: int
    is_of_originator: bool


class MailBudget:
    """Judges due mails in order. `sent` and `in_progress` are numbers of mails by target and originator."""

    def __init__(
        self, limits: Mapping[str, MailLimit], sent: Mapping[Group, int], in_progress: Mapping[Group, int]
    ) -> None:
        self._limits = limits  # by target
        self._sent = Counter(sent)
        self._possible = Counter(sent) + Counter(in_progress)

    def judge(self, group: Group) -> Verdict | Hold:
        """Return the verdict on one more mail; SEND counts it. A target without a limit gets every mail.

        A Hold is about each mail of the group, because only mails that were sent lead to it.
        """
        if (limit := self._limits.get(group[0])) is None:
            return Verdict.SEND
        if hold := _reached_limit(limit, self._sent, group):
            return hold
        if _reached_limit(limit, self._possible, group):
            return Verdict.WAIT
        self._possible[group] += 1
        return Verdict.SEND


def _reached_limit(limit: MailLimit, counts: Counter[Group], group: Group) -> Hold | None:
    of_originator = counts[group]
    if of_originator >= limit.of_originator:
        return Hold(limit.of_originator, is_of_originator=True)
    in_all = sum(count for (target, _), count in counts.items() if target == group[0])
    if in_all >= limit.in_all and of_originator >= limit.assured:
        return Hold(limit.in_all, is_of_originator=False)
    return None
