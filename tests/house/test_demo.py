"""`make demo` holds what it says, and leaves nothing behind: no process, and no file outside its folder."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

ROOT = Path(__file__).parents[2]


def marked(mark: str) -> list[str]:
    """The processes that have a mark in their environment."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_text().replace("\0", " "))
    return found


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.long  # half a minute, which is what it promises
def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    mark, home, temporary = uuid4().hex, tmp_path / "home", tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    before = files(ROOT / "examples")
    environment = {**os.environ, "MARK": mark, "HOME": str(home), "TMPDIR": str(temporary)}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py"],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All of it held."), done.stdout + done.stderr
    assert "it is rolled back: web-1, verifying: health: the shelf is missing" in done.stdout
    assert marked(mark) == []
    assert files(tmp_path) == {home, temporary}
    assert files(ROOT / "examples") == before
