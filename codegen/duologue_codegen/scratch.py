"""Folders for files that nobody keeps."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch() -> Generator[Path]:
    """An empty folder, until the block ends.

    Raises OSError with a place, which Python leaves out where there is no room, and with what to do.
    """
    place = "temporary files"
    try:
        with tempfile.TemporaryDirectory(prefix="duologue-") as place:
            yield Path(place)
    except OSError as error:
        why = f"{error.strerror}; make room there, or name another folder in TMPDIR"
        raise OSError(error.errno, why, error.filename or place) from error
