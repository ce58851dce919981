"""Many agents of one registry, all of them heard of all the time, while everything is changed."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

from typing_extensions import override

from ..effort import Effort
from ..processes import ROOT, Worker
from ..results import Arm, Sample
from .case import Case

QUIET: Final = "heartbeats and reports"
ROLLING: Final = "the same, and deployments to all nodes"
PREPARING: Final = 300.0
"""Seconds that all services may take to be registered."""


class Agents(Case):
    """Through real sockets: each agent has a connection, and so have the operator and who asks; on a real disk."""

    name: ClassVar[str] = "agents"
    title: ClassVar[str] = "`get_service` while many agents are attached, 20 services each"
    units: ClassVar[Mapping[str, str]] = {
        "p99": "ms",
        "p50": "ms",
        "heartbeats/s": "heartbeats/s",
        "installs/s": "installs/s",
        "cpu": "% of a core",
    }

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(QUIET, "uvloop"), Arm(ROLLING, "uvloop")]

    @contextmanager
    @override
    def prepared(self, effort: Effort) -> Generator[None]:
        (ROOT / "build").mkdir(exist_ok=True)
        with TemporaryDirectory(dir=ROOT / "build", prefix="bench-") as directory, self._stack:
            enter = self._stack.enter_context
            self._registry = enter(
                Worker("benchmarks.fleets:registry", "uvloop", directory=directory, agents=effort.agents)
            )
            known = {"port": self._registry.ask("port"), "agents": effort.agents}
            self._fleet = Worker("benchmarks.fleets:fleet", "uvloop", **known)
            self._fleet.starting = PREPARING
            enter(self._fleet)
            self._prober = enter(Worker("benchmarks.fleets:prober", "uvloop", **known))
            yield

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        seconds = effort.seconds * 25  # enough calls for a 99th percentile
        self._fleet.ask("turn", on=arm.contender == ROLLING)
        before = self._registry.ask("cpu")
        with ThreadPoolExecutor() as both:
            doing = both.submit(self._fleet.ask, "during", seconds=seconds)
            times = self._prober.ask("probe", seconds=seconds)
            done = doing.result()
        used = (self._registry.ask("cpu") - before) / seconds * 100
        return {"": {**times, **done, "cpu": used}}
