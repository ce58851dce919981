"""Bugs to be planted, each with the scenario that is to catch it: what no validator can see is not promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from tests.simulation.scenarios import Scenario
from tests.simulation.validators import Validator

Patch: TypeAlias = pytest.MonkeyPatch

Plant: TypeAlias = Callable[[Patch], None]


@dataclass(frozen=True)
class Planted:
    """A bug, the scenario that is to catch it and the promise that it is to break there.

    Attributes:
        seed: One that is known to catch it, or was when that was last looked for: where to begin.
    """

    scenario: Scenario
    promise: Validator
    plant: Plant
    seed: int


class Bugs(dict[str, Planted]):
    """Bugs by their names."""

    def caught_by(self, scenario: Scenario, promise: Validator, seed: int = 0) -> Callable[[Plant], Plant]:
        """Enter a bug."""

        def enter(plant: Plant) -> Plant:
            self[plant.__name__] = Planted(scenario, promise, plant, seed)
            return plant

        return enter
