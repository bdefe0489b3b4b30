"""Bounds on the mails about interviews that a user gets within a day, counted from the deliveries.

The owner of a mail to a candidate is a company, that of a mail to a company user is a candidate.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from interviews_api.accounts.models import Role
from interviews_api.notifications.worker.delivery_repository import Group

DAY = timedelta(days=1)


@dataclass(frozen=True)
class MailBound:
    """Most mails of any 24 hours to a user: `of_owner` of one owner, and `in_all`.

    The first `assured` mails of an owner go out even when those of other owners have reached `in_all`.
    """

    of_owner: int
    in_all: int
    assured: int


BOUNDS = {
    Role.CANDIDATE: MailBound(of_owner=20, in_all=50, assured=3),
    Role.COMPANY: MailBound(of_owner=20, in_all=1000, assured=0),
}


class Verdict(Enum):
    """What a bound says of a due mail; WAIT if that depends on the outcome of mails in progress."""

    SEND = auto()
    WAIT = auto()
    HOLD = auto()


class MailBudget:
    """Judges due mails in order. `sent` and `in_progress` are numbers of mails by target and owner."""

    def __init__(
        self, bounds: Mapping[str, MailBound], sent: Mapping[Group, int], in_progress: Mapping[Group, int]
    ) -> None:
        self._bounds = bounds  # by target
        self._sent = Counter(sent)
        self._possible = Counter(sent) + Counter(in_progress)

    def judge(self, group: Group) -> Verdict:
        """Return the verdict on one more mail; SEND counts it. A target without a bound gets every mail."""
        if (bound := self._bounds.get(group[0])) is None:
            return Verdict.SEND
        if _is_reached(bound, self._sent, group):
            return Verdict.HOLD
        if _is_reached(bound, self._possible, group):
            return Verdict.WAIT
        self._possible[group] += 1
        return Verdict.SEND

    def limit_of(self, group: Group) -> tuple[int, bool]:
        """Return the reached bound of a held group: a number of mails, and whether only those of the owner count."""
        bound = self._bounds[group[0]]
        is_owners = self._sent[group] >= bound.of_owner
        return (bound.of_owner, True) if is_owners else (bound.in_all, False)


def _is_reached(bound: MailBound, counts: Counter[Group], group: Group) -> bool:
    of_owner = counts[group]
    in_all = sum(count for (target, _), count in counts.items() if target == group[0])
    return of_owner >= bound.of_owner or (in_all >= bound.in_all and of_owner >= bound.assured)
