"""What one connection has read and not handled yet, and how long it lets others go first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..drivers.pace import A_CALL, TURNS, Countdown
from ..drivers.port import Executor

LONG_PASS: Final = 0.001
"""Seconds of a pass after which others have several turns of the event loop, and not one: of all connections that
take so long one has a pass in that time."""


class Backlog(Countdown):
    """Leaves others their turns between the passes of one connection.

    Args:
        go_on: Begins the next pass.

    Attributes:
        parts: What was read and is not handled yet, in order.
    """

    __slots__ = ("_executor", "parts")

    def __init__(self, executor: Executor, go_on: Callable[[], None]) -> None:
        super().__init__(executor.call_soon, go_on)
        self.parts: list[bytes] = []
        self._executor = executor

    def queue(self, data: bytes) -> bool:
        """Let those go first who wait because their passes took long, before this is looked at; False where none do.

        Else who opens a connection for each bomb has the first one of each handled at once, and those that are left
        behind, with all that was read on them, become ever more.
        """
        if not self._executor.has_in_turn():
            return False
        self.parts.append(data)
        self._stand_in_line()
        return True

    def wait(self, since: float, *, is_open: bool, inflates: bool, is_half_done: bool) -> bool:
        """Let others have their turn after a pass that began then; False where it was short, and all that there is.

        Args:
            is_open: Whether the connection is to go on; who is being closed may wait longer for its end.
            inflates: Whether what comes may be compressed, and so may take long, however little it is.
            is_half_done: Whether a message is inflated in part. It is finished before another one is begun: of
                thousands that were inflated side by side each would be held nearly whole.
        """
        if is_half_done:
            self._stand_in_line(first=True)
        elif self._executor.now() - since > LONG_PASS or (
            inflates and bool(self.parts) and self._executor.has_in_turn()
        ):
            self._stand_in_line()
        elif self.parts:
            self.start(A_CALL if is_open else TURNS)
        else:
            return False
        return True

    def _stand_in_line(self, *, first: bool = False) -> None:
        """The next pass begins when those of other connections that take long have had theirs."""
        self.turns = 1
        self._executor.call_in_turn(self._turn, first=first)
