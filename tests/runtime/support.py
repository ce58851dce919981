"""What the runtime's tests share: a service of `chat` to call, two connected ends, and waits that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.lowlevel
import pytest
from tests.runtime.chat import (
    AskParams,
    ChatClient,
    ChatPeer,
    ChatPeerService,
    ChatService,
    CountParams,
    Echo,
    EchoParams,
    NapParams,
    NoRoom,
    Number,
    Waved,
)
from typing_extensions import override

from duologue import Call, Connection, DeadlineExceeded, Deflate, Lifecycle, Limits, Server, Service, Sink, serve
from duologue.drivers.port import Accepted, LinkEnd, Transport

BOUND = 30.0
"""Seconds after which a conversation that should take a fraction of one is given up."""


class Room(ChatService):
    """Does what it is told, and keeps account of it."""

    def __init__(self) -> None:
        self.calls: list[Call[ChatPeer]] = []
        self.running: int = 0
        self.most_running: int = 0
        self.stopped: int = 0
        self.sent: int = 0
        self.waved: list[Waved] = []

    @override
    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
        self.calls.append(call)
        if params.text == "none":
            raise NoRoom(room="attic")
        if params.text == "boom":
            raise RuntimeError("the password is swordfish")
        return Echo(text=params.text * params.times)

    @override
    async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
        self.calls.append(call)
        try:
            for value in range(params.upto):
                if value == params.fail_at:
                    raise NoRoom(room="attic")
                await out.send(Number(value=value))
                self.sent += 1
        except BaseException:
            self.stopped += 1
            raise
        return Echo(text="done")

    @override
    async def nap(self, call: Call[ChatPeer], params: NapParams) -> None:
        self.calls.append(call)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await anyio.sleep(params.seconds)
        except BaseException:
            self.stopped += 1
            raise
        finally:
            self.running -= 1

    @override
    async def ask(self, call: Call[ChatPeer], params: AskParams) -> int:
        self.calls.append(call)
        return 0 if params.depth == 0 else 1 + await call.peer.ask_back(depth=params.depth - 1)

    @override
    async def on_waved(self, call: Call[ChatPeer], event: Waved) -> None:
        self.waved.append(event)


class Guest(ChatPeerService):
    """What a client serves: asks the server in turn, until it is deep enough."""

    def __init__(self) -> None:
        self.calls: list[Call[ChatClient]] = []

    @override
    async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
        self.calls.append(call)
        return 0 if params.depth == 0 else 1 + await call.peer.ask(depth=params.depth - 1)


class Recorder:
    """A link that writes down what it is told; the end once, though a driver may tell it again."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.transport: Transport | None = None

    def connected(self, transport: Transport) -> None:
        self.transport = transport
        self.told.append("connected")

    def receive(self, data: bytes) -> None:
        self.told.append(data.decode())

    def eof(self) -> None:
        self.told.append("eof")

    def lost(self) -> None:
        if "lost" not in self.told:
            self.told.append("lost")

    def pause_writing(self) -> None:
        self.told.append("pause writing")

    def resume_writing(self) -> None:
        self.told.append("resume writing")


@asynccontextmanager
async def serving(
    room: Service[ChatPeer], limits: Limits | None = None, compression: Deflate | None = None
) -> AsyncGenerator[Server[ChatPeer]]:
    """A server, for at most `BOUND` seconds."""
    with anyio.fail_after(BOUND):
        async with serve(room, "127.0.0.1", 0, limits=limits, compression=compression) as server:
            yield server


async def fill(connection: Connection, event: bytes) -> None:
    """Send an event, to a peer that reads nothing, until the kernel takes no more and the buffer is full for good."""

    async def send(_: int) -> None:
        connection.outlet.send_event(event)

    await fill_by(connection, send)


async def fill_by(connection: Connection, send: Callable[[int], Awaitable[object]]) -> int:
    """The same by whatever sends, which is told how often it was asked; returns how often that was."""
    sent = 0

    def takes_more() -> bool:
        return connection.outlet.link.has_room

    while takes_more():
        while takes_more():
            sent += 1
            await send(sent)
            await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.02)  # what the kernel takes meanwhile leaves room again
    return sent


def url_of(server: Server[ChatPeer]) -> str:
    return f"ws://127.0.0.1:{server.port}"


@asynccontextmanager
async def talking(
    room: Service[ChatPeer],
    *,
    guest: ChatPeerService | None = None,
    limits: Limits | None = None,
    client_limits: Limits | None = None,
    lifecycle: Lifecycle | None = None,
) -> AsyncGenerator[tuple[Server[ChatPeer], ChatClient]]:
    """A server and a client of it, for at most `BOUND` seconds."""
    async with (
        serving(room, limits) as server,
        ChatClient.open(url_of(server), serve=guest, limits=client_limits, lifecycle=lifecycle) as client,
    ):
        yield server, client


async def run(accepted: Accepted, link: LinkEnd, high_water: int = 1000) -> None:
    """Carry bytes as a server does."""
    secured = await accepted.secured(link)
    if secured is not None:
        await secured.run(link, high_water)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so; the test's own bound ends it."""
    while not condition():
        await anyio.sleep(0.005)


async def out_of_time(call: Callable[[float], Awaitable[object]], began: Callable[[], object]) -> DeadlineExceeded:
    """How a call ends whose handler began and is too slow.

    Args:
        call: Calls with this timeout; on a busy machine the first ones may be over before a handler begins.
    """
    for timeout in (0.1, 1.0, 10.0):
        with pytest.raises(DeadlineExceeded) as caught:
            await call(timeout)
        if began():
            return caught.value
    raise AssertionError("the handler never began")


def connection_of(client: ChatClient) -> Connection:
    """The connection that a client has now."""
    return client.connection


def overheard(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The messages that come on a connection from now on."""
    arrived: list[bytes] = []
    receive = connection.on_message

    def listen(data: bytes) -> None:
        arrived.append(data)
        receive(data)

    monkeypatch.setattr(connection, "on_message", listen)
    return arrived


async def sleep_regardless(seconds: float) -> None:
    """Sleep, whoever cancels."""
    end = anyio.current_time() + seconds
    while (left := end - anyio.current_time()) > 0:
        with anyio.CancelScope(shield=True), suppress(asyncio.CancelledError):
            await anyio.sleep(left)


class Shielded(Room):
    """A server whose naps cannot be stopped."""

    @override
    async def nap(self, call: Call[ChatPeer], params: NapParams) -> None:
        self.calls.append(call)
        self.running += 1
        await sleep_regardless(params.seconds)
        self.running -= 1
