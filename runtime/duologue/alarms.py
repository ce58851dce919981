"""Actions that are due later, with one timer of the driver for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from .deadlines import Deadline, Deadlines
from .drivers.port import Executor, Timer

Action: TypeAlias = Callable[[], None]
Alarm: TypeAlias = Deadline[Action]


class Alarms:
    """The alarms of one connection."""

    __slots__ = ("_deadlines", "_executor", "_stopped", "_timer", "_timer_at")

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._deadlines: Deadlines[Action] = Deadlines()
        self._stopped = False
        self._timer: Timer | None = None
        self._timer_at = 0.0

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
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        when = self._deadlines.next()
        if when is None or self._stopped or (self._timer is not None and self._timer_at <= when):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._executor.call_at(when, self._ring), when

    def _ring(self) -> None:
        self._timer = None
        if self._stopped:
            return
        for action in self._deadlines.due(self._executor.now()):
            action()
        self._arm()
