"""What goes wrong elsewhere when a connection is lost and made again."""

from __future__ import annotations

import gc
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from tests.runtime.chat import ChatClient, ChatPeer, Echo, EchoParams, Said, Typing
from tests.runtime.proxy import Proxy, proxied
from tests.runtime.support import Room, connection_of, fill, serving, until
from typing_extensions import override

import duologue.client.backoff
from duologue import (
    Call,
    ConnectFailed,
    Connection,
    DeadlineExceeded,
    EventLog,
    EventStream,
    Lifecycle,
    Limits,
    LogEntry,
    MemoryLog,
    NotSent,
    Ran,
    Server,
    serve,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duologue.client.backoff, "FIRST_DELAY", 0.005)
    monkeypatch.setattr(duologue.client.backoff, "LONGEST_DELAY", 0.02)


@asynccontextmanager
async def through_a_proxy(
    room: Room, limits: Limits | None = None, lifecycle: Lifecycle | None = None
) -> AsyncGenerator[tuple[Server[ChatPeer], Proxy, ChatClient]]:
    async with (
        serving(room, limits) as server,
        proxied(server.port) as proxy,
        ChatClient.open(f"ws://127.0.0.1:{proxy.port}", limits=limits, lifecycle=lifecycle) as client,
    ):
        yield server, proxy, client


async def numbers(stream: EventStream[Said], count: int) -> list[int]:
    return [(await anext(stream)).number for _ in range(count)]


async def say(server: Server[ChatPeer], *spoken: int) -> None:
    for number in spoken:
        await server.emit(Said(room="a", text="", number=number))


async def lose(client: ChatClient, proxy: Proxy, *, half_open: bool = False) -> None:
    """Lose the connection that there is; where it stays half open the server is not told."""
    connection = connection_of(client)
    if half_open:
        proxy.half_open()
    else:
        proxy.cut()
    await connection.until_closed()


# ------------------------------------------------------------------------------------------------------------ recovery
async def test_socketio_5538_recovery_when_nothing_was_delivered_before_the_cut() -> None:
    """A position that is only learnt from events is unknown as long as none came."""
    async with through_a_proxy(Room()) as (server, proxy, client), client.events.said() as said:
        await lose(client, proxy)
        await say(server, 1, 2)
        assert await numbers(said, 2) == [1, 2]


async def test_socketio_4880_recovery_works_again_after_the_old_connection_timed_out() -> None:
    """The end of a connection that is long replaced must not take its session along."""
    limits = Limits(idle=0.6, close=0.2)
    async with through_a_proxy(Room(), limits) as (server, proxy, client), client.events.said() as said:
        for outage in range(3):
            [old] = server.connections
            await lose(client, proxy, half_open=True)
            await say(server, outage * 2)  # while nobody is there
            assert (await client.echo(text="on")).text == "on"
            assert len(server.peers()) == 1, "who was replaced takes no part any more, whether it knows or not"
            await old.until_closed()
            await until(lambda: len(server.connections) == 1)
            await say(server, outage * 2 + 1)  # when the old one is gone for the server, too
            assert await numbers(said, 2) == [outage * 2, outage * 2 + 1]
        assert proxy.accepted == 4


class _Watched(MemoryLog):
    """Writes down from where it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_after: list[int] = []

    @override
    async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        self.read_after.append(after)
        return await super().read(after, limit)


class Logged(Room):
    def __init__(self) -> None:
        super().__init__()
        self.log = _Watched()

    @override
    def event_log(self) -> EventLog:
        return self.log


async def test_trpc_4122_each_reconnect_resumes_from_the_last_event_and_not_from_the_first_position() -> None:
    room = Logged()
    async with through_a_proxy(room) as (server, proxy, client):
        await say(server, 1)
        async with client.events.said() as said:
            for number in range(2, 8, 2):
                await say(server, number)
                assert await numbers(said, 1) == [number]
                await lose(client, proxy)
                await say(server, number + 1)
                assert await numbers(said, 1) == [number + 1]
            assert room.log.read_after == [2, 4, 6], "what was read is not asked for again"


async def test_trpc_4122_events_without_a_number_leave_the_position_as_it_is() -> None:
    room, resumed = Logged(), anyio.Event()
    lifecycle = Lifecycle(resumed=resumed.set)
    async with (
        through_a_proxy(room, lifecycle=lifecycle) as (server, proxy, client),
        client.events(Said, Typing) as both,
    ):
        await say(server, 1)
        await server.emit(Typing(who="me"))
        assert [type(await anext(both)) for _ in range(2)] == [Said, Typing]
        await lose(client, proxy)
        await say(server, 2)
        await resumed.wait()  # what is volatile and comes before is lost
        await server.emit(Typing(who="you"))
        found = [await anext(both), await anext(both)]
        assert [getattr(event, "number", getattr(event, "who", None)) for event in found] == [2, "you"]
        assert room.log.read_after == [1]


# ------------------------------------------------------------------------------------------------- making a connection
@asynccontextmanager
async def refusing(status: bytes) -> AsyncGenerator[tuple[int, list[float]]]:
    """A server that answers every handshake with an HTTP status; its port, and when it was asked."""
    asked: list[float] = []

    async def refuse(stream: SocketStream) -> None:
        asked.append(anyio.current_time())
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, refuse)
        yield listener.extra(SocketAttribute.local_port), asked
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"403 Forbidden", b"410 Gone"])
async def test_autobahn_1010_a_handshake_that_is_refused_for_good_stops_the_attempts_and_says_so(status: bytes) -> None:
    async with refusing(status) as (port, asked), through_a_proxy(Room()) as (_, proxy, client):
        with pytest.raises(ConnectFailed) as caught:
            async with ChatClient.open(f"ws://127.0.0.1:{port}"):
                pass
        assert caught.value.status_code == int(status[:3])
        async with client.events.said() as said:
            proxy.target = port
            await lose(client, proxy)
            with pytest.raises(NotSent, match=status[:3].decode()):
                await client.echo(text="on")
            with pytest.raises(ConnectFailed):
                await anext(said)
            await anyio.sleep(0.1)
            assert len(asked) == 2


@pytest.mark.parametrize("status", [b"404 Not Found", b"429 Too Many Requests", b"502 Bad Gateway", b"503 Busy"])
async def test_autobahn_1010_a_server_that_is_not_ready_yet_is_tried_again(
    status: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A router that restarts answers 404 before it knows its paths; a proxy in front of it, 502."""
    pauses: list[float] = []

    def draw(least: float, most: float) -> float:
        pauses.append(most)
        return most

    monkeypatch.setattr(random, "uniform", draw)
    async with refusing(status) as (port, asked), through_a_proxy(Room()) as (server, proxy, client):
        proxy.target = port
        await lose(client, proxy)
        await until(lambda: len(asked) == 5)
        proxy.target = server.port
        assert (await client.echo(text="on", timeout=2)).text == "on"
        assert pauses[:5] == [0.005, 0.01, 0.02, 0.02, 0.02], "attempts do not follow each other at once"


