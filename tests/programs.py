"""Our programs, and programs of Python, that start at once: forked from parents that have imported what they need."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.forked import REGISTRY
from tests.generated import LASTS, once

HERE: Final = Path(__file__).parent
BIN: Final = Path(sys.executable).parent

OURS: Final = {
    "duologue": [
        "rehearsal",
        "duologue_codegen.authz",
        "duologue_codegen.breaking.compare",
        "duologue_codegen.breaking.packages",
        "duologue_codegen.breaking.revision",
        "duologue_codegen.cli",
        "duologue_codegen.entry",
        "duologue_codegen.exporting",
        "duologue_codegen.importing.run",
        "duologue_codegen.lint",
        "duologue_codegen.loaded",
        "duologue_codegen.reference.render",
        "duologue_codegen.tools.display",
        "duologue_codegen.tools.explaining",
        "duologue_codegen.tools.standin",
        "duologue_codegen.tools.talking",
        "duologue_codegen.tree",
    ],
    "duologue-registry": REGISTRY,
}
"""Our programs, and what they import on the way to what they do."""

RUNNING: Final = [
    "duologue.client.sync",
    "duologue.server.server",
    "anyio._backends._asyncio",
    "duologue.drivers.asyncio",
    "duologue.drivers.listening",
    "encodings.idna",
]
"""The runtime, of both ends, and what it imports once a program runs: `duologue` alone loads nothing of it."""

FORK: Final = """#!/bin/sh
exec {python} -IS {stub} {place} {program} "$@"
"""

FORK_FILES: Final = """#!/bin/sh
case "$1" in
*.py) exec {python} -IS {stub} {place} "$@" ;;
*) exec {python} "$@" ;;
esac
"""
"""A `python` whose programs are forked where they are files; what it starts from a flag is a process as always."""


OF_MAKE: Final = frozenset({"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "VIRTUAL_ENV", "ARGS", "VENV", "DIST"})
"""What `make test` hands on, and another `make` is not to hear of."""


def outer_env(*hidden: str) -> dict[str, str]:
    """The environment in which whoever runs the tests has started them, but for what is hidden."""
    return {name: value for name, value in os.environ.items() if name not in OF_MAKE.union(hidden)}


def on_a_full_disk(module: str, words: Sequence[str], **env: str) -> tuple[int, str]:
    """Run a program whose output has no room; its exit code, and what it says of that."""
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", module, *words],
            env={**os.environ, **env},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    return ran.returncode, ran.stderr


@pytest.fixture(scope="session")
def programs() -> Path:
    """A folder for the front of `PATH`: with `duologue`, `duologue-registry`, and a `python`.

    The parent of a `python` has imported nothing but the runtime and what that imports to run, as the first lines of
    most programs do: what one forgets to import is missed. All processes of a run of the tests share the parents.
    """
    return once("programs", _make)


def _make(folder: Path) -> None:
    ours, python = folder / "ours.sock", folder / "python.sock"
    _start_parent(ours, *RUNNING, *(module for each in OURS.values() for module in each))
    for name in OURS:
        _write(folder / name, FORK, ours, BIN / name)
    _start_parent(python, *RUNNING)
    _write(folder / "python", FORK_FILES, python)


def _start_parent(place: Path, *modules: str) -> None:
    """Start what listens on that socket until the run of the tests is over."""
    with (place.parents[1] / LASTS).open("rb", buffering=0) as lasts:
        subprocess.run(
            [sys.executable, HERE / "parent.py", place, *modules],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=lasts,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            check=True,
            timeout=120,
        )


def _write(stub: Path, text: str, place: Path, program: Path = Path()) -> None:
    parts = {"python": Path(sys.executable), "stub": HERE / "stub.py", "place": place, "program": program}
    stub.write_text(text.format(**{name: shlex.quote(str(part)) for name, part in parts.items()}))
    stub.chmod(0o755)
