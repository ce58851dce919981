"""Actions that are due later, with one timer of the driver for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from ..deadlines import Deadline, Deadlines
from ..drivers.port import Executor, Timer

Action: TypeAlias = Callable[[], None]
Alarm: TypeAlias = Deadline[Action]


class OneTimer:
    """The one timer of the driver, for whatever is due first.

    Attributes:
        at: When it rings; infinity while it is not set.
    """

    __slots__ = ("_executor", "_ring", "_timer", "at")

    def __init__(self, executor: Executor, ring: Action) -> None:
        self.at = math.inf
        self._executor = executor
        self._ring = ring
        self._timer: Timer | None = None

    def set(self, when: float) -> None:
        """Ring then, unless it rings earlier."""
        if when < self.at:
            self.stop()
            self.at, self._timer = when, self._executor.call_at(when, self._due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.at, self._timer = math.inf, None

    def _due(self) -> None:
        self.at, self._timer = math.inf, None
        self._ring()


class Alarms:
    """The alarms of one connection."""

    __slots__ = ("_deadlines", "_executor", "_stopped", "_timer")

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._deadlines: Deadlines[Action] = Deadlines()
        self._stopped = False
        self._timer = OneTimer(executor, self._ring)

    def after(self, delay: float, action: Action) -> Alarm:
        return self.at(self._executor.now() + delay, action)

    def at(self, when: float, action: Action) -> Alarm:
        alarm = self._deadlines.push(when, action)
        self._arm()
        return alarm

    def discard(self, alarm: Alarm) -> None:
        self._deadlines.discard(alarm)

    def stop(self) -> None:
        """Nothing is to happen any more."""
        self._stopped = True
        self._timer.stop()

    def _arm(self) -> None:
        when = self._deadlines.next()
        if when is not None and not self._stopped:
            self._timer.set(when)

    def _ring(self) -> None:
        if self._stopped:
            return
        for action in self._deadlines.due(self._executor.now()):
            action()
        self._arm()
