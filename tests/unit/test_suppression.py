"""Deliveries that have become obsolete."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from interviews_api.clock import now
from interviews_api.notifications.delivery_errors import Obsolete
from interviews_api.notifications.worker.suppression import raise_if_obsolete


@pytest.mark.parametrize(
    ("event_type", "status", "hours", "why"),
    [
        ("interview.reminder", "confirmed", 1, None),
        ("interview.reminder", "completed", 1, "no longer waiting"),
        ("interview.reminder", "confirmed", -1, "has begun"),
        ("interview.nudge", "en_attente", 1, None),
        ("interview.nudge", "confirmed", 1, "no longer waiting"),
        ("interview.confirmed", "completed", -1, None),
    ],
)
def test_obsolete_deliveries_are_recognised(event_type: str, status: str, hours: int, why: str | None) -> None:
    about = {
        "kind": "event", "company_approval": "approved",
        "channel": "email", "valid_revision": 1, "revision": 1, "event_type": event_type, "status": status,
        "starts_at": now() + timedelta(hours=hours), "held_at": None, "is_muted": False, "reschedule_request": None,
    }  # fmt: skip
    with pytest.raises(Obsolete, match=why) if why else nullcontext():
        raise_if_obsolete(about, now())
    with pytest.raises(Obsolete, match="moved"):
        raise_if_obsolete(about | {"revision": 2}, now())
    raise_if_obsolete(about | {"revision": 2, "channel": "webhook"}, now())


@pytest.mark.parametrize(
    ("event_type", "why"), [("interview.nudge", "asked for another time"), ("interview.reminder", None)]
)
def test_nudge_is_obsolete_while_a_request_for_another_time_stands(event_type: str, why: str | None) -> None:
    about = {
        "kind": "event", "company_approval": "approved", "channel": "push", "valid_revision": 1, "revision": 1,
        "event_type": event_type, "status": "en_attente" if why else "confirmed", "held_at": None, "is_muted": False,
        "starts_at": now() + timedelta(hours=1), "reschedule_request": {"reason": None},
    }  # fmt: skip
    with pytest.raises(Obsolete, match=why) if why else nullcontext():
        raise_if_obsolete(about, now())


@pytest.mark.parametrize(("is_muted", "why"), [(False, "newer mail"), (True, None)])
def test_held_mail_is_not_left_to_a_newer_one_that_may_be_muted(is_muted: bool, why: str | None) -> None:
    about = {
        "kind": "event", "company_approval": "approved",
        "is_muted": is_muted, "accepted_at": now(), "channel": "email", "valid_revision": 1, "revision": 1,
        "event_type": "interview.rescheduled", "status": "confirmed", "starts_at": now() + timedelta(hours=1),
        "held_at": now(), "is_superseded": True,
    }  # fmt: skip
    with pytest.raises(Obsolete, match=why) if why else nullcontext():
        raise_if_obsolete(about, now())
