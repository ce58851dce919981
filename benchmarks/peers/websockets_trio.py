"""`websockets` on trio, json and pydantic by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
from typing_extensions import override
from websockets.trio.client import ClientConnection
from websockets.trio.client import connect as connect_websocket
from websockets.trio.server import Server, ServerConnection
from websockets.trio.server import serve as serve_websockets

from ..worker import Commands
from .by_hand import JsonClient, answer


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    async def handle(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(answer(message))

    async with trio.open_nursery() as nursery:
        serving = partial(serve_websockets, handle, 0, host="127.0.0.1", compression=None)
        server: Server = await nursery.start(serving)

        async def port() -> int:
            return int(server.listeners[0].socket.getsockname()[1])

        yield {"port": port}
        nursery.cancel_scope.cancel()


class Outcome:
    """A result to wait for."""

    def __init__(self) -> None:
        self._done = trio.Event()
        self._result: Any = None

    def set_result(self, result: Any) -> None:
        self._result = result
        self._done.set()

    async def wait(self) -> Any:
        await self._done.wait()
        return self._result


class Asking(JsonClient):
    """See `Client`."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__()
        self._socket = socket

    @override
    def send(self, message: str) -> Awaitable[None]:
        return self._socket.send(message)

    @override
    def new_outcome(self) -> Outcome:
        return Outcome()

    @override
    def wait_for(self, outcome: Outcome) -> Awaitable[Any]:
        return outcome.wait()

    async def read(self) -> None:
        async for message in self._socket:
            self.settle(message)


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    async with (
        connect_websocket(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as socket,
        trio.open_nursery() as nursery,
    ):
        asking = Asking(socket)
        nursery.start_soon(asking.read)
        yield asking
        nursery.cancel_scope.cancel()
