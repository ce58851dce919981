"""Formatting of generated Python by ruff, whatever configuration is near."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ARGUMENTS: Final = ("format", "--isolated", "--no-cache", "--quiet", "--line-length=120", "--target-version=py311")


class FormatError(Exception):
    """ruff could not read what was generated: an error of the generator."""


def format_files(files: Mapping[str, str]) -> dict[str, str]:
    """The files with all Python ones formatted. One run of ruff for all; nothing else of the disk is read."""
    # The binary of this environment, not one that is on the path. The package has no types.
    from ruff import find_ruff_bin  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    python = {path: text for path, text in files.items() if path.endswith(".py")}
    with tempfile.TemporaryDirectory(prefix="duologue-") as folder:
        places = {path: Path(folder, f"{number:03}.py") for number, path in enumerate(python)}
        for path, place in places.items():
            place.write_bytes(python[path].encode())
        run = subprocess.run(  # noqa: S603 - our own binary and files
            [find_ruff_bin(), *_ARGUMENTS, folder], capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise FormatError(run.stderr)
        formatted = {path: place.read_bytes().decode() for path, place in places.items()}
    return {path: formatted.get(path, text) for path, text in files.items()}
