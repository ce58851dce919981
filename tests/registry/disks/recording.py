"""What a process does to a directory, operation by operation, as a C library in front of its own writes it down."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest

from .disk import Disk, Folder

SOURCE: Final = Path(__file__).with_name("recorder.c")
_HEADER: Final = struct.Struct("<cQQQII")


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: `recorder.c` says what the numbers are."""

    kind: str
    a: int
    b: int
    c: int
    name: str
    data: bytes


@dataclass(frozen=True)
class Mark:
    """What was acknowledged at some moment."""

    digest: str
    epoch: str
    tokens: list[str]
    blobs: list[str]


@dataclass(frozen=True)
class Recording:
    """All that a process did, and the disk as it was before."""

    before: Folder
    ops: list[Op]
    output: str

    @cached_property
    def marks(self) -> list[Mark]:
        """What the process has acknowledged, step by step."""
        return [Mark(**json.loads(op.data)) for op in self.ops if op.kind == "m"]

    def disk(self) -> Disk:
        """The disk before the first operation."""
        return Disk(self.before)


class Recorder:
    """Runs programs under observation.

    Args:
        folder: For the compiled library, and what it writes down.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None or not sys.platform.startswith("linux"):
            pytest.skip("power cuts need Linux and a C compiler: what a process does to its files goes unseen here")
        self._library = folder / "recorder.so"
        self._folder = folder
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True, timeout=60)

    def record(self, root: Path, command: list[str], *, code: int = 0) -> Recording:
        """Run a program to its end, which has to be with that exit code."""
        records, before = self._folder / "records", Folder.of(root)
        records.unlink(missing_ok=True)
        watched = {
            "LD_PRELOAD": str(self._library),
            "RECORD_ROOT": str(root.resolve()),
            "RECORD_TO": str(records),
            "RECORD_MARKS": str(self.marks),
        }
        done = subprocess.run(
            command, env={**os.environ, **watched}, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, done.stderr
        ops = _parse(records.read_bytes())
        strange = {op.name for op in ops if op.kind == "?"}
        assert not strange, f"the recorder cannot follow {strange}"
        return Recording(before, ops, done.stdout)

    @property
    def marks(self) -> Path:
        """Where a program writes what it has acknowledged."""
        return self._folder / "marks"


def _parse(raw: bytes) -> list[Op]:
    found: list[Op] = []
    at = 0
    while at < len(raw):
        kind, a, b, c, name, data = _HEADER.unpack_from(raw, at)
        at += _HEADER.size
        found.append(Op(kind.decode(), a, b, c, raw[at : at + name].decode(), raw[at + name : at + name + data]))
        at += name + data
    return found
