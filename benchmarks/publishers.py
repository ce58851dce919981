"""Servers that publish events to whoever is connected: duologue's, and `websockets` with `broadcast`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from typing_extensions import override
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_websockets

from duologue import Bound, Limits, Service, serve
from duologue.wire import SUBPROTOCOL
from service_registry_sdk import RegistryPeer, ServiceStateChanged
from service_registry_sdk.protocol import PROTOCOL

from .payload import event
from .worker import Commands

OPENING: Final = [
    json.dumps(
        {
            "hello": {
                "protocol": PROTOCOL.name,
                "version": PROTOCOL.version,
                "api": PROTOCOL.api_level,
                "session": "NUMBER",
                "gen": 1,
            }
        }
    ),
    json.dumps({"id": "1", "action": "subscribe", "params": {"events": [ServiceStateChanged.event_name], "sub": "s1"}}),
]
"""What a subscriber of duologue says, each in a session of its own."""

SUBSCRIBER: Final = {"subprotocol": SUBPROTOCOL, "messages": OPENING}
GREETINGS: Final = 3
"""What it is answered: a `hello`, a response, `live`."""

LIMITS: Final = Limits(connections_per_address=10_000, connections_per_identity=10_000)  # one crowd, of one machine


class Nothing(Service[RegistryPeer]):
    """A service without actions: its events are all there is."""

    protocol = PROTOCOL
    peer_type = RegistryPeer

    @override
    def handlers(self) -> Sequence[Bound]:
        return ()


@asynccontextmanager
async def duologue() -> AsyncGenerator[Commands]:
    async with serve(Nothing(), "127.0.0.1", 0, limits=LIMITS) as server:

        async def port() -> int:
            return server.port

        async def publish(burst: int, first: int) -> float:
            events = [event(first + n) for n in range(burst)]
            begun = time.monotonic()
            for each in events:
                await server.emit(each)
            return begun

        yield {"port": port, "publish": publish}


@asynccontextmanager
async def websockets(*, deflate: bool = False) -> AsyncGenerator[Commands]:
    connections: set[ServerConnection] = set()

    async def handle(socket: ServerConnection) -> None:
        connections.add(socket)
        try:
            await socket.wait_closed()
        finally:
            connections.remove(socket)

    compression = "deflate" if deflate else None
    async with serve_websockets(handle, "127.0.0.1", 0, compression=compression) as server:

        async def port() -> int:
            return int(next(iter(server.sockets)).getsockname()[1])

        async def publish(burst: int, first: int) -> float:
            events = [event(first + n) for n in range(burst)]
            begun = time.monotonic()
            for each in events:
                message = json.dumps({"event": each.event_name, "data": each.model_dump(mode="json")})
                broadcast(connections, message)
            return begun

        yield {"port": port, "publish": publish}
        await asyncio.sleep(0)
