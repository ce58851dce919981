"""A subscriber that comes back finds what it has missed, however long the log is."""

from __future__ import annotations

import statistics
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

from typing_extensions import override

from ..effort import Effort
from ..processes import ROOT, Worker, pair
from ..registries import fill
from ..results import Arm, Sample
from .case import Case, Pair

SHORT: Final = "the shorter log"
LONG: Final = "the longer log"
TIMES: Final = 5


class Resume(Case):
    """Both registries run all the time, and are asked in turn."""

    name: ClassVar[str] = "resume"
    title: ClassVar[str] = (
        "resuming a subscription 1,000 events behind, in a short log and in one a hundred times as long"
    )
    units: ClassVar[Mapping[str, str]] = {"time": "ms", "entries": "entries"}

    def __init__(self) -> None:
        super().__init__()
        self._workers: dict[str, Pair] = {}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(SHORT, "uvloop"), Arm(LONG, "uvloop")]

    @override
    @contextmanager
    def prepared(self, effort: Effort) -> Generator[None]:
        (ROOT / "build").mkdir(exist_ok=True)
        with TemporaryDirectory(dir=ROOT / "build", prefix="bench-") as home, ExitStack() as stack:
            for arm, entries in zip(self.arms(effort), effort.logs, strict=True):
                directory = Path(home, str(entries))
                fill(directory, entries)
                worker = Worker("benchmarks.registries:registry", arm.executor, directory=str(directory))
                talking = pair(worker, "benchmarks.registries:returning", arm.executor)
                self._workers[arm.contender] = stack.enter_context(talking)
            yield

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        server, client = self._workers[arm.contender]
        epoch, seq = server.ask("position")
        times = [client.ask("resume", epoch=epoch, seq=seq, behind=effort.behind) for _ in range(TIMES)]
        return {"": {"time": statistics.median(times) * 1e3, "entries": seq}}
