"""The SQL of answers to incoming mail: deliveries to the candidate's own address, a few a day for an interview."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select

from interviews_api.events.log import notify
from interviews_api.notifications.models import Answer, Channel, Delivery, Priority
from interviews_api.notifications.worker.fan_out import delivery_values

MAX_ANSWERS = 3
"""Answers a day for an interview."""

MAX_PLAIN_ANSWERS = 1
"""Of these, answers to mails that no calendar wrote."""

_DAY = timedelta(days=1)


class AnswerRepository:
    """Answers about interviews, written in the transaction of what they tell. Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, answer: Answer, interview: Mapping[Any, Any], *, now: datetime) -> bool:
        """Queue the answer to the interview's candidate; return False if the day has had its answers.

        Callers have locked the interview.
        """
        recent = select(Delivery.answer, func.count()).group_by(Delivery.answer)
        recent = recent.where(
            Delivery.interview_id == interview["interview_id"],
            Delivery.answer.is_not(None),
            Delivery.created_at > now - _DAY,
        )
        counts = {row[0]: row[1] for row in self._connection.execute(recent)}
        is_plain_over = answer is Answer.PLAIN and counts.get(Answer.PLAIN, 0) >= MAX_PLAIN_ANSWERS
        if is_plain_over or sum(counts.values()) >= MAX_ANSWERS:
            return False
        candidate_id, address = interview["candidate_id"], interview["candidate_email"]
        key = f"answer-{interview['interview_id']}-{secrets.token_hex(4)}"
        values = delivery_values(
            Channel.EMAIL, candidate_id, address, interview["company_id"], key=key, now=now, priority=Priority.OTHER
        )
        values |= {"interview_id": interview["interview_id"], "answer": answer}
        self._connection.execute(insert(Delivery).values(values))
        notify(self._connection)
        return True
