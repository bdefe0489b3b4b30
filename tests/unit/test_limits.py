"""The table of limits, its copy in the documentation, and the setting that changes it."""

import pytest
from flask import Flask

from interviews_api.config.limits import (
    COLLEAGUE_MAILS,
    CONFLICTS,
    FORGOTTEN_OF_ACCOUNT,
    FORGOTTEN_OF_ACCOUNT_FROM_ADDRESS,
    INVITATIONS_TO_ADDRESS,
    LIMITS,
    LOGIN_FROM_ADDRESS,
    PASSWORD_MAILS,
    LimitsError,
    as_markdown,
    describe_window,
    parse_limits,
)
from interviews_api.web.route_contract import contract_of
from tests.support.settings import ROOT

_WITHOUT_REFUSAL = {
    FORGOTTEN_OF_ACCOUNT,
    FORGOTTEN_OF_ACCOUNT_FROM_ADDRESS,
    CONFLICTS,
    INVITATIONS_TO_ADDRESS,
    PASSWORD_MAILS,
    COLLEAGUE_MAILS,
}
"""Limits whose routes answer as if there was room."""


def test_documentation_has_the_tables_of_limits() -> None:
    assert f"\n\n{as_markdown()}\n" in (ROOT / "docs" / "limits.md").read_text()


def test_names_are_unique() -> None:
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)


def test_each_limit_is_in_the_contract_of_a_route(app: Flask) -> None:
    contracts = [contract for view in app.view_functions.values() if (contract := contract_of(view))]
    assert {limit for contract in contracts for limit in contract.limits} == set(LIMITS) - _WITHOUT_REFUSAL


def test_setting_changes_single_limits() -> None:
    limits = parse_limits(" login_address=5/60 ,reset_address=1/604800,")
    assert (limits["login_address"].rate, limits["reset_address"].rate) == ("5/60", "1/604800")
    assert limits["login_address"].counted == LOGIN_FROM_ADDRESS.counted
    assert limits["login_account"].rate == "100/300"
    assert parse_limits("") == {limit.name: limit for limit in LIMITS}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("login=5/60", "has no limit login;"),
        ("login_address", "must be a comma list"),
        ("login_address=5", "must be a comma list"),
        ("login_address=5/1m", "must be a comma list"),
        ("login_address=-1/60", "must be a comma list"),
        ("login_address=\uff15/60", "must be a comma list"),
        ("login_address=0/60", "login_address must have a count up to 10000"),
        ("login_address=10001/60", "login_address must have a count up to 10000"),
        ("login_address=5/0", "login_address must have a count up to 10000"),
        ("login_address=5/604801", "login_address must have a count up to 10000 and up to 604800 seconds"),
        ("login_address=5/60,login_address=6/60", "names a limit twice"),
    ],
)
def test_wrong_setting_is_refused(text: str, reason: str) -> None:
    with pytest.raises(LimitsError, match=reason):
        parse_limits(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (60, "1 minute"),
        (300, "5 minutes"),
        (3600, "1 hour"),
        (86_400, "1 day"),
        (172_800, "2 days"),
        (90, "90 seconds"),
    ],
)
def test_windows_are_described_in_words(seconds: int, words: str) -> None:
    assert describe_window(seconds) == words
