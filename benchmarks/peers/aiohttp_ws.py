"""aiohttp's WebSocket, json and pydantic by hand: the fastest of the usual frameworks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import override

from ..worker import Commands
from . import foreign
from .by_hand import JsonClient, answer

aiohttp: Any = foreign("aiohttp")
web: Any = foreign("aiohttp.web")


async def handle(request: Any) -> Any:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(answer(message.data))
    return socket


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def port() -> int:
        return int(runner.addresses[0][1])

    yield {"port": port}
    await runner.cleanup()


class Asking(JsonClient):
    """See `Client`."""

    def __init__(self, socket: Any) -> None:
        super().__init__()
        self._socket = socket

    @override
    def send(self, message: str) -> Awaitable[None]:
        sending: Awaitable[None] = self._socket.send_str(message)
        return sending

    @override
    def new_outcome(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    @override
    def wait_for(self, outcome: asyncio.Future[Any]) -> Awaitable[Any]:
        return outcome

    async def read(self) -> None:
        async for message in self._socket:
            self.settle(message.data)


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/", max_msg_size=0) as socket,
    ):
        asking = Asking(socket)
        reader = asyncio.create_task(asking.read())
        yield asking
        reader.cancel()
