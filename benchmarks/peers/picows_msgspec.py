"""picows, msgspec and pydantic by hand: what an expert writes who wants a WebSocket of Python to be as fast as it can.

The answer is made in the read callback, envelopes are spliced around raw payloads, ids are numbers. It has no
deadlines, no limits, no cancellation, and no handler may ever wait: the limit to compare with, not a design to copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from service_registry_sdk import GetServiceParams, ListServicesParams, ListServicesResult, ServiceEntry

from ..payload import NAME, answer_of
from ..worker import Commands
from . import foreign

picows: Any = foreign("picows")
TEXT: Any = picows.WSMsgType.TEXT
Listener: Any = picows.WSListener


class Request(msgspec.Struct):
    """What a client asks."""

    id: int
    action: str
    params: msgspec.Raw


class Answer(msgspec.Struct):
    """What it is answered."""

    id: int
    data: msgspec.Raw
    error: str | None


decode_request = msgspec.json.Decoder(Request).decode
decode_answer = msgspec.json.Decoder(Answer).decode


class Answering(Listener):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass] - picows is untyped here
    """The server's end of a connection."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == TEXT:
            request = decode_request(frame.get_payload_as_memoryview())
            data = answer_of(request.action, bytes(request.params)).to_wire()
            transport.send(TEXT, b'{"id":%d,"data":%b,"error":null}' % (request.id, data))


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    def answering(request: Any) -> Any:
        return Answering()

    server = await picows.ws_create_server(answering, "127.0.0.1", 0)

    async def port() -> int:
        return int(server.sockets[0].getsockname()[1])

    yield {"port": port}
    server.close()


class Asking(Listener):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass] - as above
    """See `Client`."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._last = 0
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._new_future = asyncio.get_running_loop().create_future

    def on_ws_connected(self, transport: Any) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == TEXT:
            answer = decode_answer(frame.get_payload_as_bytes())
            self._waiting.pop(answer.id).set_result(answer.data)

    async def get(self) -> ServiceEntry:
        data = await self._ask(b"get_service", GetServiceParams(name=NAME).to_wire())
        return ServiceEntry.from_wire(bytes(data))

    async def list(self) -> ListServicesResult:
        return ListServicesResult.from_wire(bytes(await self._ask(b"list_services", ListServicesParams().to_wire())))

    def _ask(self, action: bytes, params: bytes) -> asyncio.Future[msgspec.Raw]:
        self._last += 1
        self._waiting[self._last] = outcome = self._new_future()
        self._transport.send(TEXT, b'{"id":%d,"action":"%b","params":%b}' % (self._last, action, params))
        return outcome


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    transport, asking = await picows.ws_connect(Asking, f"ws://127.0.0.1:{port}")
    yield asking
    transport.disconnect()
