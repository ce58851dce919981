"""What holds the event loop for long: of much only so much in one turn of it, so that all else has its turn, too."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

AT_ONCE: Final = 16
"""As many as there may be calls that begin in one turn: each takes about as long to unwind as to start."""


TURNS: Final = 8
"""Turns between what takes long: a call is read, handled and answered within half of them, and waits for one such."""


class Cancellable(Protocol):
    def cancel(self) -> Any: ...


class Pace:
    """Cancels in the order in which it is asked: at once what is little, and of more so many a turn."""

    __slots__ = ("_call_soon", "_left", "_waiting")

    def __init__(self, call_soon: Callable[[Callable[[], None]], Any]) -> None:
        self._call_soon = call_soon
        self._waiting: deque[Cancellable] = deque()
        self._left = AT_ONCE

    def cancel(self, one: Cancellable) -> None:
        """Cancel a task, or a scope; one that has ended meanwhile is left as it is."""
        if not self._left:
            self._waiting.append(one)
            return
        if self._left == AT_ONCE:
            self._call_soon(self._next_turn)
        self._left -= 1
        one.cancel()

    def _next_turn(self) -> None:
        self._left = AT_ONCE
        while self._waiting and self._left:
            self.cancel(self._waiting.popleft())


class Queue:
    """Calls what takes long one after the other, with turns of the event loop for all others between them."""

    __slots__ = ("_call_soon", "_turns", "_waiting")

    def __init__(self, call_soon: Callable[[Callable[[], None]], Any]) -> None:
        self._call_soon = call_soon
        self._waiting: deque[Callable[[], None]] = deque()
        self._turns = 0

    def wait(self, callback: Callable[[], None]) -> None:
        """Call it when those before it were called, and others have had their turns."""
        self._waiting.append(callback)
        self._go_on()

    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def _go_on(self) -> None:
        if self._waiting and not self._turns:
            self._turns = TURNS
            self._call_soon(self._turn)

    def _turn(self) -> None:
        self._turns -= 1
        if self._turns:
            self._call_soon(self._turn)
            return
        callback = self._waiting.popleft()
        try:
            callback()
        finally:
            self._go_on()
