"""A promise that no planted bug breaks is one that nobody checks."""

from __future__ import annotations

import pytest
from tests.simulation import planted_calls, planted_clients, planted_events, planted_transfers
from tests.simulation.planting import Planted
from tests.simulation.scenarios import SEEDS
from tests.simulation.validators import VALIDATORS, broken

from duologue.testing import SimulationFailed, simulate

MOST = 1000
"""Seeds that may say nothing of a bug."""

PLANTED = planted_calls.PLANTED | planted_clients.PLANTED | planted_events.PLANTED | planted_transfers.PLANTED


def problems_of(planted: Planted, seed: int) -> list[str]:
    """What breaks the promise; a bug may let the scenario itself fail, which does not count."""
    with pytest.MonkeyPatch.context() as patch:
        planted.plant(patch)
        try:
            return list(planted.promise(simulate(planted.scenario, seed)))
        except SimulationFailed:
            return []


def catch(planted: Planted, first: int) -> int:
    """The seed that catches a bug, from `first` on."""
    for seed in range(first, first + MOST):
        if problems := problems_of(planted, seed):
            print(f"caught with seed {seed}: {problems[0]}")
            return seed
    pytest.fail(f"{MOST} seeds say nothing")


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught(name: str) -> None:
    planted = PLANTED[name]
    seed = catch(planted, planted.seed)
    if seed >= SEEDS[planted.scenario.__name__]:  # `test_scenarios` runs the others
        assert broken(simulate(planted.scenario, seed)) == [], "without the bug every promise is kept"


@pytest.mark.long  # a minute on one core
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught_by_seeds_that_nobody_chose(name: str) -> None:
    catch(PLANTED[name], 0)


def test_each_promise_is_broken_by_a_bug() -> None:
    assert {planted.promise for planted in PLANTED.values()} == set(VALIDATORS)
