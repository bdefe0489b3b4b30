"""The errors of accounts."""

from interviews_api.config.limits import USERS_OF_COMPANY
from interviews_api.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized


class CandidateCredentialsRequired(Forbidden):
    """403: the viewer is a company user."""

    message = "Candidate credentials required"


class CompanyCredentialsRequired(Forbidden):
    """403: the viewer is a candidate."""

    message = "Company credentials required"


class EmailTaken(Conflict):
    """409: another user has the e-mail address."""

    message = "Email is already registered"


class WrongCredentials(Unauthorized):
    """401: no user has this e-mail address and password."""

    message = "Invalid email or password"


class UserNotFound(NotFound):
    """404: no company user has this id."""

    message = "User not found"


class NotYourUser(Forbidden):
    """403: the company user belongs to another company."""

    message = "This user does not belong to you"


class OwnerRightsRequired(Forbidden):
    """403: the viewer is a member of its company, and only owners may do this."""

    message = "Owner rights required"


class NoOwnerLeft(BadRequest):
    """400: the change would leave the company without an owner."""

    message = "A company needs an owner"


class TooManyColleagues(Conflict):
    """409: the company has as many users and open invitations as are allowed."""

    message = f"A company may have at most {USERS_OF_COMPANY.allowed} users"


class CannotRemoveYourself(BadRequest):
    """400: the viewer named itself as the user to remove."""

    message = "You cannot remove yourself"


class InvalidReset(BadRequest):
    """400: the reset token is forged, expired or used, or its user is gone."""

    message = "Invalid reset token"


class EmailNotVerified(Forbidden):
    """403: the viewer never verified its e-mail address, and EMAIL_VERIFICATION requires it."""

    message = "Verify your email address first"


class EmailAlreadyVerified(BadRequest):
    """400: the viewer's address is verified, so it needs no mail."""

    message = "Email is already verified"


class InvalidVerification(BadRequest):
    """400: the verification is forged, expired or used, or a later registration of the address has ended it."""

    message = "Invalid verification token"


class InvalidInvitation(BadRequest):
    """400: the invitation is forged, expired, used or withdrawn."""

    message = "Invalid invitation"


class RequestStillRunning(Conflict):
    """409: an earlier request with the same Idempotency-Key has not finished."""

    message = "A request with this Idempotency-Key is still running"


class CompanyNotApproved(Forbidden):
    """403: the operator has not approved the viewer's company, or has suspended it."""

    message = "This company is not approved yet"


class RegistrationClosed(NotFound):
    """404: users of this role do not register themselves here."""

    description = "Registration is closed"


class CandidatesSignInElsewhere(NotFound):
    """404: candidates have no session or password here, because an identity provider signs them in."""

    description = "Candidates sign in with the operator's identity provider"
