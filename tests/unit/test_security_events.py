"""Each type of security event is recorded by some route or command, and documented."""

import re

import pytest

from interviews_api.accounts.audit_models import SecurityEventType
from tests.support.settings import ROOT

RECORDING = re.compile(r"record(?:_or_count)?\(\s*(?:connection,\s*)?SecurityEventType\.([A-Z_]+)")
PACKAGE = ROOT / "interviews_api"


def recorded() -> set[str]:
    return {name for path in PACKAGE.glob("**/*.py") for name in RECORDING.findall(path.read_text())}


@pytest.mark.parametrize("event_type", SecurityEventType)
def test_type_is_recorded_by_a_route_or_command(event_type: SecurityEventType) -> None:
    assert event_type.name in recorded()


def test_types_are_documented_with_those_they_concern() -> None:
    text = (ROOT / "docs/operations.md").read_text().partition("## Security events")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = [name for row in rows for name in re.findall(r"`([a-z_.]+)`", row)]
    assert sorted(documented) == sorted(SecurityEventType)
