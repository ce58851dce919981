"""The pytest plugin, as somebody else's tests use it: each in a pytest within this one."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Final

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., str]

UNUSED: Final = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Plugins that nothing here needs: the second one's package would be imported anew by each pytest, for seconds."""

HEAD: Final = """
import pytest
import anyio
from duologue.testing import Simulation

"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """What pytest prints for a file with this test."""
    import_module("duologue.testing.simulation")  # what the pytest within is the first to import is forgotten with it

    def call(test: str, *options: str) -> str:
        pytester.makepyfile(test_it=HEAD + test)
        done = pytester.runpytest_inprocess("-q", *UNUSED, *options)
        return f"{done.stdout}{done.stderr}"

    return call


FAILS_SOMETIMES = """
@pytest.fixture
def limit():
    return 0.9

@pytest.mark.duologue_seeds(50)
async def test_luck(limit: float, simulation: Simulation) -> None:
    await anyio.sleep(3600 * 24)
    assert simulation.random.random() < limit
"""


def test_a_failure_says_how_to_repeat_it(run: Run) -> None:
    failed = run(FAILS_SOMETIMES.replace("24", "0.5"))
    said = re.search(r'seed (\d+); to repeat it: pytest "test_it.py::test_luck" (--duologue-seed=\d+)', failed)
    assert said is not None, failed
    assert "assert simulation.random.random() < limit" in failed, "the failed line is shown"
    again = run(FAILS_SOMETIMES.replace("24", "0.5"), said[2])
    assert f"seed {said[1]};" in again
    assert "1 failed" in again
    assert "1 passed" in run(FAILS_SOMETIMES.replace("24", "0.5"), "--duologue-seeds=1")


def test_each_seed_is_run_once(run: Run) -> None:
    test = """
seeds = []

@pytest.mark.duologue_seeds(3, first=5, backend="trio")
async def test_one(simulation: Simulation) -> None:
    seeds.append(simulation.seed)

def test_two() -> None:
    assert seeds == [5, 6, 7]
"""
    assert "2 passed" in run(test)


def test_a_simulation_has_an_end(run: Run) -> None:
    assert "TimeoutError" in run(FAILS_SOMETIMES, "--duologue-seed=1")


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("async def test_it(simulation: Simulation) -> None: ...", "needs the mark: @pytest.mark.duologue_seeds(100)"),
        ("@pytest.mark.duologue_seeds(3)\ndef test_it(simulation: Simulation) -> None: ...", "is an `async def` that"),
        ("@pytest.mark.duologue_seeds\nasync def test_it() -> None: ...", "asks for `simulation`"),
    ],
)
def test_a_mistake_is_told_in_a_line(run: Run, test: str, said: str) -> None:
    output = run(test)
    assert said in output
    assert "Traceback" not in output
