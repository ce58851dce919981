"""Peers that misbehave, over raw sockets: each is cut by a named limit, and costs nobody else anything."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.chat import ChatClient, ChatPeer, Said, Typing
from tests.runtime.support import BOUND, Room, serving, until, url_of
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from duologue import ConnectFailed, Limits, Server, serve

pytestmark = pytest.mark.anyio

LIMITS = Limits(
    frame=256 * 1024,
    outbound=64 * 1024,
    write_deadline=0.4,
    idle=1.0,
    in_flight=16,
    drain=0.2,
    close=0.3,
)
HURRIED = replace(LIMITS, handshake=0.4)
"""For the tests of handshakes alone: on a busy machine a good one may take as long."""
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Raw:
    """A socket, and nothing that would behave well."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))  # the kernel answers
        self.socket.setblocking(False)

    async def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            await anyio.wait_writable(self.socket)
            with suppress(BlockingIOError):
                view = view[self.socket.send(view) :]

    async def receive(self) -> bytes:
        await anyio.wait_readable(self.socket)
        return self.socket.recv(65536)

    async def upgrade(self) -> None:
        await self.send(HANDSHAKE)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += await self.receive()
        assert answer.startswith(b"HTTP/1.1 101")

    async def say(self, **message: Any) -> None:
        await self.send(frame(json.dumps(message).encode()))

    async def rest(self) -> bytes:
        """All that still comes."""
        data = b""
        with suppress(OSError):
            while more := await self.receive():
                data += more
        return data

    async def close_code(self) -> int:
        """What the close frame says with which the connection ends."""
        data = await self.rest()
        return int(struct.unpack(">H", data[data.rindex(b"\x88") + 2 :][:2])[0])


