"""The refusals of interviews, links and calendars.

IllegalTransition has a class for each transition that can come too late; `state_machine.py` names them.
"""

from interviews_api.errors import BadRequest, Conflict, Forbidden, IllegalTransition, NotFound


class InterviewNotFound(NotFound):
    """404: no interview has this id."""

    message = "Interview not found"


class NotYourInterview(Forbidden):
    """403: the interview belongs to another candidate or company."""

    message = "This interview does not belong to you"


class InterviewNotPending(IllegalTransition):
    """400: only a pending interview can be confirmed."""

    message = "Interview is no longer pending confirmation"


class TooLateToDecline(IllegalTransition):
    """400: only an open interview can be declined."""

    message = "Interview can no longer be declined"


class TooLateToReschedule(IllegalTransition):
    """400: only an open interview can get another time, or a request for another time."""

    message = "Interview can no longer be rescheduled"


class TooLateToCancel(IllegalTransition):
    """400: only an open interview can be cancelled."""

    message = "Interview can no longer be cancelled"


class TooLateToComplete(IllegalTransition):
    """400: only an open interview can be completed."""

    message = "Interview can no longer be completed"


class OverlappingInterview(Conflict):
    """409: another open interview of the same candidate and company takes some of that time."""

    message = "The candidate already has an interview with you at this time"


class TooManyOpenInterviews(Conflict):
    """409: the application, or candidate and company, have as many open interviews as are allowed."""

    message = "The candidate already has too many open interviews"


class InvalidLink(BadRequest):
    """400: the link is forged, truncated, superseded or expired. The reason is not disclosed."""

    message = "Invalid confirmation token"


class CalendarNotFound(NotFound):
    """404: no calendar feed has this secret."""

    message = "Calendar not found"


class NoCalendarFile(BadRequest):
    """400: only a confirmed interview has a calendar file."""

    message = "Calendar file is only available for confirmed interviews"
