"""The handler of one call, as the connection that the call came on knows it."""

from __future__ import annotations

from collections.abc import Callable

from ..drivers.port import Future, Task
from ..errors import Status
from ..session.flow import Pace
from .receiving import Receiving


class Running:
    """The handler of one call: its task, why it is to stop, and who waits for credit.

    Attributes:
        entered: Whether the task took its first step: one that is cancelled before never takes it.
        started: Whether it went on to the handler, and not only to wait for room.
    """

    __slots__ = ("began", "credit", "entered", "leave", "pace", "receiving", "started", "status", "task")

    def __init__(self) -> None:
        self.task: Task | None = None
        self.pace: Pace | None = None
        self.entered = False
        self.started = False
        self.began = False
        self.status: Status | None = None
        self.credit: dict[Future, None] = {}
        self.receiving: Receiving | None = None
        self.leave: Callable[[], None] | None = None

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
