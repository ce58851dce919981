"""`websockets` on asyncio, json and pydantic by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import override
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from ..worker import Commands
from .by_hand import JsonClient, answer


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    async def handle(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(answer(message))

    async with serve_websockets(handle, "127.0.0.1", 0, compression=None) as server:

        async def port() -> int:
            return int(next(iter(server.sockets)).getsockname()[1])

        yield {"port": port}


class Asking(JsonClient):
    """See `Client`."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__()
        self._socket = socket

    @override
    def send(self, message: str) -> Awaitable[None]:
        return self._socket.send(message)

    @override
    def new_outcome(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    @override
    def wait_for(self, outcome: asyncio.Future[Any]) -> Awaitable[Any]:
        return outcome

    async def read(self) -> None:
        async for message in self._socket:
            self.settle(message)


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    async with connect_websocket(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as socket:
        asking = Asking(socket)
        reader = asyncio.create_task(asking.read())
        yield asking
        reader.cancel()
