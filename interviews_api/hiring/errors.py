"""The errors of companies, jobs and applications."""

from interviews_api.errors import Conflict, Forbidden, NotFound


class JobNotFound(NotFound):
    """404: no job has this id."""

    message = "Job not found"


class ApplicationNotFound(NotFound):
    """404: no application has this id."""

    message = "Application not found"


class NotYourApplication(Forbidden):
    """403: the application is for another company's job."""

    message = "This application does not belong to you"


class CompanyNotFound(NotFound):
    """404: no company has this id."""

    message = "Company not found"


class NotYourCompany(Forbidden):
    """403: the viewer acts for another company."""

    message = "This company is not yours"


class AlreadyApplied(Conflict):
    """409: the candidate has an application for the job."""

    message = "You have already applied to this job"
