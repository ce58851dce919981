"""Formatting of generated Python by ruff, whatever configuration is near."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Mapping
from typing import Final

from .scratch import scratch

_ARGUMENTS: Final = ("format", "--isolated", "--no-cache", "--line-length=120", "--target-version=py311")


class FormatError(Exception):
    """ruff could not read what was generated: an error of the generator."""


def format_files(files: Mapping[str, str]) -> dict[str, str]:
    """The files with all Python ones formatted. One run of ruff for all; nothing else of the disk is read.

    Raises OSError where there is no room for a copy of them.
    """
    # The binary of this environment, not one that is on the path. The package has no types.
    from ruff import find_ruff_bin  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    python = {path: text for path, text in files.items() if path.endswith(".py")}
    with scratch() as folder:
        places = {path: folder / f"{number:03}.py" for number, path in enumerate(python)}
        for path, place in places.items():
            place.write_bytes(python[path].encode())
        run = subprocess.run(  # noqa: S603 - our own binary and files
            [find_ruff_bin(), *_ARGUMENTS, folder], capture_output=True, text=True, check=False
        )
        if run.returncode < 0 or "Failed to write" in run.stderr:  # a signal tells of a limit on the size of files
            raise OSError(errno.EIO, "ruff could not write there", str(folder))
        if run.returncode:
            raise FormatError(run.stderr)
        formatted = {path: place.read_bytes().decode() for path, place in places.items()}
    return {path: formatted.get(path, text) for path, text in files.items()}
