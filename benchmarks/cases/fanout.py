"""One event, or a burst of them, to many subscribers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final

from typing_extensions import override

from ..contenders import DUOLOGUE
from ..effort import Effort
from ..processes import Worker, pair
from ..publishers import GREETINGS, SUBSCRIBER
from ..results import Arm, Sample
from .case import Case, Pair

BROADCAST: Final = "websockets.broadcast"
BURSTS: Final = (1, 10)


class Fanout(Case):
    """Subscribers are bare sockets in a process of their own, the same for all."""

    name: ClassVar[str] = "fanout"
    title: ClassVar[str] = "events of 340 bytes to many subscribers, by subscribers and events at once"
    units: ClassVar[Mapping[str, str]] = {"rate": "deliveries/s", "cost": "µs/delivery", "time": "ms"}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        duologue = [Arm(DUOLOGUE, executor) for executor in ("uvloop", "asyncio", "trio")]
        return [*duologue, Arm(BROADCAST, "uvloop"), Arm(BROADCAST, "asyncio")]

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        sample: dict[str, dict[str, float]] = {}
        program, greetings, opening = "websockets", 0, dict[str, Any]()
        if arm.contender == DUOLOGUE:
            program, greetings, opening = "duologue", GREETINGS, SUBSCRIBER

        def start() -> AbstractContextManager[Pair]:
            publisher = Worker(f"benchmarks.publishers:{program}", arm.executor)
            return pair(publisher, "benchmarks.sinks:crowd", "uvloop", **opening)

        for count in effort.subscribers:

            def fill(server: Worker, crowd: Worker, count: int = count) -> None:
                crowd.ask("grow", count=count, greetings=greetings)
                for burst in BURSTS:
                    publish(server, crowd, count, burst, 2)

            server, crowd = self.hold((arm, count), start, fill)
            for burst in BURSTS:
                times = max(2, effort.deliveries // (count * burst))
                sample[f"{count}x{burst}"] = publish(server, crowd, count, burst, min(times, 20))
        return sample


def publish(server: Worker, crowd: Worker, subscribers: int, burst: int, times: int) -> dict[str, float]:
    """Publish so many times, each time when the last event has reached everybody."""
    frames = subscribers * burst
    took: list[float] = []
    before = server.ask("cpu")
    for n in range(times):
        crowd.ask("expect", frames=frames)
        begun = server.ask("publish", burst=burst, first=n * burst)
        took.append(crowd.ask("arrived") - begun)
    cost = (server.ask("cpu") - before) / (frames * times)
    took.sort()
    middle = took[len(took) // 2]
    return {"rate": frames / middle, "cost": cost * 1e6, "time": middle * 1e3}
