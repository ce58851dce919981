"""Typed calls on one connection: one at a time, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, Final

from typing_extensions import override

from ..contenders import arms, module_of
from ..effort import Effort
from ..processes import Worker, pair
from ..results import Arm, Sample
from .case import Case

UNITS: Mapping[str, str] = {
    "rate": "calls/s",
    "p50": "µs",
    "p99": "µs",
    "client cpu": "µs",
    "server cpu": "µs",
    "capacity": "calls/s",
}
"""`cpu` is processor time a call; capacity is what the busier side could do with a core of its own."""


SLOW: Final = 256
"""With more in flight a measurement takes seconds, at those who answer hundreds in one: there are fewer of them."""


class Calls(Case):
    """So many callers, each of which asks again as soon as it has its answer."""

    name: ClassVar[str] = "calls"
    title: ClassVar[str] = "typed calls on one connection, by how many are in flight; answers of 400 bytes"
    units: ClassVar[Mapping[str, str]] = UNITS

    def __init__(self) -> None:
        super().__init__()
        self._turns: dict[Arm, int] = {}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return arms()

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        def warm_up(server: Worker, client: Worker) -> None:
            for n in effort.in_flight:
                client.ask("flood", in_flight=n, seconds=effort.seconds)

        server, client = self.hold(arm, lambda: talking(arm), warm_up)
        turn = self._turns[arm] = self._turns.get(arm, -1) + 1
        few = turn % max(1, effort.rounds // effort.long_rounds) > 0
        depths = [n for n in effort.in_flight if not (few and n > SLOW)]
        return {str(n): load(server, client, effort.seconds, in_flight=n) for n in depths}


def talking(arm: Arm, connections: int = 1) -> AbstractContextManager[tuple[Worker, Worker]]:
    """A contender's server, and its client in a process of its own."""
    module = module_of(arm)
    server = Worker(f"{module}:serve", arm.executor)
    return pair(server, "benchmarks.load:drive", arm.executor, module=module, connections=connections)


def load(server: Worker, client: Worker, seconds: float, *, in_flight: int, action: str = "get") -> dict[str, float]:
    """Measure under load."""
    before = server.ask("cpu")
    measured = client.ask("flood", in_flight=in_flight, seconds=seconds, action=action)
    used = server.ask("cpu") - before
    return {
        "rate": measured["rate"],
        "p50": measured["p50"],
        "p99": measured["p99"],
        "client cpu": measured["cpu"] / measured["calls"] * 1e6,
        "server cpu": used / measured["calls"] * 1e6,
        "capacity": measured["calls"] / max(used, measured["cpu"]),
    }
