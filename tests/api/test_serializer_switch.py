"""The setting COMPILED_DUMP turns compiled serializers off."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from interviews_api.cache import ResponseCache
from interviews_api.config import Settings
from interviews_api.interviews.candidate_schemas import CandidateInterviews
from interviews_api.services import service
from tests.support.factories import World
from tests.support.services import replaced_services
from tests.support.tokens import Headers


def test_setting_turns_compiled_serializers_off(
    app: Flask, world: World, headers: Callable[..., Headers], monkeypatch: pytest.MonkeyPatch
) -> None:
    me = world.candidate_with({}, {"status": "confirmed"})
    world.load()

    def ask() -> bytes:
        return app.test_client().get("/candidate/interviews", headers=headers(me["id"])).data

    compiled = replace(service(Settings, app), compiled_dump=True)
    plain_dump = replace(compiled, compiled_dump=False)
    used = []
    plain = CandidateInterviews.dump
    with replaced_services(app, ResponseCache(0), compiled):
        body = ask()  # compiles the schema before its dump is patched
        monkeypatch.setattr(CandidateInterviews, "dump", lambda self, row: used.append(1) or plain(self, row))
        assert ask() == body
        assert not used
    with replaced_services(app, ResponseCache(0), plain_dump):
        assert (ask(), used) == (body, [1])
