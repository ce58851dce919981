"""What one connection has read and not handled yet, and how long it lets others go first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..drivers.pace import TURNS
from ..drivers.port import Executor
from ..limits import KIB

LONG_READ: Final = 16 * KIB
"""Bytes from which on it is worth a look at the clock how long they took: small messages have their own limit."""

LONG_PASS: Final = 0.001
"""Seconds of a pass after which others have several turns of the event loop, and not one: of all connections that
take so long one has a pass in that time."""


class Backlog:
    """Leaves others their turns between the passes of one connection.

    Args:
        go_on: Begins the next pass.

    Attributes:
        parts: What was read and is not handled yet, in order.
        turns: Turns of its own until the next pass; 0 while there is nothing to wait for.
    """

    __slots__ = ("_executor", "_go_on", "parts", "turns")

    def __init__(self, executor: Executor, go_on: Callable[[], None]) -> None:
        self.parts: list[bytes] = []
        self.turns = 0
        self._executor = executor
        self._go_on = go_on

    def queue(self, data: bytes) -> bool:
        """Let those go first who wait because their passes took long, before this is looked at; False where none do.

        Else who opens a connection for each bomb has the first one of each handled at once, and those that are left
        behind, with all that was read on them, become ever more.
        """
        if not self._executor.has_in_turn():
            return False
        self.parts.append(data)
        self.turns = 1
        self._executor.call_in_turn(self._turn)
        return True

    def wait(self, since: float, *, is_open: bool) -> bool:
        """Let others have their turn after a pass that began then; False where it was short, and all that there is.

        Args:
            is_open: Whether the connection is to go on; who is being closed may wait longer for its end.
        """
        if self._executor.now() - since > LONG_PASS:
            self.turns = 1
            self._executor.call_in_turn(self._turn)
        elif self.parts:
            self.turns = 1 if is_open else TURNS
            self._executor.call_soon(self._turn)
        else:
            return False
        return True

    def _turn(self) -> None:
        self.turns -= 1
        if self.turns:
            self._executor.call_soon(self._turn)
        else:
            self._go_on()
