"""Either end of a connection with nothing but `websockets` (its half without I/O) and JSON, on whatever event loop."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CLOSED, CONNECTING
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

EXTENSIONS = "duologue.v1"


class Raw:
    """One end: says what it is told to, hears what comes, answers pings, and knows nothing of calls and events.

    Attributes:
        request: What the client asked for; None at its own end.
    """

    def __init__(
        self, stream: ByteStream, protocol: ClientProtocol | ServerProtocol, headers: Mapping[str, str] | None = None
    ) -> None:
        self.protocol = protocol
        self._headers = headers or {}
        self._stream = stream
        self.request: Request | None = None
        self._heard: deque[Frame] = deque()

    async def say(self, *messages: dict[str, Any], **message: Any) -> None:
        """Send messages, all in one write."""
        for one in (*messages, message) if message else messages:
            self.protocol.send_text(json.dumps(one).encode())
        await self._flush()

    async def say_text(self, text: bytes) -> None:
        """Send a text message as it is, whatever it holds."""
        self.protocol.send_text(text)
        await self._flush()

    async def say_bytes(self, *messages: bytes) -> None:
        """Send binary messages, all in one write."""
        for message in messages:
            self.protocol.send_binary(message)
        await self._flush()

    async def hear(self) -> dict[str, Any]:
        """The next message. Raises `ConnectionClosed`, with the close code, when there is none."""
        heard: dict[str, Any] = json.loads(bytes((await self.hear_frame(Opcode.TEXT)).data))
        return heard

    async def hear_frame(self, opcode: Opcode) -> Frame:
        while not self._heard:
            await self._read()
        frame = self._heard.popleft()
        assert (frame.opcode, frame.fin) == (opcode, True), frame
        return frame

    async def until_closed(self) -> int:
        """Wait for the end, whatever still comes; the close code."""
        try:
            while True:
                await self._read()
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 1006

    async def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake."""
        self.protocol.send_close(code, reason)
        await self._flush()

    async def handshake(self) -> None:
        if isinstance(self.protocol, ClientProtocol):
            request = self.protocol.connect()
            request.headers.update(self._headers)
            self.protocol.send_request(request)
            await self._flush()
        while self.protocol.state is CONNECTING:
            await self._read()

    async def _read(self) -> None:
        if self.protocol.state is CLOSED:
            raise self.protocol.close_exc
        try:
            data = await self._stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            self.protocol.receive_eof()
        else:
            self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                assert isinstance(self.protocol, ServerProtocol)
                self.request = event
                self.protocol.send_response(self.protocol.accept(event))
            elif not isinstance(event, Response) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._heard.append(event)
        await self._flush()

    async def _flush(self) -> None:
        writes = self.protocol.data_to_send()
        # What the peer still said is read all the same; uvloop raises RuntimeError where its transport is closed.
        with suppress(OSError, RuntimeError, anyio.BrokenResourceError):
            if data := b"".join(writes):
                await self._stream.send(data)
            if writes and not writes[-1]:
                await self._stream.send_eof()


@asynccontextmanager
async def raw_client(
    port: int, offer: Sequence[str] = (EXTENSIONS,), path: str = "/", headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Raw]:
    """A client that has shaken hands, and has said nothing yet."""
    subprotocols = [Subprotocol(name) for name in offer] or None
    protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}{path}"), subprotocols=subprotocols)
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        client = Raw(stream, protocol, headers)
        await client.handshake()
        yield client


@asynccontextmanager
async def raw_server(
    handle: Callable[[Raw], Awaitable[None]], offer: Sequence[str] = (EXTENSIONS,)
) -> AsyncGenerator[int]:
    """A server whose `handle` is run for each connection, after the handshake; its port."""
    subprotocols = [Subprotocol(name) for name in offer] or None

    async def accept(stream: ByteStream) -> None:
        async with stream:
            server = Raw(stream, ServerProtocol(subprotocols=subprotocols))
            await server.handshake()
            await handle(server)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, accept)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()
