"""How a driver carries bytes: whatever is asked of a transport, and whenever, it ends and loses nothing before."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial

import anyio
import anyio.to_thread
import pytest
import trio
from tests.runtime.chat import ChatClient
from tests.runtime.hostile import Hostile
from tests.runtime.support import BOUND, Recorder, Room, run, serving, until, url_of
from typing_extensions import override

from duologue.drivers import current
from duologue.drivers.asyncio import READ_SIZE
from duologue.drivers.port import Socket, Transport
from duologue.drivers.trio import TrioTransport

pytestmark = pytest.mark.anyio

USER: ContextVar[str] = ContextVar("user", default="nobody")

HIGH_WATER = 1000
MUCH = 16_000_000
"""Bytes that no kernel takes at once."""
RESET = struct.pack("ii", 1, 0)
"""`SO_LINGER` with which closing is a reset."""


class Carried:
    """A connection that is carried, and its other end."""

    def __init__(self, connected: Socket, there: socket.socket, link: Recorder) -> None:
        self.connected = connected
        self.there = there
        self.link = link
        self.returned = anyio.Event()

    @property
    def transport(self) -> Transport:
        assert self.link.transport is not None
        return self.link.transport

    async def run(self) -> None:
        await self.connected.run(self.link, HIGH_WATER)
        self.returned.set()

    async def lost(self) -> None:
        await self.returned.wait()
        assert self.link.told[-1] == "lost"

    async def arrives(self) -> int:
        """How much arrives at the other end until the end."""

        def read() -> int:
            self.there.settimeout(BOUND)
            size = 0
            while data := self.there.recv(1 << 20):
                size += len(data)
            return size

        return await anyio.to_thread.run_sync(read)


@asynccontextmanager
async def carried(link: Recorder | None = None) -> AsyncGenerator[Carried]:
    with anyio.fail_after(BOUND), socket.create_server(("127.0.0.1", 0)) as listening:
        connected = await current().connect(*listening.getsockname(), tls=None, server_hostname=None, limit=BOUND)
        there, _ = listening.accept()
        with there:
            one = Carried(connected, there, link or Recorder())
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one.run)
                await until(lambda: one.link.transport)
                yield one


async def test_all_that_waits_is_written_before_it_is_closed() -> None:
    async with carried() as one:
        one.transport.write(b"x" * MUCH)
        one.transport.close()
        one.transport.write(b"too late")
        assert await one.arrives() == MUCH
        await one.lost()


async def test_it_is_closed_at_once_where_nothing_waits() -> None:
    async with carried() as one:
        one.transport.write(b"on")
        one.transport.close()
        assert await one.arrives() == 2
        await one.lost()


@pytest.mark.parametrize("much", [0, MUCH])
async def test_it_is_aborted_whatever_it_waits_for(*, much: int) -> None:
    async with carried() as one:
        one.transport.pause_reading()
        if much:
            one.transport.write(b"x" * much)
        await anyio.wait_all_tasks_blocked()
        one.transport.abort()
        one.transport.pause_reading()
        await one.lost()


async def test_it_is_aborted_while_it_waits_for_nothing_after_it_has_waited() -> None:
    async with carried() as one:
        one.transport.write(b"x" * MUCH)
        await anyio.to_thread.run_sync(partial(one.there.recv, MUCH, socket.MSG_WAITALL))
        await until(lambda: not one.transport.unsent())
        await anyio.wait_all_tasks_blocked()
        one.transport.abort()
        await one.lost()


class Pausing(Recorder):
    """Pauses as soon as it reads something."""

    @override
    def receive(self, data: bytes) -> None:
        super().receive(data)
        assert self.transport is not None
        self.transport.pause_reading()


@pytest.mark.parametrize("by_peer", [False, True])
async def test_it_ends_though_nobody_reads(*, by_peer: bool) -> None:
    async with carried(Pausing()) as one:
        one.there.sendall(b"on")
        await until(lambda: "on" in one.link.told)
        one.transport.write(b"x" * MUCH)
        await anyio.wait_all_tasks_blocked()
        if by_peer:
            one.there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.there.close()
        else:
            one.transport.abort()
        await one.lost()


class Aborting(Recorder):
    """Aborts as soon as it reads something, and then wants to read no more."""

    @override
    def receive(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.abort()
        self.transport.pause_reading()


async def test_who_reads_may_abort() -> None:
    async with carried(Aborting()) as one:
        one.there.sendall(b"on")
        await one.lost()
    assert "eof" not in one.link.told


@pytest.mark.parametrize("much", [0, MUCH])
async def test_a_peer_that_is_gone_is_noticed(*, much: int) -> None:
    async with carried() as one:
        if much:
            one.transport.pause_reading()
            one.transport.write(b"x" * much)
            one.there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        one.there.close()
        await one.lost()


@pytest.mark.parametrize("closes", [False, True])
async def test_what_is_written_while_it_is_held_leaves_later(*, closes: bool) -> None:
    async with carried() as one, anyio.create_task_group() as tasks:
        one.transport.hold()
        await one.returned.wait()
        assert "lost" not in one.link.told
        one.transport.write(b"x" * MUCH)
        if closes:
            one.transport.close()
        one.returned = anyio.Event()
        tasks.start_soon(one.run)
        if not closes:
            await anyio.wait_all_tasks_blocked()
            one.transport.close()
        assert await one.arrives() == MUCH
        await one.lost()


async def test_it_is_held_when_all_is_written() -> None:
    async with carried() as one:
        one.transport.write(b"x" * MUCH)
        one.transport.hold()
        await anyio.to_thread.run_sync(partial(one.there.recv, MUCH, socket.MSG_WAITALL))
        await one.returned.wait()
        assert "lost" not in one.link.told
        one.transport.abort()
        assert await one.arrives() == 0
        assert one.link.told[-1] == "lost"


# --------------------------------------------------------------------------------------------------------------- trio
class Asking(Recorder):
    """Notes in whose context it is told that there is room."""

    @override
    def resume_writing(self) -> None:
        self.told.append(USER.get())


@pytest.mark.parametrize("anyio_backend", ["trio"])  # asyncio's own transport keeps the writer's until all is written
async def test_what_waits_is_written_in_nobody_s_context() -> None:
    """It may be that of a request, and would live as long as the connection."""
    async with carried(Asking()) as one:
        token = USER.set("who writes")
        one.transport.write(b"x" * MUCH)
        USER.reset(token)
        one.transport.close()
        assert await one.arrives() == MUCH
    assert "nobody" in one.link.told


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_who_is_woken_for_nothing_waits_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wait, woken = trio.lowlevel.wait_readable, 0

    async def wake(it: socket.socket) -> None:
        nonlocal woken
        woken += 1
        if woken % 2:
            await trio.lowlevel.checkpoint()
        else:
            await wait(it)

    monkeypatch.setattr(trio.lowlevel, "wait_readable", wake)
    async with carried() as one:
        await until(lambda: woken > 1)
        one.there.sendall(b"on")
        await until(lambda: "on" in one.link.told)
        one.transport.close()
    assert woken > 2


@pytest.mark.parametrize("anyio_backend", ["trio"])  # asyncio's tasks begin in their order
async def test_it_may_be_given_up_before_it_is_run() -> None:
    link = Recorder()
    with anyio.fail_after(BOUND):
        listener = await current().listen("127.0.0.1", 0, tls=None, handshake=BOUND)
        with socket.create_connection(listener.addresses[0], timeout=BOUND):
            accepted = await listener.accept()
            accepted.abort()
            await run(accepted, link)
        await listener.aclose()
    assert link.told == ["connected", "lost"]


def living(task: trio.lowlevel.Task | None) -> Iterator[str]:
    """The names of a task, and of all below it."""
    assert task is not None
    yield task.name
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from living(child)


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_a_connection_whose_peer_reads_is_one_task() -> None:
    """Each takes some KiB, and as long to make and to end as a call."""
    async with serving(Room()) as server:
        with await anyio.to_thread.run_sync(Hostile, server.port) as peer:
            peer.say(id="1", action="echo", params={"text": "on"})
            await anyio.to_thread.run_sync(peer.hear)
            names = list(living(trio.lowlevel.current_root_task()))
    assert [name for name in names if TrioTransport.__name__ in name] == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # the others read into buffers of their own
async def test_a_read_asks_for_no_more_than_is_kept_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Noting(socket.socket):
        @override
        def recv(self, size: int, flags: int = 0, /) -> bytes:
            asked.append(size)
            return super().recv(size, flags)

    monkeypatch.setattr(socket, "socket", Noting)
    async with serving(Room()) as server, ChatClient.open(url_of(server)) as client:
        assert (await client.echo(text="a")).text == "a"
    assert asked
    assert max(asked) == READ_SIZE
