"""Mails that answer a candidate's mail: their template and their calendar event."""

from collections.abc import Mapping
from typing import Any

from interviews_api.interviews.icalendar_export import Method
from interviews_api.interviews.models import OPEN_STATUSES, InterviewStatus
from interviews_api.notifications.models import Answer

Values = Mapping[Any, Any]


def template(_user: Values, context: Values) -> str:
    """Return the name of the answer's template."""
    return f"answer_{context['answer']}.j2"


def method(_user: Values, context: Values) -> Method | None:
    """Return the method of the present invitation, which goes with the answer to an outdated one."""
    if context["answer"] != Answer.OUTDATED or context["status"] == InterviewStatus.COMPLETED:
        return None
    return Method.REQUEST if context["status"] in OPEN_STATUSES else Method.CANCEL
