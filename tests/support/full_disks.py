"""Disks that are full: a small file system, or where only root may mount one, a bound on the size of files."""

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path


def may_mount() -> bool:
    """Return whether this process may mount a file system."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


class SmallDisk:
    """A file system in memory of so many megabytes, with room for so many files."""

    def __init__(self, folder: Path, *, megabytes: int, files: int = 10_000) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        options = f"size={megabytes}m,nr_inodes={files},mode=1777"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)

    def fill(self, *, files: bool = False) -> None:
        """Use up its room, and with `files` also the number of files that it can have."""
        self._ballast.mkdir(exist_ok=True)
        with suppress(OSError), (self._ballast / "room").open("ab", buffering=0) as file:
            while file.write(bytes(65536)):
                pass
        with suppress(OSError):
            for number in count() if files else ():
                (self._ballast / str(number)).touch()

    def free(self) -> None:
        """Remove what `fill` has written."""
        for path in self._ballast.iterdir():
            path.unlink()

    def unmount(self) -> None:
        """Unmount it, also when a program still has a file open."""
        subprocess.run(["umount", "--lazy", self.folder], check=True)


@contextmanager
def small_disk(*, megabytes: int, files: int = 10_000) -> Iterator[SmallDisk]:
    """Mount a small disk for the length of the block, where each account can reach it."""
    folder = Path(tempfile.mkdtemp(prefix="interviews-disk-"))
    disk = SmallDisk(folder, megabytes=megabytes, files=files)
    try:
        yield disk
    finally:
        disk.unmount()
        folder.rmdir()


def bound_files(process_ids: list[int], size: int) -> None:
    """Let no write of these processes, and of those they fork from now on, go beyond `size` bytes of a file."""
    for process_id in process_ids:
        resource.prlimit(process_id, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
