"""Verified addresses: before the verification, a user has the routes of accounts and public ones alone."""

from collections.abc import Mapping
from typing import Any

from interviews_api.accounts.errors import EmailNotVerified
from interviews_api.accounts.models import Viewer
from interviews_api.accounts.repository import UserRepository
from interviews_api.config import Settings
from interviews_api.db.connections import read_connection
from interviews_api.services import service


def is_verification_required() -> bool:
    """Return whether EMAIL_VERIFICATION requires verified addresses."""
    return service(Settings).email_verification == "required"


def lacks_verification(user: Mapping[Any, Any]) -> bool:
    """Return whether a verified address is required and the user has none."""
    return is_verification_required() and not user["email_verified"]


def refuse_unverified(user: Mapping[Any, Any]) -> None:
    """Raise EmailNotVerified if a verified address is required and the user has none."""
    if lacks_verification(user):
        raise EmailNotVerified


def refuse_unverified_viewer(viewer: Viewer) -> None:
    """Raise EmailNotVerified as `refuse_unverified` does; raises Unauthorized if the viewer is gone.

    A token that was issued after the verification says so, and costs no statement. The user of another one is read.
    """
    if viewer.is_verified or not is_verification_required():
        return
    with read_connection() as connection:
        refuse_unverified(UserRepository(connection).get(viewer))
