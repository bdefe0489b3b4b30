"""The state machine's table, and its copy in the documentation."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interviews_api.hiring.models import ApplicationStatus
from interviews_api.interviews.models import Actor, InterviewStatus
from interviews_api.interviews.state_machine import (
    CONFIRM,
    TRANSITIONS,
    application_changes,
    as_markdown,
    interview_changes,
)


def test_documentation_has_the_transition_table() -> None:
    document = (Path(__file__).parents[2] / "docs" / "interview-moves.md").read_text()
    assert document.endswith(f"\n\n{as_markdown()}")


def test_ended_interviews_have_no_transitions() -> None:
    ended = {InterviewStatus.COMPLETED, InterviewStatus.CANCELLED}
    assert not [move.name for move in TRANSITIONS if ended & set(move.source_statuses)]
    assert {move.target_status for move in TRANSITIONS} - {None} == set(InterviewStatus)
    assert {move.name for move in TRANSITIONS if move.increments_revision} == {
        "decline", "reschedule", "update", "cancel",
    }  # fmt: skip


@pytest.mark.parametrize("status", InterviewStatus)
def test_each_target_status_changes_interview_and_application(status: InterviewStatus) -> None:
    """A status without a line of `by_target` (state_machine.py) raises KeyError here."""
    transition, moment = replace(CONFIRM, target_status=status), datetime(2026, 11, 23, 9, tzinfo=UTC)
    changes = interview_changes(transition, actor=Actor.COMPANY, now=moment)
    assert changes["status"] is status
    assert application_changes(transition, changes | {"is_hired": True}, now=moment)["status"] in set(ApplicationStatus)
