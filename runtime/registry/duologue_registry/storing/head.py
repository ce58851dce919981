"""How far the log has come, written down beside the database: so an older copy that is put back is found out.

It is written after each commit and synced once, when it is made. After a power cut it may say less than the database
holds, which does no harm; it never says more, unless what was committed is gone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from duologue import Position

from ..disk import sync

FILE_NAME: Final = "registry.head"
_SIZE: Final = 64  # padded, so that it is always written over in one piece


class HeadFile:
    """The file `registry.head`: an epoch, and a number in it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._file: int | None = None

    def read(self) -> Position | None:
        """What it says; None when there is none, or nothing that makes sense."""
        try:
            epoch, seq = self._path.read_text("ascii").split()
            return Position(epoch, int(seq))
        except (OSError, ValueError):
            return None

    def begin(self, position: Position) -> None:
        """Start writing, from this position."""
        self.close()
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self.write(position)
        os.fsync(self._file)
        sync(self._path.parent)

    def write(self, position: Position) -> None:
        """Say so from now on. What cannot be written is left out: an older copy may then go unnoticed, no more."""
        if self._file is not None:
            with suppress(OSError):
                os.lseek(self._file, 0, os.SEEK_SET)
                os.write(self._file, f"{position.epoch} {position.seq}\n".ljust(_SIZE).encode("ascii"))

    def close(self) -> None:
        """Stop writing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
