"""Reception of a mail: the candidate's reply becomes a transition, anything else an answer to the candidate.

Nothing goes to the sender of a mail, and nothing is done for mails that a program may have sent by itself. Calendars
mark the replies that a person pressed as automatic, so such a mark does not count for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from interviews_api.db.row_limits import ActiveLimits
from interviews_api.errors import IllegalTransition
from interviews_api.interviews.candidate_schemas import MAX_PROPOSED_TIMES, Reason
from interviews_api.interviews.errors import InvalidLink
from interviews_api.interviews.models import OPEN_STATUSES, Actor, InterviewStatus
from interviews_api.interviews.reschedule_requests import new_request
from interviews_api.interviews.scheduling import ends_at
from interviews_api.interviews.state_machine import CONFIRM, DECLINE, REQUEST_RESCHEDULE
from interviews_api.notifications.answer_repository import AnswerRepository
from interviews_api.notifications.incoming.calendar_reply_repository import CalendarReplyRepository
from interviews_api.notifications.incoming.itip import CalendarReply, PartStat, read_replies
from interviews_api.notifications.incoming.mime import IncomingMail, read_mail
from interviews_api.notifications.incoming.reply_addresses import find_tokens, interview_id_of, is_genuine
from interviews_api.notifications.models import Answer
from interviews_api.web.plain_text import replace_controls
from interviews_api.web.text_rules import MAX_REASON

_RECIPIENT_FIELDS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
_NO_SENDER = ("", "mailer-daemon")  # as Postfix's pipe writes the null sender
_BULK = ("bulk", "list", "junk")
_MAX_TOKENS = 10

InterviewRow = Mapping[Any, Any]


class ReceptionOutcome(StrEnum):
    """Outcome of a mail, which the command prints."""

    IGNORED = "ignored"
    APPLIED = "applied"
    ANSWERED = "answered"


@dataclass(frozen=True)
class Incoming:
    """A mail to reply addresses with these tokens, which may be forged. `replies` is None if no calendar wrote it."""

    tokens: tuple[str, ...]
    replies: list[CalendarReply] | None


def read_incoming(raw: bytes, reply_address: str) -> Incoming | None:
    """Read the mail, of which `raw` may be the beginning; return None if nothing is to be done."""
    mail = read_mail(raw)
    if mail is None or _is_bulk(mail):
        return None
    replies = read_replies(mail.calendar) if mail.calendar else None
    if replies is None and _is_automatic(mail):
        return None
    in_calendar = mail.calendar.unfolded if replies and mail.calendar else ""
    text = "\n".join([*mail.values(*_RECIPIENT_FIELDS), in_calendar])
    tokens = dict.fromkeys(find_tokens(reply_address, text))
    return Incoming(tuple(tokens), replies) if tokens else None


class MailReceiver:
    """Acts on incoming mails in the caller's transaction."""

    def __init__(self, connection: Connection, secret_key: str, *, now: datetime, limits: ActiveLimits) -> None:
        self._connection = connection
        self._secret_key = secret_key
        self._now = now
        self._limits = limits
        self._interviews = CalendarReplyRepository(connection)

    def receive(self, incoming: Incoming) -> ReceptionOutcome:
        """Apply the candidate's reply, or answer the candidate."""
        interview = self._lock_interview(incoming.tokens)
        if interview is None:
            return ReceptionOutcome.IGNORED
        if incoming.replies is None:
            return self._answer(Answer.PLAIN, interview)
        address = interview["candidate_email"]
        replies = [reply for reply in incoming.replies if reply.interview_id == interview["interview_id"]]
        replies = [reply for reply in replies if reply.is_from(address)]
        return self._apply_reply(replies, interview) if replies else ReceptionOutcome.IGNORED

    def _lock_interview(self, tokens: Iterable[str]) -> InterviewRow | None:
        """Lock and return the interview of the first genuine token, unless the interview is over."""
        for token in islice(tokens, _MAX_TOKENS):
            interview = self._interviews.find(interview_id_of(token))
            if interview and is_genuine(self._secret_key, token, interview["candidate_id"]):
                interview = self._interviews.lock(interview["interview_id"])
                return interview if interview and ends_at(interview) > self._now else None
        return None

    def _apply_reply(self, replies: list[CalendarReply], interview: InterviewRow) -> ReceptionOutcome:
        """Apply the reply of the latest SEQUENCE, and all proposals of that SEQUENCE."""
        reply = replies[-1]
        is_undecided = reply.status is None and not reply.is_counter
        if is_undecided or _has_effect_already(reply, interview):
            return ReceptionOutcome.IGNORED
        if reply.sequence != interview["revision"] or interview["status"] not in OPEN_STATUSES:
            return self._answer(Answer.OUTDATED, interview)
        try:
            if reply.is_counter:
                return self._request_reschedule(replies, interview)
            if reply.status is PartStat.ACCEPTED:
                self._interviews.apply(CONFIRM, interview, limits=self._limits)
            elif reply.status is PartStat.DECLINED:
                reason = _reason(reply)
                self._interviews.apply(DECLINE, interview, limits=self._limits, cancellation_reason=reason)
            else:
                return self._answer(Answer.TENTATIVE, interview)
        except (IllegalTransition, InvalidLink):
            return self._answer(Answer.OUTDATED, interview)
        return ReceptionOutcome.APPLIED

    def _request_reschedule(self, replies: list[CalendarReply], interview: InterviewRow) -> ReceptionOutcome:
        """Ask for another time, unless the interview has this request already."""
        starts = (each.starts_at for each in replies if each.sequence == interview["revision"])
        proposed = dict.fromkeys(start for start in starts if start and start > self._now)
        proposed.pop(interview["starts_at"], None)
        request = new_request(_reason(replies[-1]), list(proposed)[:MAX_PROPOSED_TIMES])
        if _without_moment(request) == _without_moment(interview["reschedule_request"] or {}):
            return ReceptionOutcome.IGNORED
        self._interviews.apply(REQUEST_RESCHEDULE, interview, limits=self._limits, reschedule_request=request)
        return ReceptionOutcome.APPLIED

    def _answer(self, answer: Answer, interview: InterviewRow) -> ReceptionOutcome:
        is_added = AnswerRepository(self._connection).add(answer, interview, now=self._now)
        return ReceptionOutcome.ANSWERED if is_added else ReceptionOutcome.IGNORED


