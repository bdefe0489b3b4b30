"""The state machine is said once: documentation and OpenAPI draw from it, and moves draw their statements."""

from pathlib import Path

from flask.testing import FlaskClient

from interviews_api.interviews.models import InterviewStatus
from interviews_api.interviews.moves import MOVES, as_markdown


def test_the_documentation_has_the_table_as_it_is() -> None:
    document = (Path(__file__).parent.parent / "docs" / "interview-moves.md").read_text()
    assert document.endswith(f"\n\n{as_markdown()}")


def test_the_openapi_document_has_the_table_and_every_refusal(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert as_markdown() in document["info"]["description"]
    for move in MOVES[1:]:
        for actor in move.actors:
            prefix = "/candidate" if actor == "candidate" else ""
            described = document["paths"][f"{prefix}/interviews/{{interviewId}}/{move.name}"]["put"]["responses"]
            assert move.refusal in described["400"]["description"]


def test_what_has_ended_stays_ended() -> None:
    ended = {InterviewStatus.COMPLETED, InterviewStatus.CANCELLED}
    assert not [move.name for move in MOVES if ended & set(move.sources)]
    assert {move.target for move in MOVES} - {None} == set(InterviewStatus)
    assert {move.name for move in MOVES if move.raises_revision} == {"decline", "reschedule", "cancel"}
