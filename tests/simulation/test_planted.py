"""A promise that no planted bug breaks is one that nobody checks."""

from __future__ import annotations

import pytest
from tests.simulation.planted import PLANTED
from tests.simulation.scenarios import Scenario
from tests.simulation.validators import VALIDATORS, Validator, broken

from duologue.testing import SimulationFailed, simulate

MOST = 1000


def problems_of(scenario: Scenario, promise: Validator, seed: int) -> list[str]:
    """What breaks the promise; a bug may let the scenario itself fail, which does not count."""
    try:
        world = simulate(scenario, seed)
    except SimulationFailed:
        return []
    return list(promise(world))


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught(name: str) -> None:
    planted = PLANTED[name]
    for seed in range(MOST):
        with pytest.MonkeyPatch.context() as patch:
            planted.plant(patch)
            problems = problems_of(planted.scenario, planted.promise, seed)
        if problems:
            break
    else:
        pytest.fail(f"{MOST} seeds say nothing")
    print(f"caught with seed {seed}: {problems[0]}")
    assert broken(simulate(planted.scenario, seed)) == [], "without the bug every promise is kept"


def test_each_promise_is_broken_by_a_bug() -> None:
    assert {planted.promise for planted in PLANTED.values()} == set(VALIDATORS)
