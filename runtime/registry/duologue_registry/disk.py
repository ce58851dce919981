"""Names that last: what a directory lists is durable when the directory itself was synced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def sync(path: Path, settle: Callable[[int], None] = os.fsync) -> None:
    """Return when a file, or the names in a directory, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        settle(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int = 0o700) -> None:
    """Make a directory, and those above it that are missing, so that they stay."""
    if path.is_dir():
        return
    make_directory(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)
    sync(path.parent)
