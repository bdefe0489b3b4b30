"""`make proofs` runs each test that has a full figure."""

import re

from tests.support.markers import MATRIX_FOLDERS
from tests.support.settings import ROOT


def test_each_proof_is_in_one_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (targets,), (timed,) = (re.findall(f"^{name} := ([a-z ]+)", makefile, re.MULTILINE) for name in ("PROOFS", "TIMED"))
    files = dict(re.findall(r"^FILES_([a-z]+) := (.+)$", makefile, re.MULTILINE))
    assert sorted(files) == sorted(targets.split())
    assert set(timed.split()) < set(files)
    names = [name for names in files.values() for name in names.split()]
    listed = sorted(f"tests/{name}.py" for name in names if "/" in name)
    assert sorted(name for name in names if "/" not in name) == sorted(MATRIX_FOLDERS)
    tests = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "tests").glob("*/test_*.py")}
    mark = re.compile("^(@|pytestmark = )pytest.mark.(proof|matrix)$", re.MULTILINE)
    assert listed == sorted(name for name, text in tests.items() if mark.search(text))
    assert not [name for name, text in tests.items() if re.search(r"figure\(sample", text) and name not in listed]
