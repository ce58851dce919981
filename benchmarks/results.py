"""What was measured: samples by case, contender, executor and metric, and their medians."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from typing_extensions import override


class Arm(NamedTuple):
    """Who is measured: a contender, and the event loop that it runs on (`-` where there is none)."""

    contender: str
    executor: str = "-"

    @override
    def __str__(self) -> str:
        return self.contender if self.executor == "-" else f"{self.contender}, {self.executor}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of an arm in a case."""

    case: str
    arm: Arm
    metric: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of `build/bench.json`: median, least and greatest of the rounds."""

    case: str
    contender: str
    executor: str
    metric: str
    unit: str
    median: float
    min: float
    max: float


Sample = Mapping[str, Mapping[str, float]]
"""One measurement: for each variant of a case (as in `calls/64`), for each metric, a number."""


class Results:
    """All samples of a run."""

    def __init__(self) -> None:
        self._units: dict[tuple[str, str], str] = {}
        self._samples: dict[tuple[str, Arm, str], list[float]] = {}

    def declare(self, case: str, units: Mapping[str, str]) -> None:
        """The metrics of a case, and their units."""
        self._units.update({(case, metric): unit for metric, unit in units.items()})

    def unit(self, case: str, metric: str) -> str:
        """The unit of a metric; all variants of a case (`calls/64`) have those of the case."""
        return self._units[case.partition("/")[0], metric]

    def add(self, case: str, arm: Arm, sample: Sample) -> None:
        for variant, metrics in sample.items():
            name = f"{case}/{variant}" if variant else case
            for metric, value in metrics.items():
                self._samples.setdefault((name, arm, metric), []).append(value)

    def rows(self) -> Iterator[Row]:
        for (case, arm, metric), values in self._samples.items():
            middle = statistics.median(values)
            unit = self.unit(case, metric)
            yield Row(case, arm.contender, arm.executor, metric, unit, middle, min(values), max(values))

    def median(self, case: str, arm: Arm, metric: str) -> float | None:
        """None where that was not measured."""
        values = self._samples.get((case, arm, metric))
        return None if values is None else statistics.median(values)

    def ratio(self, of: Figure, against: Figure) -> float | None:
        """How many times the one the other is: the median over the rounds of what it is within a round.

        What else the machine does changes from round to round, and within one falls on both. None where one of them was
        not measured.
        """
        ours, theirs = (self._samples.get((f.case, f.arm, f.metric)) for f in (of, against))
        if not ours or not theirs:
            return None
        if len(ours) != len(theirs):  # one of them failed in some round
            return statistics.median(ours) / statistics.median(theirs)
        return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([asdict(row) for row in self.rows()], indent=1) + "\n")


def number(value: float) -> str:
    """With three digits that say something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
