"""The handler of one call, as the connection that the call came on knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..drivers.port import Future, Task
from ..errors import Status
from ..session.flow import Pace
from .receiving import Receiving
from .service import Call


class Running(Call[Any], eq=False):
    """What the handler of a call is given; its task, why it is to stop, and who waits for credit are kept there, too.

    One object of both, since with thousands of calls in flight they are what garbage collection looks at.

    Attributes:
        entered: Whether the task took its first step: one that is cancelled before never takes it.
        started: Whether it went on to the handler, and not only to wait for room.
        began: Whether the user's handler was called.
    """

    task: Task | None = None
    entered: bool = False
    started: bool = False
    began: bool = False
    status: Status | None = None
    leave: Callable[[], None] | None = None
    receiving: Receiving | None = None
    pace: Pace | None = None
    credit: dict[Future, None] | None = None

    def take_leave(self) -> Callable[[], None]:
        """How the handler's place at the gate is given back, for whoever does it: once."""
        leave, self.leave = self.leave, None
        return leave or _nothing

    @property
    def may_have_run(self) -> bool:
        """Whether the user's handler may have started."""
        return self.began or (self.receiving is not None and self.receiving.passed)

    @property
    def stopped_for(self) -> Status:
        """What the caller is told when the task was cancelled."""
        return self.status or Status.CANCELLED


def _nothing() -> None:
    """What is to be done where no place was taken."""
