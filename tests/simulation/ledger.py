"""What really happened, seen by nobody but the validators: handlers, their effects, the histories of events."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from typing_extensions import override

from duologue import Call, Event, LogEntry, MemoryLog
from duologue.keyed import AnswerStore, MemoryAnswers


@dataclass
class Run:
    """One run of a handler.

    Attributes:
        session: The caller's session, and which connection of it the call came on; a server's own is empty.
        deadline: When the caller stops waiting, as the handler is told.
        stopped: Whether it was cancelled.
        after_loss: Whether it went on working after it should have been stopped, since its connection was gone.
    """

    mark: str
    at: float
    session: str
    generation: int
    deadline: float | None
    ended: float | None = None
    stopped: bool = False
    after_loss: bool = False


@dataclass
class Ledger:
    """The effects of all handlers, by the mark of the task; it survives every crash."""

    runs: list[Run] = field(default_factory=list[Run])
    effects: Counter[str] = field(default_factory=Counter[str])

    def runs_of(self, mark: str) -> list[Run]:
        return [run for run in self.runs if run.mark == mark]

    def begin(self, call: Call[Any], mark: str) -> Run:
        hello = call.connection.session.peer
        session, generation = (hello.session, hello.gen) if hello is not None else ("", 0)
        run = Run(mark, anyio.current_time(), session, generation, call.deadline)
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
