"""Cancelling many tasks, without a turn of the event loop in which all of them unwind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

AT_ONCE: Final = 16
"""As many as there may be calls that begin in one turn: each takes about as long to unwind as to start."""


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
