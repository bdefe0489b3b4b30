"""The files in which gunicorn's workers count requests together."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import values

from interviews_api.server import metric_files
from interviews_api.server.metric_files import FILE_BYTES, FOLDER


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder in which this process makes its own."""
    monkeypatch.setenv(FOLDER, "another-process")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.MutexValue)
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_folder_stays_when_the_configuration_is_read_again(parent: Path) -> None:
    metric_files.make_folder()
    folder = os.environ[FOLDER]
    metric_files.make_folder()
    assert os.environ[FOLDER] == folder
    assert [str(path) for path in parent.iterdir()] == [folder]


def test_folder_of_a_killed_master_is_removed(parent: Path) -> None:
    abandoned = parent / "interviews-metrics-1-x"
    abandoned.mkdir(mode=0o700)
    (abandoned / "lock").touch()
    metric_files.make_folder()
    assert not abandoned.exists()


def test_worker_counts_in_files_of_full_size() -> None:
    metric_files.make_folder()
    metric_files.count_in_files(0)
    metric_files.count_in_files(0)
    sizes = {path.name: path.stat().st_size for path in Path(os.environ[FOLDER]).glob("*.db")}
    assert sizes == {"counter_0.db": FILE_BYTES, "histogram_0.db": FILE_BYTES}
    assert values.ValueClass is not values.MutexValue


def test_worker_counts_in_memory_beside_a_folder_of_another_user() -> None:
    metric_files.make_folder()
    folder = Path(os.environ[FOLDER])
    shutil.rmtree(folder)
    folder.mkdir()
    folder.chmod(0o777)
    metric_files.count_in_files(0)
    assert list(folder.iterdir()) == []
    assert values.ValueClass is values.MutexValue
    assert FOLDER not in os.environ


def test_worker_counts_in_memory_without_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/proc")
    metric_files.make_folder()
    assert FOLDER not in os.environ
    metric_files.count_in_files(0)
    assert values.ValueClass is values.MutexValue


def test_worker_takes_the_lowest_free_number() -> None:
    assert [metric_files.free_number(taken) for taken in ([], [1], [0, 1, 3])] == [0, 0, 2]
