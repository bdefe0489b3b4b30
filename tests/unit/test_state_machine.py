"""The state machine's table, and its copy in the documentation."""

from pathlib import Path

from interviews_api.interviews.models import InterviewStatus
from interviews_api.interviews.state_machine import TRANSITIONS, as_markdown


def test_documentation_has_the_transition_table() -> None:
    document = (Path(__file__).parents[2] / "docs" / "interview-moves.md").read_text()
    assert document.endswith(f"\n\n{as_markdown()}")


def test_ended_interviews_have_no_transitions() -> None:
    ended = {InterviewStatus.COMPLETED, InterviewStatus.CANCELLED}
    assert not [move.name for move in TRANSITIONS if ended & set(move.source_statuses)]
    assert {move.target_status for move in TRANSITIONS} - {None} == set(InterviewStatus)
    assert {move.name for move in TRANSITIONS if move.increments_revision} == {"decline", "reschedule", "cancel"}
