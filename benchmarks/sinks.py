"""Subscribers that cost next to nothing: raw sockets that speak as much WebSocket as it takes to be one.

They count text frames, answer pings, and are the same for all contenders, so that a publisher is measured and not those
who listen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from typing_extensions import override

from .worker import Commands

AT_ONCE: Final = 64
"""Handshakes under way at a time."""

TEXT, PING, PONG = 0x1, 0x9, 0xA


class Sink(asyncio.Protocol):
    """One subscriber.

    Attributes:
        count: Text frames so far, those of the opening included.
    """

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._number = number
        self._transport: Any = None
        self._rest = b""
        self.count = 0
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._crowd.handshake)

    @override
    def data_received(self, data: bytes) -> None:
        if not self.open.done():
            self._open(data)
            return
        data = self._rest + data
        at = 0
        while (end := self._frame(data, at)) is not None:
            at = end
        self._rest = data[at:]

    def _open(self, data: bytes) -> None:
        head, end, rest = (self._rest + data).partition(b"\r\n\r\n")
        if not end:
            self._rest = head
            return
        assert head.startswith(b"HTTP/1.1 101"), head
        self._rest = b""
        for message in self._crowd.messages:
            self._transport.write(masked(TEXT, message.replace(b"NUMBER", b"%d" % self._number)))
        self.open.set_result(None)
        if rest:
            self.data_received(rest)

    def _frame(self, data: bytes, at: int) -> int | None:
        """Take the frame that begins there; returns where it ends, None when it is not all there yet."""
        if len(data) - at < 2:
            return None
        size, head = data[at + 1] & 0x7F, 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(data[at + 2 : at + head])
        end = at + head + size
        if len(data) < end:
            return None
        opcode = data[at] & 0x0F
        if opcode == TEXT:
            self.count += 1
            self._crowd.take()
        elif opcode == PING:
            self._transport.write(masked(PONG, data[at + head : end]))
        return end

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.lost += 1


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(payload)
    head = bytes([0x80 | opcode, 0x80 | size]) if size < 126 else bytes([0x80 | opcode, 0xFE]) + size.to_bytes(2)
    return head + bytes(4) + payload


class Crowd:
    """All subscribers of one process.

    Attributes:
        lost: Those whose connection is gone.
    """

    def __init__(self, port: int, subprotocol: str, messages: Sequence[bytes], *, deflate: bool) -> None:
        headers = [
            "GET / HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]
        if subprotocol:
            headers.append(f"Sec-WebSocket-Protocol: {subprotocol}")
        if deflate:
            headers.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
        self.handshake: Final = "\r\n".join([*headers, "", ""]).encode()
        self.messages: Final = messages
        self.lost = 0
        self._port = port
        self._sinks: list[Sink] = []
        self._left = 0
        self._all_here: asyncio.Future[float] | None = None

    def _new_sink(self) -> Sink:
        sink = Sink(self, len(self._sinks))
        self._sinks.append(sink)
        return sink

    def take(self) -> None:
        """A text frame came."""
        self._left -= 1
        if self._left == 0 and self._all_here is not None:
            self._all_here.set_result(time.monotonic())

    async def grow(self, count: int, greetings: int) -> None:
        """Connect so many, and wait until each was sent its greetings (what comes before the first event)."""
        loop = asyncio.get_running_loop()

        async def connect_some(some: int) -> None:
            for _ in range(some):
                _, sink = await loop.create_connection(self._new_sink, "127.0.0.1", self._port)
                await sink.open

        share, rest = divmod(count, AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for n in range(AT_ONCE):
                tasks.create_task(connect_some(share + (n < rest)))
        while any(sink.count < greetings for sink in self._sinks):  # noqa: ASYNC110 - before anything is measured
            await asyncio.sleep(0.01)
        assert self.lost == 0, f"{self.lost} of {count} connections are gone"

    def expect(self, frames: int) -> None:
        self._left = frames
        self._all_here = asyncio.get_running_loop().create_future()

    async def until_all_here(self, seconds: float) -> float:
        """When the last of the expected frames came, on the machine's clock."""
        assert self._all_here is not None
        async with asyncio.timeout(seconds):
            return await self._all_here


@asynccontextmanager
async def crowd(
    *, port: int, subprotocol: str = "", messages: Sequence[str] = (), deflate: bool = False
) -> AsyncGenerator[Commands]:
    """A program: a crowd of subscribers, each of which says `messages`, with its own number for `NUMBER`."""
    people = Crowd(port, subprotocol, [message.encode() for message in messages], deflate=deflate)

    async def grow(count: int, greetings: int = 0) -> None:
        async with asyncio.timeout(60):
            await people.grow(count, greetings)

    async def expect(frames: int) -> None:
        people.expect(frames)

    async def arrived() -> float:
        return await people.until_all_here(60)

    yield {"grow": grow, "expect": expect, "arrived": arrived}
