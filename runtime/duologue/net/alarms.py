"""A timer that can be set again and again, for whatever is due first."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..drivers.port import Executor, Timer


class OneTimer:
    """The one timer of the driver, for whatever is due first.

    Attributes:
        at: When it rings; infinity while it is not set.
    """

    __slots__ = ("_executor", "_ring", "_timer", "at")

    def __init__(self, executor: Executor, ring: Callable[[], None]) -> None:
        self.at = math.inf
        self._executor = executor
        self._ring = ring
        self._timer: Timer | None = None

    def set(self, when: float) -> None:
        """Ring then, and not when it would have."""
        self.stop()
        self.at, self._timer = when, self._executor.alarm_at(when, self._due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.at, self._timer = math.inf, None

    def _due(self) -> None:
        self.at, self._timer = math.inf, None
        self._ring()
