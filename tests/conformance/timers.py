"""Which timers of the drivers are running, whatever event loop it is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from duologue.drivers.asyncio import AsyncioExecutor
from duologue.drivers.port import Timer
from duologue.drivers.trio_tasks import Clockwork


class _Watched:
    """A timer that says when it is no more."""

    def __init__(self, timer: Timer, forget: Callable[[], object]) -> None:
        self._timer = timer
        self._forget = forget

    def cancel(self) -> None:
        self._forget()
        self._timer.cancel()


class Timers:
    """The timers that were started and have neither fired nor been cancelled, for executors made from now on.

    Attributes:
        running: When each is due.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.running: dict[int, float] = {}
        self._numbers = count()
        for driver in (AsyncioExecutor, Clockwork):
            patch.setattr(driver, "call_at", self._watching(driver.call_at))
        patch.setattr(AsyncioExecutor, "alarm_at", self._watching(AsyncioExecutor.alarm_at))

    def _watching(self, call_at: Callable[..., Timer]) -> Callable[..., Timer]:
        def watched(driver: Any, when: float, callback: Callable[[], None]) -> Timer:
            number = next(self._numbers)

            def forget() -> None:
                self.running.pop(number, None)

            def fire() -> None:
                forget()
                callback()

            self.running[number] = when
            return _Watched(call_at(driver, when, fire), forget)

        return watched