@pytest.mark.usefixtures("only_new_objects")
async def test_autobahn_autoreconnect_21_many_reconnects_leave_nothing_behind() -> None:
    """On sockets, for what they leave; `simulation/test_many_reconnects.py` has the numbers."""
    cycles = 15

    class Counting(Room):
        @override
        async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
            return Echo(text=params.text)

    async def cut_and_call(client: ChatClient, proxy: Proxy, times: int) -> None:
        for _ in range(times):
            await lose(client, proxy)
            await client.echo(text="on")

    def counted() -> tuple[int, int, int]:
        gc.collect()
        kinds: list[type[object]] = [type(thing) for thing in gc.get_objects()]
        return (
            sum(issubclass(kind, Connection) for kind in kinds),
            len(kinds),
            len(list(Path("/proc/self/fd").iterdir())),
        )

    with anyio.fail_after(60):
        async with serve(Counting(), "127.0.0.1", 0) as server, proxied(server.port) as proxy:
            async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client, client.events.said() as said:
                await cut_and_call(client, proxy, 5)
                await until(lambda: len(server.connections) == 1)
                connections, objects, descriptors = counted()
                await cut_and_call(client, proxy, cycles)
                await until(lambda: len(server.connections) == 1)
                await client.echo(text="on")
                after = counted()
                assert after[0] <= connections + 1
                assert after[1] - objects < 20 * cycles  # a connection is hundreds
                assert after[2] <= descriptors + 2
                await say(server, 1)
                assert await numbers(said, 1) == [1]


# ------------------------------------------------------------------------------------------- calls while there is none
async def test_socketio_client_java_309_a_call_that_timed_out_without_a_connection_is_never_sent() -> None:
    room = Room()
    async with through_a_proxy(room) as (_, proxy, client):
        proxy.refusing = True
        await lose(client, proxy)
        for _ in range(3):
            with pytest.raises(NotSent) as caught:
                await client.nap(seconds=0, timeout=0.05)
            assert caught.value.ran is Ran.NO
        with anyio.move_on_after(0.05):  # nor one whose caller was cancelled
            await client.nap(seconds=0)
        proxy.refusing = False
        assert (await client.echo(text="on")).text == "on"
        assert [call.action for call in room.calls] == ["echo"]


async def test_socketio_client_java_309_a_call_that_timed_out_in_a_dead_connection_is_never_sent() -> None:
    """The connection is dead, and nobody knows yet: what waits in its buffers goes with it."""
    room = Room()
    limits = Limits(idle=0.6, outbound=16 * 1024)
    async with through_a_proxy(room, limits) as (_, proxy, client):
        first = connection_of(client)
        proxy.stalled = True
        with pytest.raises(DeadlineExceeded) as caught:
            await client.echo(text="sent", timeout=0.05)
        assert caught.value.ran is Ran.UNKNOWN
        await fill(first, b'{"event":"waved","data":{"who":"%b"}}' % (b"x" * 60_000))
        with pytest.raises(NotSent):
            await client.echo(text="waited for room", timeout=0.05)
        await first.until_closed()  # silent for too long
        proxy.cut()
        proxy.stalled = False
        assert (await client.echo(text="on")).text == "on"
        assert [call.action for call in room.calls] == ["echo"]
        assert len(room.waved) == 0
