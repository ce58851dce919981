"""An observer that writes down what it is told, and two ends that have one each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from tests.runtime.chat import ChatClient, ChatPeer
from tests.runtime.support import BOUND, Room, url_of
from typing_extensions import override

from duologue import (
    Connection,
    ConnectionClosed,
    Fate,
    ObservedCall,
    Observer,
    Outcome,
    Server,
    serve,
)


class Notes(Observer):
    """Everything that happened, in order: a name, and what there is to tell."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.started: list[ObservedCall] = []
        self.ended: list[tuple[ObservedCall, Outcome]] = []

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [what[1:] for what in self.told if what[0] == kind]

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Direction, action and status of the calls that ended."""
        return [(call.direction, call.action, outcome.status or "ok") for call, outcome in self.ended]

    @override
    def connection_opened(self, connection: Connection) -> None:
        self.told.append(("opened", connection))

    @override
    def connection_closed(self, connection: Connection, closed: ConnectionClosed) -> None:
        self.told.append(("closed", connection, closed.close_code, closed.reason))

    @override
    def refused(self, limit: str, peer: str, connection: Connection | None) -> None:
        self.told.append(("refused", limit, peer, connection))

    @override
    def call_started(self, call: ObservedCall) -> None:
        self.started.append(call)

    @override
    def call_ended(self, call: ObservedCall, outcome: Outcome) -> None:
        self.told.append(("call ended", call.connection))
        self.ended.append((call, outcome))

    @override
    def events(self, connection: Connection, event: str, fate: Fate, count: int) -> None:
        self.told.append(("events", event, fate, count))

    @override
    def reset(self, events: Sequence[str], reason: str) -> None:
        self.told.append(("reset", tuple(events), reason))

    @override
    def reconnecting(self, error: Exception, delay: float) -> None:
        self.told.append(("reconnecting", error, delay))


@asynccontextmanager
async def observed(
    room: Any = None, *, more: Sequence[Observer] = (), **options: Any
) -> AsyncGenerator[tuple[Server[ChatPeer], Notes]]:
    """A server that tells its notes, and more, for at most `BOUND` seconds; `options` are `serve`'s."""
    notes = Notes()
    with anyio.fail_after(BOUND):
        async with serve(room or Room(), "127.0.0.1", 0, observers=[*more, notes], **options) as server:
            yield server, notes


@asynccontextmanager
async def both_observed(
    room: Any = None, *, client: dict[str, Any] | None = None, **options: Any
) -> AsyncGenerator[tuple[ChatClient, Notes, Notes]]:
    """A client and what it was told, and what the server was told."""
    async with observed(room, **options) as (server, theirs):
        ours = Notes()
        async with ChatClient.open(url_of(server), observers=[ours], **(client or {})) as one:
            yield one, ours, theirs
