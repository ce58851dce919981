"""A clock that the test moves by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from duologue.drivers.pace import A_FEW, Pace, Queue, Spread


class ManualTimer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualExecutor:
    """A clock that stands, timers that fire when it is moved, callbacks that run when asked to."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.timers: list[ManualTimer] = []
        self.soon: deque[Callable[[], None]] = deque()
        self.queue = Queue(self.call_soon)
        self.ending = Pace(self.call_soon, A_FEW)
        self.call_spread = Spread(self.now, self.call_at).call

    def now(self) -> float:
        return self.time

    def call_at(self, when: float, callback: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(when, callback)
        self.timers.append(timer)
        return timer

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    call_together = call_soon

    def call_a_few(self, callback: Callable[[], None]) -> None:
        self.ending.call(callback)

    def call_in_turn(self, callback: Callable[[], None], *, first: bool = False) -> None:
        self.queue.wait(callback, first=first)

    def has_in_turn(self) -> bool:
        return self.queue.has_waiting()

    alarm_at = call_at

    def turn(self) -> None:
        """What is ready now, and not what it makes ready."""
        for _ in range(len(self.soon)):
            self.soon.popleft()()

    def advance(self, seconds: float) -> None:
        until = self.time + seconds
        while due := [timer for timer in self.timers if timer.callback is not None and timer.when <= until]:
            timer = min(due, key=lambda timer: timer.when)
            self.time = max(self.time, timer.when)
            callback, timer.callback = timer.callback, None
            assert callback is not None
            callback()
        self.time = until

    @property
    def pending(self) -> int:
        return sum(timer.callback is not None for timer in self.timers)
