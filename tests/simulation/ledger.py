"""What really happened, seen by nobody but the validators: handlers, their effects, the histories of events."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from typing_extensions import override

from duologue import AnswerStore, Call, Event, LogEntry, MemoryLog
from duologue.drivers import current
from duologue.handling.answers import MemoryAnswers
from duologue.session.states import Role


@dataclass
class Run:
    """One run of a handler.

    Attributes:
        session: The client's session, and which connection of it the call came on, whoever called whom.
        came: Size and digest of what was uploaded, as the handler read it; None where nothing was.
        deadline: When the caller stops waiting, as the handler is told.
        stopped: Whether it was cancelled.
        asks: Whether it waits, or waited when it ended, for its caller to answer a call of its own.
        after_loss: Whether it went on working after it should have been stopped, since its connection was gone.
    """

    mark: str
    at: float
    session: str
    generation: int
    deadline: float | None
    ended: float | None = None
    stopped: bool = False
    asks: bool = False
    after_loss: bool = False
    came: tuple[int, str] | None = None


@dataclass
class Ledger:
    """The effects of all handlers, by the mark of the task; it survives every crash.

    Attributes:
        folder: Where uploads are held, at either end; the system's folder when there is none.
    """

    folder: Path | None = None
    runs: list[Run] = field(default_factory=list[Run])
    effects: Counter[str] = field(default_factory=Counter[str])

    def runs_of(self, mark: str) -> list[Run]:
        return [run for run in self.runs if run.mark == mark]

    def begin(self, call: Call[Any], mark: str) -> Run:
        session = call.connection.session
        client = session.peer if session.role is Role.SERVER else session._hello
        assert client is not None, "a client tells who it is before it calls"
        run = Run(mark, current().now(), client.session, client.gen, call.deadline)
        self.runs.append(run)
        return run


class RecordedLog(MemoryLog):
    """A log of which the validators know all that it ever held."""

    def __init__(self, capacity: int = 10_000) -> None:
        super().__init__(capacity)
        self.capacity = capacity
        self.held: list[Event] = []

    @override
    async def append(self, event: Event) -> LogEntry:
        self.held.append(event)
        return await super().append(event)

    @override
    async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        await anyio.sleep(random.uniform(0, 0.3))  # what happens meanwhile is where replays go wrong
        return await super().read(after, min(limit, 3))


class Store:
    """What a server keeps over a crash: its log, and the answers to keyed calls."""

    def __init__(self) -> None:
        self.log = RecordedLog()
        self.answers: AnswerStore = MemoryAnswers(now=anyio.current_time)

    async def lost(self, *, refilled: bool) -> Store:
        """A store after its loss; the log may have grown back to the same number, with other entries."""
        store = Store()
        if refilled:
            for event in self.log.held:
                await store.log.append(event.model_copy(update={"number": -event.number}))  # type: ignore[attr-defined]
        return store
