"""The setting COMPILED_DUMP turns compiled serializers off."""

from collections.abc import Callable

import pytest
from flask import Flask

from interviews_api.interviews.candidate_schemas import CandidateInterviews
from tests.support.factories import World
from tests.support.tokens import Headers


def test_the_switch_turns_it_off(
    app: Flask, world: World, headers: Callable[..., Headers], monkeypatch: pytest.MonkeyPatch
) -> None:
    me = world.candidate_with({}, {"status": "confirmed"})
    world.load()
    used = []
    plain = CandidateInterviews.dump
    monkeypatch.setattr(CandidateInterviews, "dump", lambda self, row: used.append(1) or plain(self, row))
    monkeypatch.setitem(app.extensions, "memory", None)
    monkeypatch.setitem(app.config, "COMPILED_DUMP", True)  # whatever the suite runs with

    def ask() -> bytes:
        return app.test_client().get("/candidate/interviews", headers=headers(me["id"])).data

    compiled = ask()
    assert not used
    monkeypatch.setitem(app.config, "COMPILED_DUMP", False)
    assert (ask(), used) == (compiled, [1])
