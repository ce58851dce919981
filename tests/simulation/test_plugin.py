"""The pytest plugin, as somebody else's tests use it: each in a pytest of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import pytest
import anyio
from duologue.testing import Simulation

"""


def run(folder: Path, test: str, *options: str) -> str:
    """What pytest prints for a file with this test."""
    (folder / "test_it.py").write_text(HEAD + test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    return done.stdout + done.stderr


FAILS_SOMETIMES = """
@pytest.fixture
def limit():
    return 0.9

@pytest.mark.duologue_seeds(50)
async def test_luck(limit: float, simulation: Simulation) -> None:
    await anyio.sleep(3600 * 24)
    assert simulation.random.random() < limit
"""


def test_a_failure_says_how_to_repeat_it(tmp_path: Path) -> None:
    failed = run(tmp_path, FAILS_SOMETIMES.replace("24", "0.5"))
    said = re.search(r'seed (\d+); to repeat it: pytest "test_it.py::test_luck" (--duologue-seed=\d+)', failed)
    assert said is not None, failed
    assert "assert simulation.random.random() < limit" in failed, "the failed line is shown"
    again = run(tmp_path, FAILS_SOMETIMES.replace("24", "0.5"), said[2])
    assert f"seed {said[1]};" in again
    assert "1 failed" in again
    assert "1 passed" in run(tmp_path, FAILS_SOMETIMES.replace("24", "0.5"), "--duologue-seeds=1")


def test_each_seed_is_run_once(tmp_path: Path) -> None:
    test = """
seeds = []

@pytest.mark.duologue_seeds(3, first=5, backend="trio")
async def test_one(simulation: Simulation) -> None:
    seeds.append(simulation.seed)

def test_two() -> None:
    assert seeds == [5, 6, 7]
"""
    assert "2 passed" in run(tmp_path, test)


def test_a_simulation_has_an_end(tmp_path: Path) -> None:
    assert "TimeoutError" in run(tmp_path, FAILS_SOMETIMES, "--duologue-seed=1")


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("async def test_it(simulation: Simulation) -> None: ...", "needs the mark: @pytest.mark.duologue_seeds(100)"),
        ("@pytest.mark.duologue_seeds(3)\ndef test_it(simulation: Simulation) -> None: ...", "is an `async def` that"),
        ("@pytest.mark.duologue_seeds\nasync def test_it() -> None: ...", "asks for `simulation`"),
    ],
)
def test_a_mistake_is_told_in_a_line(tmp_path: Path, test: str, said: str) -> None:
    output = run(tmp_path, test)
    assert said in output
    assert "Traceback" not in output