def _is_bulk(mail: IncomingMail) -> bool:
    """Return whether the mail came from a list or a program that wants no answer (RFC 3834, section 2)."""
    precedence = {value.strip().lower() for value in mail.values("Precedence")}
    senders = {value.strip(" <>").partition("@")[0].lower() for value in mail.values("Return-Path")}
    return not senders.isdisjoint(_NO_SENDER) or not precedence.isdisjoint(_BULK) or bool(mail.values("List-Id"))


def _is_automatic(mail: IncomingMail) -> bool:
    """Return whether a program sent the mail by itself (RFC 3834, section 5)."""
    return any(value.partition(";")[0].strip().lower() != "no" for value in mail.values("Auto-Submitted"))


def _has_effect_already(reply: CalendarReply, interview: InterviewRow) -> bool:
    """Return whether the interview is as the reply wants it, because a mail may arrive twice."""
    if reply.is_counter:
        return False  # `_request_reschedule` knows the proposals
    if reply.status is PartStat.ACCEPTED:
        return (interview["status"], interview["revision"]) == (InterviewStatus.CONFIRMED, reply.sequence)
    is_declined = (interview["status"], interview["cancelled_by"]) == (InterviewStatus.CANCELLED, Actor.CANDIDATE)
    return reply.status is PartStat.DECLINED and is_declined


def _without_moment(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request for another time says, without the moment at which it was made."""
    return {name: value for name, value in request.items() if name != "requested_at"}


def _reason(reply: CalendarReply) -> str | None:
    text = replace_controls(reply.comment).strip()[:MAX_REASON]
    reason: str | None = Reason().load({"reason": text})["reason"] if text else None
    return reason
