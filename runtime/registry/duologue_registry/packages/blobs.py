"""Archives by their SHA-256: what has the same contents is there once, and what is there is whole."""

from __future__ import annotations

import errno
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from service_registry_sdk import NoSpace

from .files import DiskFiles, Files, make_directories

FOLDER: Final = "packages"
"""Where they are, beside the data of a registry."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def typed_space(node: str | None = None) -> Generator[None]:
    """Raise `NoSpace` where the disk, or what its owner may have of it, is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace(node=node) from error
        raise


class Blobs:
    """A folder with one file for each digest.

    Attributes:
        directory: Where all of it is.
        outgoing: Where a backup is put together: on the same disk, so that files need only be linked.
        incoming: Where files have to lie that are to be kept: on the same disk, so that they need only be renamed.
    """

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        self.directory = directory
        self._directory = directory / "blobs"
        self.incoming = directory / "incoming"
        self.outgoing = directory / "outgoing"
        self._files = files or DiskFiles()

    def prepare(self) -> None:
        """Make the folders, and throw away what was on its way when the last process ended."""
        make_directories(self._files, self._directory)
        for passing in (self.incoming, self.outgoing):
            self._files.remove(passing)
            self._files.make_directory(passing)

    def path(self, sha256: str) -> Path:
        """Where the file of a digest is, if it is there."""
        return self._directory / sha256[:2] / sha256

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def keep(self, file: Path, sha256: str) -> None:
        """Take a file, whose digest somebody has compared, out of `incoming`; when this returns it is there to stay.

        Raises:
            NoSpace: The disk is full; nothing has changed.
        """
        target = self.path(sha256)
        with typed_space():
            self._files.sync(file)
            make_directories(self._files, target.parent)
            self._files.rename(file, target)
            self._files.sync(target.parent)

    def remove(self, sha256: str) -> None:
        """Let go of a file."""
        self._files.remove(self.path(sha256))

    def sweep(self, wanted: Collection[str]) -> int:
        """Remove the files whose digest nobody wants; returns how many."""
        found = [path for shard in self._directory.iterdir() if shard.is_dir() for path in shard.iterdir()]
        unwanted = [path for path in found if path.name not in wanted]
        for path in unwanted:
            self._files.remove(path)
        return len(unwanted)
