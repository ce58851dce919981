"""The registry on SQLite, as a program to measure: mutations, and subscribers that come back."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

import anyio
from typing_extensions import override

from duologue import Position, serve
from duologue.garbage import sparing
from duologue_registry.clock import SystemClock
from duologue_registry.serving.service import Registry
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import Answer, Request
from service_registry_sdk import (
    Local,
    ManagedProcess,
    RegistryClient,
    ServiceState,
    ServiceStateChanged,
)

from .load import flood
from .payload import event
from .worker import Commands

CYCLE: Final = (ServiceState.STARTING, ServiceState.RUNNING, ServiceState.STOPPED)
"""States that follow each other for ever, each a mutation."""


class OneCommitEach(JournaledStore):
    """A store whose callers wait for each other: no two changes share a commit."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._turn = anyio.Lock()

    @override
    async def commit(self, requests: Iterable[Request]) -> Sequence[Answer]:
        async with self._turn:
            return await super().commit(requests)


@asynccontextmanager
async def registry(*, directory: str, one_commit_each: bool = False) -> AsyncGenerator[Commands]:
    """A program: the registry's service on a store in that directory."""
    store_class = OneCommitEach if one_commit_each else JournaledStore
    journal = SqliteJournal(Path(directory))
    async with store_class.open(journal, SystemClock()) as store, serve(Registry(store), "127.0.0.1", 0) as server:

        async def port() -> int:
            return server.port

        async def position() -> tuple[str, int]:
            return store.position.epoch, store.position.seq

        with sparing():
            yield {"port": port, "position": position}


@asynccontextmanager
async def mutating(*, port: int, callers: int) -> AsyncGenerator[Commands]:
    """A program: callers that each move a service of their own from state to state."""
    async with RegistryClient.open(f"ws://127.0.0.1:{port}") as client:
        mutations = [await _mutation(client, f"service-{n}") for n in range(callers)]

        async def measure(seconds: float) -> dict[str, float]:
            return await flood(mutations, seconds)

        yield {"flood": measure}


async def _mutation(client: RegistryClient, name: str) -> Callable[[], Awaitable[object]]:
    states = itertools.cycle(CYCLE)
    await client.register_service(
        name=name, version="1.4.0", execution=ManagedProcess(command=["bin/api"]), location=Local()
    )

    async def mutate() -> None:
        await client.update_state(name=name, state=next(states))

    return mutate


@asynccontextmanager
async def returning(*, port: int) -> AsyncGenerator[Commands]:
    """A program: a subscriber that was away, and reads what it has missed."""
    async with RegistryClient.open(f"ws://127.0.0.1:{port}") as client:

        async def resume(epoch: str, seq: int, behind: int) -> float:
            begun = time.perf_counter()
            async with client.events.service_state_changed(since=Position(epoch, seq - behind)) as changes:
                missed = [await anext(changes) for _ in range(behind)]
            took = time.perf_counter() - begun
            assert missed[-1].revision == seq
            return took

        yield {"resume": resume}


def fill(directory: Path, entries: int) -> None:
    """Make a registry's file with so many entries in its log, much faster than the registry could."""
    journal = SqliteJournal(directory)
    journal.load()
    journal.close()
    start, end = event(0).to_wire().decode().rsplit("0", 1)
    rows = (
        (seq, seq, "bench", seq, None, None, "web-api", ServiceStateChanged.event_name, f"{start}{seq}{end}")
        for seq in range(1, entries + 1)
    )
    with closing(sqlite3.connect(journal.path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        with database:
            database.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            database.execute("UPDATE registry SET revision = ?", (entries,))
