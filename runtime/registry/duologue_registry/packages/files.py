"""What touches a disk, as a port: so that a test can stop it at each step, and fill it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from ..disk import sync


class Files(Protocol):
    """Changes of a disk. Each is one step: between two of them the machine may stop."""

    def make_directory(self, path: Path) -> None:
        """Make a directory that is not there yet; its parents are."""
        ...

    def write(self, path: Path, blocks: Iterable[bytes], *, executable: bool = False) -> None:
        """Write a new file, and return when its contents would survive a power cut."""
        ...

    def sync(self, path: Path) -> None:
        """Return when a file, or what a directory lists, would survive a power cut."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Rename a file, a link or a directory. A file or link that is there is replaced, at once."""
        ...

    def link(self, path: Path, target: str) -> None:
        """Make a symbolic link."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file, a link, or a directory with all that is in it; nothing, when it is not there."""
        ...


class DiskFiles(Files):
    """The machine's own."""

    @override
    def make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o755)

    @override
    def write(self, path: Path, blocks: Iterable[bytes], *, executable: bool = False) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o755 if executable else 0o644), "wb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            self._settle(file.fileno())

    @override
    def sync(self, path: Path) -> None:
        sync(path, self._settle)

    def _settle(self, descriptor: int) -> None:
        os.fsync(descriptor)

    @override
    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)

    @override
    def link(self, path: Path, target: str) -> None:
        path.symlink_to(target)

    @override
    def remove(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def make_directories(files: Files, path: Path) -> None:
    """Make a directory and those above it that are missing, so that they stay."""
    if path.is_dir():
        return
    make_directories(files, path.parent)
    files.make_directory(path)
    files.sync(path.parent)
