"""The forms of the link page: their fields, and proposed times on the interview's wall clock."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, pre_load

from interviews_api.clock import EARLIEST, LATEST
from interviews_api.errors import InvalidInput
from interviews_api.interviews.candidate_schemas import MAX_PROPOSED_TIMES, Reason
from interviews_api.interviews.scheduling import find_instant
from interviews_api.web.fields import DATE_PATTERN, TIME_PATTERN

_NO_TIME = "Must be a time like 2025-05-15T14:30."
_LOCAL_TIME = re.compile(f"{DATE_PATTERN}T{TIME_PATTERN}")

LocalTimes = dict[int, datetime]
"""Naive local times by their position in the form."""


class _ProposedTimes(fields.List[Any]):
    """Local times like `2025-05-15T14:30`, in which empty texts are left out; they become LocalTimes."""

    def __init__(self) -> None:
        pattern = {"pattern": f"^({_LOCAL_TIME.pattern})?$"}
        description = "Local times of the interview's zone; empty ones are left out."
        super().__init__(fields.String(metadata=pattern), load_default=dict, metadata={"description": description})

    def _deserialize(self, value: Any, attr: str | None, data: object, **kwargs: object) -> Any:
        texts = {index: text for index, text in enumerate(value) if text}
        if len(texts) > MAX_PROPOSED_TIMES:
            raise ValidationError(f"Longer than maximum length {MAX_PROPOSED_TIMES}.")
        times = {index: _parse_local_time(text) for index, text in texts.items()}
        if problems := {index: [_NO_TIME] for index, time in times.items() if time is None}:
            raise ValidationError(problems)
        return times


def _parse_local_time(text: str) -> datetime | None:
    if not _LOCAL_TIME.fullmatch(text):
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return None
    return local if EARLIEST.year < local.year < LATEST.year else None


class DeclineForm(Reason):
    """The form of a decline."""

    @pre_load
    def _read_reason(self, data: Mapping[str, Any], **_kwargs: object) -> dict[str, Any]:
        """Reverse a browser's encoding: CR LF becomes LF, an empty text None."""
        reason = str(data.get("reason") or "").replace("\r\n", "\n")
        return {**data, "reason": reason if reason.strip() else None}


class RescheduleForm(DeclineForm):
    """The form of a reschedule request."""

    proposed_times = _ProposedTimes()


def instants_of(times: LocalTimes, zone_name: str, *, now: datetime) -> list[datetime]:
    """Return the UTC instants of a form's local times.

    Raises InvalidInput for a time that the clocks skip, that is not in the future, or that no instant can have.
    """
    instants: list[datetime] = []
    problems: dict[str, list[str]] = {}
    for index, local in times.items():
        instant = find_instant(local, zone_name)
        if instant is not None and now < instant < LATEST:
            instants.append(instant)
        else:
            problems[f"proposedTimes.{index}"] = [_problem_of(instant, zone_name, now)]
    if problems:
        raise InvalidInput(problems)
    return instants


def _problem_of(instant: datetime | None, zone_name: str, now: datetime) -> str:
    if instant is None:
        return f"The clocks in {zone_name} skip this time on that day."
    return "Must lie in the future." if instant <= now else _NO_TIME
