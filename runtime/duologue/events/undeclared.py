"""What comes and is not in the spec: kept for whoever wants to see it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec import Raw, Struct
from typing_extensions import override

from ..drivers.port import Future, wake
from ..wire import Foreign, Message, plain

if TYPE_CHECKING:
    from ..client.client import Client


class Undeclared(Struct, frozen=True, kw_only=True):
    """An event that the spec does not have, or a message that is nothing of what `wire` describes.

    Attributes:
        name: The event's name; None for a message that is no event.
        data: Its data, or the whole message, as JSON in plain Python.
        route: What it is for, where the protocol's messages say so.
    """

    name: str | None
    data: Any
    route: int | str | None = None

    @classmethod
    def of(cls, message: Message) -> Undeclared:
        """What a message holds that nothing of the spec is."""
        route = route_of(message)
        if isinstance(message.event, str):
            data = plain(message.data) if isinstance(message.data, Raw) else None
            return cls(name=message.event, data=data, route=route)
        whole = message.whole if isinstance(message, Foreign) else None
        return cls(name=None, data=None if whole is None else plain(whole), route=route)


def route_of(message: Message) -> int | str | None:
    """The route of a message; None where it has none."""
    return plain_route(message.route) if isinstance(message, Foreign) else None


def plain_route(route: Raw | None) -> int | str | None:
    """A route as a user sees it."""
    value = None if route is None else plain(route)
    return value if isinstance(value, (int, str)) else None


class UndeclaredStream(AbstractAsyncContextManager["UndeclaredStream"]):
    """What comes to a client and is not in the spec. Enter it, then iterate.

    Attributes:
        lost: How many were dropped, since too many waited to be read.
    """

    def __init__(self, client: Client) -> None:
        self.lost = 0
        self._client = client
        self._queue: deque[Undeclared] = deque()
        self._waiting: Future | None = None
        self._done = False

    @override
    async def __aenter__(self) -> Self:
        self._client.hub.undeclared[self] = None
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._client.hub.undeclared.pop(self, None)
        self.end()

    def __aiter__(self) -> AsyncIterator[Undeclared]:
        return self

    async def __anext__(self) -> Undeclared:
        """The next one; waits for it."""
        while not self._queue:
            if self._done:
                raise StopAsyncIteration
            self._waiting = self._client.executor.future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._queue.popleft()

    def offer(self, message: Message) -> None:
        """Something came."""
        if len(self._queue) < self._client.limits.event_queue:
            self._queue.append(Undeclared.of(message))
            self._wake()
        else:
            self.lost += 1

    def end(self) -> None:
        """Nothing more will come."""
        self._done = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None:
            wake(self._waiting)
