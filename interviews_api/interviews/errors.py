"""The errors of interviews, confirmation links and calendars."""

from interviews_api.errors import BadRequest, Conflict, Forbidden, NotFound


class InterviewNotFound(NotFound):
    """404: no interview has this id."""

    message = "Interview not found"


class NotYourInterview(Forbidden):
    """403: the interview belongs to another candidate or company."""

    message = "This interview does not belong to you"


class InvalidLink(BadRequest):
    """400: the link is forged, truncated, superseded or expired. The client does not learn which."""

    message = "Invalid confirmation token"


class CalendarNotFound(NotFound):
    """404: no calendar feed has this secret."""

    message = "Calendar not found"


class CalendarFileTooEarly(BadRequest):
    """400: the interview is not confirmed."""

    message = "Calendar file is only available for confirmed interviews"


class OverlappingInterview(Conflict):
    """409: another open interview of the same candidate and company overlaps this time."""

    message = "The candidate already has an interview with you at this time"
