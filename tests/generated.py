"""What the processes of a run of the tests share, each made once: packages that tests use, generated from a spec."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

SHARED: Final = "DUOLOGUE_TESTS_SHARED"
"""The environment variable that names the folder which all processes of a run of the tests share."""

LASTS: Final = "lasts"
"""A pipe in that folder: who reads it comes to its end when the run is over."""


def share() -> ExitStack:
    """Let this process, and those that it starts, make each thing once for all of them, until the stack is closed."""
    shared = ExitStack()
    folder = shared.enter_context(TemporaryDirectory(prefix="duologue-"))  # short, as sockets' paths must be
    os.environ[SHARED] = folder
    os.mkfifo(pipe := Path(folder, LASTS))
    shared.callback(os.close, os.open(pipe, os.O_RDWR))
    return shared


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` has filled; who comes while another process is at it waits."""
    folder = Path(_shared(), name)
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            make(folder)
            (folder / "made").touch()
    return folder


def generated(spec: Path) -> Any:
    """Generate and import; what the checkers cannot see before the tests run is `Any` to them."""
    folder = once(hashlib.sha256(bytes(spec)).hexdigest()[:16], partial(_generate, spec))
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module((folder / "package").read_text())
    finally:
        sys.path.remove(str(folder))


def _shared() -> str:
    if SHARED not in os.environ:
        atexit.register(share().close)
    return os.environ[SHARED]


def _generate(spec: Path, folder: Path) -> None:
    from duologue_codegen.compiler import compile_spec  # the processes that find it done do without them
    from duologue_codegen.package import render_package

    protocol = compile_spec(spec)
    package = protocol.python.package
    for name, text in render_package(protocol).items():  # what comes after it only judges and formats them
        path = folder / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "package").write_text(package)
