"""Packages that tests use: generated from a spec, once in a run of the tests, into a temporary folder."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

SHARED: Final = "DUOLOGUE_TESTS_GENERATED"
"""The environment variable that names the folder which all processes of a run of the tests share."""


def share() -> TemporaryDirectory[str]:
    """Let this process, and those that it starts, generate each package once for all of them."""
    folder = TemporaryDirectory(prefix="duologue-generated-")
    os.environ[SHARED] = folder.name
    return folder


def generated(spec: Path) -> Any:
    """Generate and import; what the checkers cannot see before the tests run is `Any` to them."""
    folder = _generate_once(spec)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module((folder / "package").read_text())
    finally:
        sys.path.remove(str(folder))


def _generate_once(spec: Path) -> Path:
    """The folder of what was generated; who comes while another process is at it waits."""
    folder = Path(_shared(), hashlib.sha256(bytes(spec)).hexdigest()[:16])
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "package").exists():
            _generate(spec, folder)
    return folder


def _shared() -> str:
    if SHARED not in os.environ:
        atexit.register(share().cleanup)
    return os.environ[SHARED]


def _generate(spec: Path, folder: Path) -> None:
    from duologue_codegen.compiler import compile_spec  # the processes that find it done do without them
    from duologue_codegen.generate import generate_files

    protocol = compile_spec(spec)
    for name, text in generate_files(protocol, project=False).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "package").write_text(protocol.python.package)