def frame(data: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    return Frame(opcode, data).serialize(mask=True)


@asynccontextmanager
async def raw(server: Server[ChatPeer], *, upgraded: bool = True) -> AsyncGenerator[Raw]:
    peer = Raw(server.port)
    with peer.socket:
        if upgraded:
            await peer.upgrade()
        yield peer


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TestReaders:
    async def test_who_takes_no_answers_is_cut(self) -> None:
        room = Room()
        async with serving(room, replace(LIMITS, in_flight=256, idle=30.0)) as server, raw(server) as stalled:
            begun = anyio.current_time()
            params = {"text": "x" * 100, "times": 1000}
            asked = [{"id": str(number), "action": "echo", "params": params} for number in range(100)]
            await stalled.send(b"".join(frame(json.dumps(each).encode()) for each in asked))  # before it is cut
            await until(lambda: not server.connections[0].outlet.link.has_room)
            full = anyio.current_time()
            async with ChatClient.open(url_of(server)) as client:
                await client.echo(text="on", timeout=0.3)
                await until(lambda: len(server.connections) == 1)
                cut = anyio.current_time()
                assert cut - begun > LIMITS.write_deadline * 0.5
                assert cut - full < LIMITS.write_deadline * 2 + 2
                await client.echo(text="on", timeout=0.3)

    async def test_nothing_more_is_done_for_who_takes_no_answers(self) -> None:
        """What handlers give would wait in memory, out of the outbound buffer's bounds."""
        room, limits = Room(), replace(LIMITS, in_flight=256, write_deadline=30.0, idle=30.0)
        async with serving(room, limits) as server, raw(server) as stalled:
            for number in range(200):
                await stalled.say(id=str(number), action="echo", params={"text": "x" * 100, "times": 1000})
            await until(lambda: len(server.connections[0].session.incoming) > 100)
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
            assert 0 < len(room.calls) < 100
            await stalled.say(cancel="none of them, but it is read")

    async def test_who_takes_large_answers_slowly_is_not_cut(self) -> None:
        """Many handlers end in the same turn of the loop; each looks for room before it encodes."""
        limits = replace(LIMITS, in_flight=256, write_deadline=5.0, idle=30.0)
        async with serving(Room(), limits) as server, raw(server) as slow:
            for number in range(40):
                await slow.say(id=str(number), action="echo", params={"text": "x" * 100, "times": 200})
            await until(lambda: not server.connections[0].outlet.link.has_room)
            heard = 0
            while heard < 40 * 20_000:
                heard += len(await slow.receive())
                assert len(server.connections) == 1

    async def test_who_takes_no_events_is_cut_and_others_get_theirs(self) -> None:
        async with serving(Room(), LIMITS) as server, raw(server) as stalled:
            await stalled.say(id="1", action="subscribe", params={"events": ["said"]})
            async with ChatClient.open(url_of(server)) as client, client.events.said() as said:
                for number in range(300):
                    await server.emit(Said(room="a", text="x" * 20_000, number=number))
                    with anyio.fail_after(1):
                        assert (await anext(said)).number == number
                    if len(server.connections) == 1:
                        break
                with anyio.fail_after(LIMITS.write_deadline * 2 + LIMITS.close + 0.5):
                    await until(lambda: len(server.connections) == 1)
                await client.echo(text="on", timeout=0.3)

    async def test_refusals_for_who_reads_none_have_a_bound_too(self) -> None:
        limits = replace(LIMITS, write_deadline=30.0, idle=30.0, frame=64 * 1024)
        flood = frame(b'{"id":"1","action":"' + b"no such action" * 100 + b'"}') * 100
        async with serving(Room(), limits) as server, raw(server) as stalled:
            before = resident()
            sent = 0
            with suppress(OSError):
                while sent < 100_000_000:
                    await stalled.send(flood)
                    sent += len(flood)
            assert sent < 100_000_000, "it was not cut"
            assert resident() - before < 40_000_000
            await until(lambda: not server.connections)


class TestWriters:
    async def test_a_handshake_that_drips_is_cut(self) -> None:
        async with serving(Room(), HURRIED) as server, raw(server, upgraded=False) as dripping:
            started = anyio.current_time()
            with suppress(OSError):
                for byte in HANDSHAKE:
                    await dripping.send(bytes([byte]))
                    await anyio.sleep(0.02)
                    if anyio.current_time() - started > 0.1 and not server.handshakes:
                        break
            assert HURRIED.handshake * 0.8 < anyio.current_time() - started < HURRIED.handshake + 0.5
            assert not server.handshakes

    async def test_a_message_of_a_hundred_megabytes(self) -> None:
        async with serving(Room(), LIMITS) as server, raw(server) as heavy:
            before = resident()
            with suppress(OSError):
                await heavy.send(b"\x81\xff" + struct.pack(">Q", 100_000_000) + b"mask")
                for _ in range(1000):
                    await heavy.send(b"x" * 100_000)
            with suppress(OSError, ValueError):
                assert await heavy.close_code() == 1009
            assert resident() - before < 20_000_000
            await until(lambda: not server.connections)

    async def test_a_message_of_too_many_fragments(self) -> None:
        async with serving(Room(), replace(LIMITS, fragments=10)) as server, raw(server) as peer:
            await peer.send(Frame(Opcode.TEXT, b"[", fin=False).serialize(mask=True))
            for _ in range(10):
                await peer.send(Frame(Opcode.CONT, b"[", fin=False).serialize(mask=True))
            assert await peer.close_code() == 1009

    async def test_a_message_in_fragments(self) -> None:
        async with serving(Room(), LIMITS) as server, raw(server) as peer:
            message = b'{"id":"1","action":"echo","params":{"text":"\xc3\xa9"}}'
            cut = message.index(b"\xa9")  # inside a character
            await peer.send(Frame(Opcode.TEXT, message[:cut], fin=False).serialize(mask=True))
            await peer.send(frame(b"", Opcode.PING))
            await peer.send(Frame(Opcode.CONT, message[cut:], fin=True).serialize(mask=True))
            heard = b""
            while b"error" not in heard:
                heard += await peer.receive()
            assert "é".encode() in heard

    async def test_a_flood_of_pings(self) -> None:
        async with serving(Room(), LIMITS) as server, raw(server) as peer:
            with suppress(OSError):
                await peer.send(frame(b"", Opcode.PING) * 1000)
            assert await peer.close_code() == 1008

    async def test_garbage(self) -> None:
        async with serving(Room(), LIMITS) as server, raw(server) as peer:
            with suppress(OSError):
                await peer.send(b"\xff" * 1000)
            assert await peer.close_code() == 1002

    async def test_text_that_is_no_text(self) -> None:
        async with serving(Room(), LIMITS) as server, raw(server) as peer:
            await peer.send(frame(b'{"id":"1","action":"\xff"}'))
            assert await peer.close_code() == 1007

    async def test_half_a_frame_and_then_nothing(self) -> None:
        async with serving(Room(), LIMITS) as server, raw(server) as peer:
            await peer.send(frame(b'{"id":"1"}')[:5])
            started = anyio.current_time()
            await until(lambda: not server.connections)
            assert LIMITS.idle * 0.8 < anyio.current_time() - started < LIMITS.idle + 0.5

    async def test_a_flood_of_tiny_frames_leaves_others_their_turn(self) -> None:
        async with serving(Room(), replace(LIMITS, idle=10.0)) as server, raw(server) as peer:
            async with ChatClient.open(url_of(server)) as client, anyio.create_task_group() as tasks:

                async def flood() -> None:
                    with suppress(OSError):
                        while True:
                            await peer.send(frame(b"", Opcode.PONG) * 10_000)

                tasks.start_soon(flood)
                took: list[float] = []
                for _ in range(50):
                    started = anyio.current_time()
                    await client.echo(text="on")
                    took.append(anyio.current_time() - started)
                assert sorted(took)[25] < 0.25  # the median: a busy machine may hold up any one of them
                tasks.cancel_scope.cancel()


async def test_none_of_them_delays_shutdown_or_a_neighbour_s_calls() -> None:
    limits = replace(LIMITS, write_deadline=30.0, handshake=30.0, idle=30.0)
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, limits=limits) as server:
            async with (
                raw(server) as stalled,
                raw(server, upgraded=False) as dripping,
                raw(server) as half,
                raw(server) as sleeping,
                raw(server) as busy,
                ChatClient.open(url_of(server)) as client,
            ):
                await stalled.say(id="0", action="subscribe", params={"events": ["typing"]})
                for number in range(100):
                    await stalled.say(id=str(number + 1), action="echo", params={"text": "x" * 100, "times": 1000})
                await dripping.send(HANDSHAKE[:20])
                await half.send(frame(b'{"id":"1"}')[:5])
                await sleeping.say(id="1", action="nap", params={"seconds": 30})
                await busy.say(id="1", action="count", params={"upto": 3})
                await server.emit(Typing(who="ann"))
                for _ in range(20):
                    started = anyio.current_time()
                    await client.echo(text="on")
                    assert anyio.current_time() - started < 0.3
                assert (len(server.connections), server.handshakes) == (5, 1)
                started = anyio.current_time()
                await server.aclose()
                assert anyio.current_time() - started < limits.drain + limits.close + 1
                await until(lambda: not server.connections and not server.handshakes)


async def test_a_server_that_never_says_hello_is_given_up() -> None:
    async def accept(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            request = await stream.receive()
            key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0].decode()
            await stream.send(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Protocol: duologue.v1\r\nSec-WebSocket-Accept: "
                + accept_key(key).encode()
                + b"\r\n\r\n"
            )
            with suppress(anyio.BrokenResourceError):
                for _ in range(100):
                    await stream.send(b"\x89\x00")
                    await anyio.sleep(0.02)

    with anyio.fail_after(BOUND):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, accept)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            with pytest.raises(ConnectFailed, match="within"), anyio.fail_after(2):
                await ChatClient.connect(f"ws://127.0.0.1:{port}", limits=HURRIED)
            tasks.cancel_scope.cancel()
