"""What holds the event loop for long: of much only so much in one turn of it, so that all else has its turn, too."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

AT_ONCE: Final = 16
"""As many as there may be calls that begin in one turn: each takes about as long to unwind as to start."""

A_SHARE: Final = 16
"""Where so many bursts and more wait, one in so many of the tasks that wait is cancelled with the next: on several
connections more calls can run out of time than `AT_ONCE` would ever end."""

A_FEW: Final = 4
"""As many connections as may end in one turn."""

A_CALL: Final = 4
"""Turns in which a call is read, handled and answered: one that comes between two bursts waits for one at most."""

TURNS: Final = 2 * A_CALL
"""Turns between what takes long."""

LONG_READ: Final = 16 * 1024
"""Bytes from which on a read is worth a look at how long it took, and at who else waits."""

APART: Final = 0.001
"""Seconds between the bursts of what is spread over time."""

CallSoon: TypeAlias = Callable[[Callable[[], None]], Any]


class Cancellable(Protocol):
    def cancel(self) -> Any: ...


class Countdown:
    """Calls something when others have had their turns of the event loop.

    Attributes:
        turns: Turns that are left; 0 while there is nothing to wait for.
    """

    __slots__ = ("_call_soon", "_callback", "turns")

    def __init__(self, call_soon: CallSoon, callback: Callable[[], None]) -> None:
        self.turns = 0
        self._call_soon = call_soon
        self._callback = callback

    def start(self, turns: int) -> None:
        """Call it in the last one of so many turns."""
        self.turns = turns
        self._call_soon(self._turn)

    def _turn(self) -> None:
        self.turns -= 1
        if self.turns:
            self._call_soon(self._turn)
        else:
            self._callback()


class Pace:
    """Calls in the order in which it is asked: at once what is little, and the rest in bursts.

    Args:
        at_once: As many as make a burst.
        share: A burst is one in so many of those that wait, where that is more; 0 for never.
    """

    __slots__ = ("_at_once", "_left", "_share", "_until_next", "_waiting")

    def __init__(self, call_soon: CallSoon, at_once: int, *, share: int = 0) -> None:
        self._waiting: deque[Callable[[], Any]] = deque()
        self._left = self._at_once = at_once
        self._share = share
        self._until_next = Countdown(call_soon, self._next)

    def cancel(self, one: Cancellable) -> None:
        """Cancel a task, or a scope; one that has ended meanwhile is left as it is."""
        self.call(one.cancel)

    def call(self, callback: Callable[[], Any]) -> None:
        """Call it, now or in its turn."""
        if not self._left:
            self._waiting.append(callback)
            return
        if not self._until_next.turns:
            self._until_next.start(A_CALL)
        self._left -= 1
        callback()

    def _next(self) -> None:
        self._left = self._at_once
        if self._share:
            self._left = max(self._left, len(self._waiting) // self._share)
        while self._waiting and self._left:
            self.call(self._waiting.popleft())


class Queue:
    """Calls what takes long one after the other, with turns of the event loop for all others between them."""

    __slots__ = ("_until_next", "_waiting")

    def __init__(self, call_soon: CallSoon) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._until_next = Countdown(call_soon, self._next)

    def wait(self, callback: Callable[[], None], *, first: bool = False) -> None:
        """Call it when those before it were called, and others have had their turns; `first` has none before it."""
        if first:
            self._waiting.appendleft(callback)
        else:
            self._waiting.append(callback)
        self._go_on()

    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def _go_on(self) -> None:
        if self._waiting and not self._until_next.turns:
            self._until_next.start(TURNS)

    def _next(self) -> None:
        callback = self._waiting.popleft()
        try:
            callback()
        finally:
            self._go_on()


class Spread:
    """Calls later what many may ask for at once, `A_FEW` each millisecond."""

    __slots__ = ("_call_at", "_is_under_way", "_now", "_waiting")

    def __init__(self, now: Callable[[], float], call_at: Callable[[float, Callable[[], None]], Any]) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_under_way = False
        self._now = now
        self._call_at = call_at

    def call(self, callback: Callable[[], None]) -> None:
        """Call it when those before it were called, a millisecond from now at the earliest."""
        self._waiting.append(callback)
        if not self._is_under_way:
            self._go_on()

    def _go_on(self) -> None:
        self._is_under_way = bool(self._waiting)
        if self._waiting:
            self._call_at(self._now() + APART, self._next)

    def _next(self) -> None:
        try:
            for _ in range(min(A_FEW, len(self._waiting))):
                self._waiting.popleft()()
        finally:
            self._go_on()
