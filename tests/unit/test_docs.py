"""The guides name files and functions that exist."""

import json
import re
from pathlib import Path

import pytest

from tests.support.settings import ROOT

GUIDES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/adr/*.md"), ROOT / "benchmarks/README.md"]
)
SOURCES = sorted(
    path
    for folder in ("interviews_api", "migrations", "tests", "benchmarks")
    for path in ROOT.glob(f"{folder}/**/*.py")
)
CODE = "\n".join(path.read_text() for path in SOURCES)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_files_that_a_guide_names_exist(guide: Path) -> None:
    files = [str(path.relative_to(ROOT)) for path in ROOT.glob("*.py")] + [
        str(path.relative_to(ROOT)) for path in SOURCES
    ]
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", guide.read_text())
    assert [name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files)] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_between_guides_lead_somewhere(guide: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", guide.read_text())
    assert [target for target in targets if not (guide.parent / target).exists()] == []


def test_names_in_the_architecture_page_are_in_the_code() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    dotted_names = re.findall(r"`@?([A-Za-z_.]+)`", text)
    names = {name for dotted_name in dotted_names for name in dotted_name.split(".") if len(name) > 3}
    modules = {path.stem for path in SOURCES} | {path.parent.name for path in SOURCES}
    assert sorted(names - modules - set(re.findall(r"\w+", CODE))) == []


def interoperability_rows() -> list[list[str]]:
    """Return the cells of the rows in the tables of the interoperability page, without their heads."""
    lines = (ROOT / "docs/interoperability.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in rows if row[0] != "read or sent by"]


def test_each_row_of_interoperability_has_a_client_a_promise_and_a_test() -> None:
    for client, promise, tests in interoperability_rows():
        assert re.search(r"[\w.-]+ \d+\.\d+", client), f"no version in {client}"
        assert promise
        assert re.fullmatch(r"`tests/\w+/test_\w+\.py`(, `tests/\w+/test_\w+\.py`)*", tests), tests


def test_versions_in_interoperability_are_those_of_the_tests() -> None:
    pinned = dict(re.findall(r"(?m)^([\w.-]+)==([\w.]+)", (ROOT / "requirements-dev.txt").read_text()))
    pinned |= json.loads((ROOT / "tests/frontend/package.json").read_text())["dependencies"]
    named = [pair for row in interoperability_rows() for pair in re.findall(r"([\w.-]+) (\d+\.\d+)", row[0])]
    versions = [(name, version) for name, version in named if name.lower() in pinned]
    assert [name for name, version in versions if not f"{pinned[name.lower()]}.".startswith(f"{version}.")] == []
    assert len(versions) > len(interoperability_rows()) / 2
