"""Every promise holds in every scenario, for every seed."""

from __future__ import annotations

import pytest
from tests.simulation.scenarios import SCENARIOS, SEEDS, Scenario
from tests.simulation.validators import broken

from duologue.testing import Simulation, simulate

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))


SEEDED = [
    pytest.param(scenario, marks=pytest.mark.duologue_seeds(SEEDS[name]), id=name)
    for name, scenario in SCENARIOS.items()
]


@pytest.mark.parametrize("scenario", SEEDED)  # five hundred runs in all
async def test_promises_hold(scenario: Scenario, simulation: Simulation) -> None:
    assert broken(await scenario(simulation)) == []


BLOCKS = [
    pytest.param(marks=pytest.mark.duologue_seeds(100, first=first), id=f"{first}") for first in range(12, 512, 100)
]


@each_scenario
@pytest.mark.long  # ten thousand seeds, some fifteen minutes on one core; in blocks, of which none takes minutes
@pytest.mark.parametrize((), BLOCKS)
async def test_promises_hold_for_many_more_seeds(scenario: Scenario, simulation: Simulation) -> None:
    assert broken(await scenario(simulation)) == []


@each_scenario
def test_a_seed_gives_the_same_run_again(scenario: Scenario) -> None:
    first, second, other = (simulate(scenario, seed).sim.trace for seed in (1, 1, 101))
    assert len(first) > 1
    assert first == second
    assert first != other


@each_scenario
def test_promises_hold_and_a_seed_gives_the_same_run_again_on_trio(scenario: Scenario) -> None:
    first, second = (simulate(scenario, 3, backend="trio") for _ in range(2))
    assert first.sim.trace == second.sim.trace
    assert broken(first) == []
