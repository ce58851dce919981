"""The examples of ADR-008, translated line by line: the caller owns the event loop and the tasks."""

from __future__ import annotations

import anyio
import pytest
from tests.runtime.chat import ChatClient, ChatServer, Said
from tests.runtime.support import BOUND, Guest, Room, until

from duologue import ConnectFailed, HistoryLost, Limits, NotSent
from duologue_registry.clock import SystemClock
from duologue_registry.serving.service import Registry
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from service_registry_sdk import (
    EventType,
    Local,
    ManagedProcess,
    RegistryClient,
    RegistryServer,
    ServiceRegistered,
)

pytestmark = pytest.mark.anyio


async def test_server_and_client_as_in_the_decision_record() -> None:
    with anyio.fail_after(BOUND):
        server = await ChatServer.bind("127.0.0.1:0", Room())

        async def serve() -> None:
            async with anyio.create_task_group() as tasks:
                async for handler in server:
                    tasks.start_soon(handler.handle)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)

            client = await ChatClient.connect(f"ws://127.0.0.1:{server.port}")
            handle, handler = client.start_handler()
            tasks.start_soon(handler)
            assert (await handle.echo(text="hi")).text == "hi"
            said = await handle.subscribe(["said"])
            await server.emit(Said(room="a", text="hello"))
            assert (await anext(said)).event_name == "said"
            await handle.unsubscribe(["said"])

            await handle.aclose()
            await until(lambda: not server.connections)
            await server.aclose()
        # all tasks have ended by themselves


async def test_the_registry_as_in_the_decision_record() -> None:
    with anyio.fail_after(BOUND):
        async with JournaledStore.open(MemoryJournal(), SystemClock()) as store:
            server = await RegistryServer.bind("127.0.0.1:0", Registry(store))

            async def serve() -> None:
                async with anyio.create_task_group() as tasks:
                    async for handler in server:
                        tasks.start_soon(handler.handle)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(serve)

                client = await RegistryClient.connect(f"ws://127.0.0.1:{server.port}")
                handle, handler = client.start_handler()
                tasks.start_soon(handler)
                services = await handle.list_services()
                assert services.services == []
                changes = await handle.subscribe([EventType.SERVICE_REGISTERED])
                await handle.register_service(
                    name="api", version="1.0.0", execution=ManagedProcess(command=["bin/api"]), location=Local()
                )
                change = await anext(changes)
                assert isinstance(change, ServiceRegistered)
                await handle.unsubscribe([EventType.SERVICE_REGISTERED])

                await handle.aclose()
                await server.aclose()


async def test_accept_by_hand() -> None:
    with anyio.fail_after(BOUND):
        server = await ChatServer.bind("127.0.0.1:0", Room())
        async with anyio.create_task_group() as tasks:
            clients: list[ChatClient] = []

            async def connect() -> None:
                handle, handler = (await ChatClient.connect(f"ws://127.0.0.1:{server.port}")).start_handler()
                tasks.start_soon(handler)
                clients.append(handle)

            for number in range(3):
                tasks.start_soon(connect)
                tasks.start_soon((await server.accept()).handle)
                while len(clients) <= number:
                    await anyio.sleep(0.005)
            for client in clients:
                assert (await client.echo(text="hi")).text == "hi"
            await server.aclose()
            with pytest.raises(OSError, match="closed"):
                await server.accept()
            for client in clients:
                with pytest.raises(NotSent):
                    await client.echo(text="on")


async def test_the_server_may_call_such_a_client() -> None:
    with anyio.fail_after(BOUND):
        server = await ChatServer.bind("127.0.0.1:0", Room())
        async with anyio.create_task_group() as tasks:
            accepted: list[anyio.Event] = []

            async def serve() -> None:
                tasks.start_soon((await server.accept()).handle)
                accepted.append(anyio.Event())

            tasks.start_soon(serve)
            client = await ChatClient.connect(f"ws://127.0.0.1:{server.port}", serve=Guest())
            handle, handler = client.start_handler()
            tasks.start_soon(handler)
            assert await handle.ask(depth=9) == 9
            await handle.aclose()
            await server.aclose()


async def test_cancelling_the_tasks_ends_everything() -> None:
    room = Room()
    with anyio.fail_after(BOUND):
        server = await ChatServer.bind("127.0.0.1:0", room)
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                async with anyio.create_task_group() as connections:
                    async for handler in server:
                        connections.start_soon(handler.handle)

            tasks.start_soon(serve)
            handle, handler = (await ChatClient.connect(f"ws://127.0.0.1:{server.port}")).start_handler()
            tasks.start_soon(handler)
            tasks.start_soon(lambda: handle.nap(seconds=10))
            await until(lambda: room.running == 1)
            tasks.cancel_scope.cancel()
        assert room.stopped == 1
        assert not server.connections
        await server.aclose()


async def test_a_lost_connection_ends_the_handle() -> None:
    with anyio.fail_after(BOUND):
        server = await ChatServer.bind("127.0.0.1:0", Room())
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                tasks.start_soon((await server.accept()).handle)

            tasks.start_soon(serve)
            handle, handler = (await ChatClient.connect(f"ws://127.0.0.1:{server.port}")).start_handler()
            tasks.start_soon(handler)
            said = await handle.subscribe(["said"])
            server.connections[0].abort()
            with pytest.raises(Exception, match="1006") as caught:
                await anext(said)
            assert not isinstance(caught.value, HistoryLost)
            with pytest.raises(NotSent, match="1006"):
                await handle.echo(text="on")
            await server.aclose()


async def test_a_handle_that_nobody_runs_can_be_closed() -> None:
    with anyio.fail_after(BOUND):
        server = await ChatServer.bind("127.0.0.1:0", Room())
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                tasks.start_soon((await server.accept()).handle)

            tasks.start_soon(serve)
            client = await ChatClient.connect(f"ws://127.0.0.1:{server.port}", limits=Limits(close=0.1))
            handle, _ = client.start_handler()
            with anyio.fail_after(2):
                await handle.aclose()
            await server.aclose()


async def test_mistakes_are_told_where_they_are_made() -> None:
    with anyio.fail_after(BOUND):
        for address in ("8080", "127.0.0.1:", "127.0.0.1:http", ""):
            with pytest.raises(ValueError, match="no address"):
                await ChatServer.bind(address, Room())
        for url in ("127.0.0.1:80", "http://127.0.0.1", "ws://"):
            with pytest.raises(ValueError, match="ws://"):
                await ChatClient.connect(url)
        server = await ChatServer.bind("127.0.0.1:0", Room())
        with pytest.raises(OSError, match="in use"):
            await ChatServer.bind(f"127.0.0.1:{server.port}", Room())
        await server.aclose()
        with pytest.raises(ConnectFailed):
            await ChatClient.connect(f"ws://127.0.0.1:{server.port}")
