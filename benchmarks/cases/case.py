"""What a case is: arms that are measured in turn, and metrics with their units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

from ..effort import Effort
from ..results import Arm, Sample


class Case(ABC):
    """A comparison.

    Attributes:
        name: As in `--only`.
        title: What is measured, in a line.
        units: For each metric its unit, the one that counts most first.
        notes: What was to be done otherwise here than asked, and why.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    units: ClassVar[Mapping[str, str]]

    def __init__(self) -> None:
        self.notes: list[str] = []

    @abstractmethod
    def arms(self, effort: Effort) -> Sequence[Arm]:
        """Who is compared."""

    @contextmanager
    def prepared(self, effort: Effort) -> Generator[None]:
        """Make what all rounds need."""
        yield

    @abstractmethod
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        """Measure one arm once."""
