"""The guides name files and functions that exist."""

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
