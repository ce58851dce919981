"""What a case is: arms that are measured in turn, and metrics with their units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import ClassVar, TypeAlias

from ..effort import Effort
from ..processes import Worker
from ..results import Arm, Sample

Pair: TypeAlias = tuple[Worker, Worker]
"""A server and its client."""


class Case(ABC):
    """A comparison.

    Attributes:
        name: As in `--only`.
        title: What is measured, in a line.
        units: For each metric its unit, the one that counts most first.
        fresh: Whether every round starts new processes, so that rounds are few.
        notes: What was to be done otherwise here than asked, and why.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    units: ClassVar[Mapping[str, str]]
    fresh: ClassVar[bool] = False

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._held: dict[Hashable, Pair] = {}
        self._stack = ExitStack()

    @abstractmethod
    def arms(self, effort: Effort) -> Sequence[Arm]:
        """Who is compared."""

    @contextmanager
    def prepared(self, effort: Effort) -> Generator[None]:
        """Make what all rounds need, and end it."""
        with self._stack:
            yield

    def rounds(self, effort: Effort) -> int:
        """How often each arm is measured."""
        return effort.long_rounds if self.fresh else effort.rounds

    @abstractmethod
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        """Measure one arm once."""

    def hold(
        self,
        key: Hashable,
        make: Callable[[], AbstractContextManager[Pair]],
        warm_up: Callable[[Worker, Worker], object],
    ) -> Pair:
        """Two processes that are kept for all rounds, and warmed up when they are new: rounds can be short and many.

        Raises:
            WorkerFailed: They cannot be had.
        """
        if key not in self._held:
            made = self._stack.enter_context(make())
            warm_up(*made)
            self._held[key] = made
        return self._held[key]
