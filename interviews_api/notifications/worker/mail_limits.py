"""Limits on the mails about interviews that a user gets within a day, counted from the deliveries.

The originator of a mail to a candidate is a company, that of a mail to a company user is a candidate.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum, auto

from interviews_api.accounts.models import Role
from interviews_api.config.limits import MAILS_TO_CANDIDATE, MAILS_TO_COMPANY_USER, MailLimit
from interviews_api.notifications.worker.delivery_repository import Group

DAY = timedelta(days=1)


LIMITS = {Role.CANDIDATE: MAILS_TO_CANDIDATE, Role.COMPANY: MAILS_TO_COMPANY_USER}
"""The limit on mails to a user, by the user's role."""


class Verdict(Enum):
    """The verdict on a due mail: WAIT if it depends on the outcome of mails in progress."""

    SEND = auto()
    WAIT = auto()
    HOLD = auto()


class MailBudget:
    """Judges due mails in order. `sent` and `in_progress` are numbers of mails by target and originator."""

    def __init__(
        self, limits: Mapping[str, MailLimit], sent: Mapping[Group, int], in_progress: Mapping[Group, int]
    ) -> None:
        self._limits = limits  # by target
        self._sent = Counter(sent)
        self._possible = Counter(sent) + Counter(in_progress)

    def judge(self, group: Group) -> Verdict:
        """Return the verdict on one more mail; SEND counts it. A target without a limit gets every mail."""
        if (limit := self._limits.get(group[0])) is None:
            return Verdict.SEND
        if _is_reached(limit, self._sent, group):
            return Verdict.HOLD
        if _is_reached(limit, self._possible, group):
            return Verdict.WAIT
        self._possible[group] += 1
        return Verdict.SEND

    def limit_of(self, group: Group) -> tuple[int, bool]:
        """Return the reached limit of a held group: a number of mails, and whether it is that of one originator."""
        limit = self._limits[group[0]]
        is_originators = self._sent[group] >= limit.of_originator
        return (limit.of_originator, True) if is_originators else (limit.in_all, False)


def _is_reached(limit: MailLimit, counts: Counter[Group], group: Group) -> bool:
    of_originator = counts[group]
    in_all = sum(count for (target, _), count in counts.items() if target == group[0])
    return of_originator >= limit.of_originator or (in_all >= limit.in_all and of_originator >= limit.assured)
