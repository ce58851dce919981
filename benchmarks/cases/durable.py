"""Mutations of the registry, each on disk before it is acknowledged."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

from typing_extensions import override

from ..effort import Effort
from ..processes import ROOT, Worker, pair
from ..results import Arm, Sample
from .case import Case, Pair

ONE: Final = "1 caller"
GROUP: Final = "64 callers, group commit"
EACH: Final = "64 callers, one commit each"


class Durable(Case):
    """Through the network, as a client sees it; the file is in the work tree, on a real disk."""

    name: ClassVar[str] = "durable"
    title: ClassVar[str] = "mutations of the registry on SQLite, acknowledged when they are on disk"
    units: ClassVar[Mapping[str, str]] = {"rate": "mutations/s", "p50": "µs", "p99": "µs"}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(GROUP, "uvloop"), Arm(EACH, "uvloop"), Arm(ONE, "uvloop")]

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        _, client = self.hold(arm, lambda: mutating(arm), lambda _, client: client.ask("flood", seconds=effort.seconds))
        measured = client.ask("flood", seconds=effort.seconds)
        return {"": {metric: measured[metric] for metric in self.units}}


@contextmanager
def mutating(arm: Arm) -> Generator[Pair]:
    """A registry with a file of its own, and its callers."""
    callers, each = (1 if arm.contender == ONE else 64), arm.contender == EACH
    (ROOT / "build").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / "build", prefix="bench-") as directory:
        server = Worker("benchmarks.registries:registry", arm.executor, directory=directory, one_commit_each=each)
        with pair(server, "benchmarks.registries:mutating", arm.executor, callers=callers) as made:
            yield made
