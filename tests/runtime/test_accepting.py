"""`Server.accept`, asked by several at the same time."""

from __future__ import annotations

import errno
import gc
import weakref
from contextlib import AsyncExitStack

import anyio
import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import BOUND, Room, serving, until, url_of

import duologue.server.server
from duologue import ConnectionHandler, Limits, Server
from duologue.drivers.port import Accepted, LinkEnd, Listener, Socket

pytestmark = pytest.mark.anyio


async def test_each_gets_a_connection_of_its_own() -> None:
    handlers: list[ConnectionHandler] = []

    async def take(server: Server) -> None:
        handler = await server.accept()
        handlers.append(handler)
        await handler.handle()

    with anyio.fail_after(BOUND):
        server = await Server.bind("127.0.0.1:0", Room())
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(take, server)
            await anyio.wait_all_tasks_blocked()
            for count in range(1, 4):
                async with ChatClient.open(url_of(server)) as client:
                    assert (await client.echo(text="on")).text == "on"
                assert len(handlers) == count
            await server.aclose()


async def test_who_gives_up_leaves_the_others_waiting() -> None:
    with anyio.fail_after(BOUND):
        server = await Server.bind("127.0.0.1:0", Room())
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                with anyio.move_on_after(0.01) as given_up:
                    await server.accept()
                assert given_up.cancelled_caught
            scopes = [anyio.CancelScope() for _ in range(3)]
            handled: list[int] = []

            async def take(number: int) -> None:
                with scopes[number]:
                    handler = await server.accept()
                    handled.append(number)
                    await handler.handle()

            for number in range(3):
                tasks.start_soon(take, number)
                await anyio.wait_all_tasks_blocked()
            scopes[0].cancel()
            scopes[1].cancel()
            async with ChatClient.open(url_of(server)) as client:
                assert (await client.echo(text="on")).text == "on"
            assert handled == [2]
            await server.aclose()


async def test_the_end_is_told_to_all_of_them() -> None:
    told: list[str] = []

    async def take(server: Server) -> None:
        with pytest.raises(OSError, match="closed"):
            await server.accept()
        told.append("closed")

    with anyio.fail_after(BOUND):
        server = await Server.bind("127.0.0.1:0", Room())
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(take, server)
            await anyio.wait_all_tasks_blocked()
            await server.aclose()
    assert told == ["closed"] * 3


async def test_while_there_is_no_room_all_of_them_wait() -> None:
    handled: list[ConnectionHandler] = []

    async def take(server: Server) -> None:
        async for handler in server:
            handled.append(handler)
            tasks.start_soon(handler.handle)

    with anyio.fail_after(BOUND):
        server = await Server.bind("127.0.0.1:0", Room(), limits=Limits(connections=2))
        async with anyio.create_task_group() as tasks, AsyncExitStack() as coming:
            for _ in range(4):
                tasks.start_soon(take, server)
            for _ in range(6):
                await coming.enter_async_context(await anyio.connect_tcp("127.0.0.1", server.port))
            await until(lambda: len(handled) >= 2)
            await anyio.wait_all_tasks_blocked()
            assert len(handled) <= 3, "one that was asked for before the last one had its place"
            await coming.aclose()
            async with ChatClient.open(url_of(server)) as client:
                assert (await client.echo(text="on")).text == "on"
            assert len(handled) >= 7
            await server.aclose()


class Ailing:
    """A listener that fails a few times before it accepts.

    Attributes:
        accepted: What it accepts before anything else.
    """

    def __init__(self, listener: Listener, *failures: OSError) -> None:
        self.addresses = listener.addresses
        self._listener = listener
        self._failures = list(failures)
        self.accepted: list[Accepted] = []

    async def accept(self) -> Accepted:
        if self._failures:
            raise self._failures.pop(0)
        if self.accepted:
            return self.accepted.pop(0)
        return await self._listener.accept()

    async def aclose(self) -> None:
        await self._listener.aclose()


async def test_what_passes_is_waited_for_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(duologue.server.server, "ACCEPT_PAUSE", 0.001)
    exhausted = [OSError(errno.EMFILE, "too many open files"), OSError(errno.ENFILE, "too many in the system")]
    async with serving(Room()) as server:
        server._listener = Ailing(server._listener, ConnectionAbortedError("gone"), *exhausted)
        for _ in range(2):  # one is waited for on the listener as it was
            async with ChatClient.open(url_of(server)) as client:
                assert (await client.echo(text="on")).text == "on"
    told = [record.getMessage() for record in caplog.records if "cannot accept" in record.getMessage()]
    assert told == ["cannot accept connections, and goes on trying: too many open files"]


class Gone:
    """A socket whose peer went away before TLS had shaken hands."""

    async def secured(self, link: LinkEnd) -> Socket | None:
        link.lost()
        return None

    def abort(self) -> None: ...

    def peer_name(self) -> str:
        return ""


async def test_who_is_gone_before_there_is_anything_to_run_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(Room()) as server:
        listener = Ailing(server._listener)
        listener.accepted.append(Gone())
        server._listener = listener
        async with ChatClient.open(url_of(server)) as client:  # the first is waited for on the listener as it was
            async with ChatClient.open(url_of(server)):
                assert (await client.echo(text="on")).text == "on"
            assert not listener.accepted
            assert (server.handshakes, len(server.connections)) == (0, 1)


async def test_what_does_not_pass_ends_the_iteration_with_it() -> None:
    with anyio.fail_after(BOUND):
        server = await Server.bind("127.0.0.1:0", Room())
        server._listener = Ailing(server._listener, OSError(errno.EINVAL, "broken"))
        with pytest.raises(OSError, match="broken"):
            await anext(server)
        await server.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(server)


async def test_the_last_one_that_came_is_not_held_until_the_next_one_comes() -> None:
    async with serving(Room()) as server:
        async with ChatClient.open(url_of(server)):
            [connection] = map(weakref.ref, server.connections)
        await until(lambda: not server.connections)
        await anyio.wait_all_tasks_blocked()
        gc.collect()
        assert connection() is None
