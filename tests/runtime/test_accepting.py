"""`Server.accept`, asked by several at the same time."""

from __future__ import annotations

from contextlib import AsyncExitStack

import anyio
import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import BOUND, Room, until, url_of

from duologue import Limits, Server
from duologue.server import ConnectionHandler

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
