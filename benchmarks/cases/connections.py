"""What a call costs when there are more connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar, Final

from typing_extensions import override

from ..contenders import DUOLOGUE, SPARING, WEBSOCKETS
from ..effort import Effort
from ..processes import Worker
from ..results import Arm, Sample
from .calls import load, talking
from .case import Case

EACH: Final = 4
"""Calls in flight on each connection: the load grows with the connections, what can be joined on one does not."""


class Connections(Case):
    """One process at each end; the cost is the processor time of both together."""

    name: ClassVar[str] = "connections"
    title: ClassVar[str] = f"cost of a call by the number of connections, {EACH} calls in flight on each"
    units: ClassVar[Mapping[str, str]] = {"cost": "µs/call", "rate": "calls/s", "p99": "µs"}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(DUOLOGUE, "uvloop"), Arm(SPARING, "uvloop"), Arm(WEBSOCKETS, "uvloop")]

    @override
    def rounds(self, effort: Effort) -> int:
        return effort.long_rounds  # thousands of calls each

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        sample: dict[str, dict[str, float]] = {}
        for count in effort.connections:
            server, client = self.hold((arm, count), partial(talking, arm, count), partial(warm_up, count, effort))
            measured = load(server, client, effort.seconds, in_flight=count * EACH)
            cost = measured["client cpu"] + measured["server cpu"]
            sample[str(count)] = {"cost": cost, "rate": measured["rate"], "p99": measured["p99"]}
        return sample


def warm_up(count: int, effort: Effort, server: Worker, client: Worker) -> None:
    client.ask("flood", in_flight=count * EACH, seconds=effort.seconds)
