"""Endings: a server that stops, a client that is closed, and blocks that are left by an exception."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import anyio
import pytest
from msgspec.structs import replace
from tests.runtime.chat import ASK_BACK, ECHO, AskParams, ChatClient, ChatPeer, Echo, EchoParams, Waved
from tests.runtime.proxy import proxied
from tests.runtime.raw import raw_client
from tests.runtime.support import BOUND, Guest, Room, Shielded, connection_of, serving, talking, until, url_of
from typing_extensions import override

from duologue import (
    Bound,
    Call,
    CallError,
    Cancelled,
    Effect,
    Lifecycle,
    Limits,
    NotSent,
    OutcomeUnknown,
    Ran,
    Unavailable,
    serve,
    unary,
)
from duologue.drivers import current

pytestmark = pytest.mark.anyio


class TestServer:
    async def test_running_handlers_may_finish(self) -> None:
        room = Room()
        told: list[int] = []
        lifecycle = Lifecycle(lost=lambda closed: told.append(closed.close_code))
        async with talking(room, lifecycle=lifecycle) as (server, client), anyio.create_task_group() as tasks:
            done: list[bool] = []

            async def nap() -> None:
                await client.nap(seconds=0.2)
                done.append(True)

            tasks.start_soon(nap)
            await until(lambda: room.running == 1)
            await server.aclose()
            await until(lambda: done)
            assert room.stopped == 0
            await until(lambda: told)
            assert told == [1001]

    async def test_handlers_of_events_may_finish(self) -> None:
        class Slow(Room):
            @override
            async def on_waved(self, call: Call[ChatPeer], event: Waved) -> None:
                self.running += 1
                await anyio.sleep(0.2)
                await super().on_waved(call, event)

        room = Slow()
        async with talking(room) as (server, client):
            await client.notify(Waved(who="me"))
            await client.notify(Waved(who="you"))
            await until(lambda: room.running == 2)
            await server.aclose()
            assert len(room.waved) == 2

    async def test_keyed_handlers_may_finish_whose_connection_is_gone(self) -> None:
        class Slow(Room):
            done = False

            @override
            async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
                self.running += 1
                await anyio.sleep(0.2)
                self.done = True
                return Echo(text=params.text)

            @override
            def handlers(self) -> Sequence[Bound]:
                return (unary(replace(ECHO, effect=Effect.KEYED), self.echo),)

        room = Slow()
        async with serving(room) as server:
            async with raw_client(server.port) as client:
                await client.say(hello={"protocol": "chat", "version": "1.0.0", "api": 1, "session": "s", "gen": 1})
                await client.say(id="1", action="echo", key="k", params={"text": "on"})
                await until(lambda: room.running)
            await until(lambda: not server.connections)
            await server.aclose()
            assert room.done

    async def test_handlers_that_do_not_are_cancelled(self) -> None:
        room = Room()
        limits = Limits(drain=0.1, close=0.2)
        async with talking(room, limits=limits) as (server, client), anyio.create_task_group() as tasks:

            async def nap() -> None:
                with pytest.raises((OutcomeUnknown, Cancelled)) as caught:
                    await client.nap(seconds=10)
                assert caught.value.ran is not Ran.NO

            tasks.start_soon(nap)
            await until(lambda: room.running == 1)
            started = current().now()
            await server.aclose()
            assert 0.1 <= current().now() - started < 1
            await until(lambda: room.stopped == 1)

    async def test_a_connection_that_does_not_end_in_its_time_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with talking(Room(), limits=Limits(drain=0.1, close=0.1)) as (server, client):
            await client.echo(text="on")
            [connection], ours = server.connections, connection_of(client)

            def stay(*_: object) -> None:
                """Say no goodbye."""

            monkeypatch.setattr(type(connection), "close", stay)
            started = anyio.current_time()
            await server.aclose()
            assert 1.0 < anyio.current_time() - started < 10
            await ours.until_closed()
            assert ours.closed is not None
            assert ours.closed.close_code == 1006

    async def test_new_calls_are_refused_unrun_meanwhile(self) -> None:
        room = Room()
        async with serving(room) as server, anyio.create_task_group() as tasks:
            handle, handler = (await ChatClient.connect(url_of(server))).start_handler()
            tasks.start_soon(handler)
            tasks.start_soon(lambda: handle.nap(seconds=0.2))
            await until(lambda: room.running == 1)
            tasks.start_soon(server.aclose)
            connection = connection_of(handle)
            await until(lambda: connection.session.peer_leaving)
            connection.session.peer_leaving = False  # as for a call that was under way when the server said so
            with pytest.raises(Unavailable) as caught:
                await handle.echo(text="late", timeout=1)
            assert caught.value.ran is Ran.NO
            assert not isinstance(caught.value, NotSent)
            assert len(room.calls) == 1

    async def test_a_call_made_meanwhile_goes_to_the_next_server(self) -> None:
        room, other = Room(), Room()
        with anyio.fail_after(BOUND):
            async with serve(other, "127.0.0.1", 0) as next_server, serve(room, "127.0.0.1", 0) as server:
                async with proxied(server.port) as proxy:
                    async with (
                        ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client,
                        anyio.create_task_group() as tasks,
                    ):
                        tasks.start_soon(lambda: client.nap(seconds=0.2))
                        await until(lambda: room.running == 1)
                        tasks.start_soon(server.aclose)
                        await until(lambda: connection_of(client).session.peer_leaving)
                        proxy.target = next_server.port
                        assert (await client.echo(text="on")).text == "on"
                    assert (len(room.calls), len(other.calls)) == (1, 1)

    async def test_an_idle_server_stops_at_once(self) -> None:
        async with talking(Room()) as (server, client):
            async with client.count(upto=3) as numbers:
                await numbers.result()
            with anyio.CancelScope() as scope:
                scope.cancel()
                await client.nap(seconds=10)
            started = anyio.current_time()
            await server.aclose()
            assert anyio.current_time() - started < 0.5

    async def test_closing_twice_and_at_the_same_time(self) -> None:
        async with serving(Room()) as server, anyio.create_task_group() as tasks:
            tasks.start_soon(server.aclose)
            tasks.start_soon(server.aclose)
            await server.aclose()
        await server.aclose()

    async def test_nobody_is_accepted_any_more(self) -> None:
        async with serving(Room()) as server:
            await server.aclose()
            with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the kernel likes
                await anyio.connect_tcp("127.0.0.1", server.port)


class TestWaiting:
    async def test_who_gives_up_waiting_for_the_end_leaves_the_others_waiting(self) -> None:
        async with talking(Room()) as (server, client), anyio.create_task_group() as tasks:
            connection = connection_of(client)
            ended: list[str] = []

            async def wait() -> None:
                await connection.until_closed()
                ended.append("closed")

            tasks.start_soon(wait)
            await until(lambda: len(connection._end_waiters) == 2)  # the client itself is the other
            with anyio.move_on_after(0.01) as given_up:
                await connection.until_closed()
            assert given_up.cancelled_caught
            assert ended == []
            assert len(connection._end_waiters) == 2, "who gave up is forgotten"
            server.connections[0].abort()
            await connection.until_closed()
            await until(lambda: ended)


class TestClient:
    async def test_what_waits_ends_when_the_client_is_closed(self) -> None:
        room = Room()
        async with talking(room) as (_, client), anyio.create_task_group() as tasks:
            ended: list[str] = []

            async def nap() -> None:
                with pytest.raises(OutcomeUnknown):
                    await client.nap(seconds=10)
                ended.append("call")

            async def listen() -> None:
                async with client.events.said() as said:
                    assert [event async for event in said] == []
                ended.append("events")

            tasks.start_soon(nap)
            tasks.start_soon(listen)
            await until(lambda: room.running == 1 and client.hub.streams and client.hub.streams[0].standing)
            await client.aclose()
            await until(lambda: len(ended) == 2)
            with pytest.raises(NotSent, match="closed"):
                await client.echo(text="on")
            await until(lambda: room.stopped == 1)

    async def test_a_dead_server_does_not_hold_it(self) -> None:
        with anyio.fail_after(BOUND):
            async with serve(Room(), "127.0.0.1", 0) as server, proxied(server.port) as proxy:
                limits = Limits(close=0.2)
                async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", limits=limits) as client:
                    async with client.events.said():
                        proxy.stalled = True
                        started = anyio.current_time()
                        await client.aclose()
                assert anyio.current_time() - started < 1
                proxy.cut()

    async def test_leaving_a_stream_of_a_dead_server_waits_no_longer_than_a_close(self) -> None:
        with anyio.fail_after(BOUND):
            async with serve(Room(), "127.0.0.1", 0) as server, proxied(server.port) as proxy:
                limits = Limits(close=0.2)
                async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", limits=limits) as client:
                    async with client.events.said():
                        proxy.stalled = True
                        started = anyio.current_time()
                    assert anyio.current_time() - started < 1
                proxy.cut()

    async def test_closing_while_it_reconnects(self) -> None:
        with anyio.fail_after(BOUND):
            async with serve(Room(), "127.0.0.1", 0) as server, proxied(server.port) as proxy:
                async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client:
                    first = connection_of(client)
                    proxy.refusing = True
                    proxy.cut()
                    await first.until_closed()
                    started = anyio.current_time()
                assert anyio.current_time() - started < 0.5


class TestBlocks:
    async def test_an_exception_leaves_the_blocks_as_itself(self) -> None:
        error = KeyError("mine")
        with pytest.raises(KeyError) as caught:
            async with talking(Room()) as (_, client), client.events.said(), client.count(upto=1000):
                raise error
        assert caught.value is error

    @pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration, KeyboardInterrupt, SystemExit])
    async def test_even_peculiar_ones_do(self, kind: type[BaseException]) -> None:
        async def leave() -> None:
            with anyio.fail_after(BOUND):
                async with serve(Room(), "127.0.0.1", 0) as server, ChatClient.open(url_of(server)):
                    raise kind

        with pytest.raises(RuntimeError if kind is StopIteration else kind):
            await leave()

    async def test_a_group_stays_the_group_it_was(self) -> None:
        error = ExceptionGroup("mine", [KeyError("a"), ValueError("b")])
        with pytest.raises(ExceptionGroup) as caught:
            async with talking(Room()):
                raise error
        assert caught.value is error

    async def test_cancelling_inside(self) -> None:
        room, scope = Room(), anyio.CancelScope()
        with anyio.fail_after(BOUND):
            async with anyio.create_task_group() as tasks:

                async def cancel() -> None:
                    await until(lambda: room.running)
                    scope.cancel()

                tasks.start_soon(cancel)
                with scope:
                    async with serve(room, "127.0.0.1", 0) as server, ChatClient.open(url_of(server)) as client:
                        async with client.events.said():
                            await client.nap(seconds=10)
            assert scope.cancelled_caught
            assert room.stopped == 1

    async def test_handlers_end_with_the_server_s_block(self) -> None:
        room = Shielded()
        limits = Limits(drain=0.05, close=0.05)
        with anyio.fail_after(BOUND):
            async with anyio.create_task_group() as tasks:
                async with serve(room, "127.0.0.1", 0, limits=limits) as server:
                    handle, handler = (await ChatClient.connect(url_of(server))).start_handler()
                    tasks.start_soon(handler)

                    async def nap() -> None:
                        with pytest.raises((OutcomeUnknown, Cancelled)):
                            await handle.nap(seconds=0.5)

                    tasks.start_soon(nap)
                    await until(lambda: room.running == 1)
                assert room.running == 0  # waited for, though it took its time


async def test_a_handler_ends_after_the_keyed_calls_that_it_serves() -> None:
    """Where a client is run by its user, its keyed calls belong to what it is run as."""
    asked, let_go, ended = anyio.Event(), anyio.Event(), anyio.Event()
    keyed = replace(ASK_BACK, effect=Effect.KEYED)

    class Lingering(Guest):
        @override
        async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
            asked.set()
            await let_go.wait()
            return 0

        @override
        def handlers(self) -> Sequence[Bound]:
            return (unary(keyed, self.ask_back),)

    async with serving(Room()) as server, anyio.create_task_group() as tasks:
        handle, handler = (await ChatClient.connect(url_of(server), serve=Lingering())).start_handler()

        async def run() -> None:
            await handler()
            ended.set()

        async def ask() -> None:
            with suppress(CallError):
                await server.peers()[0]._call(keyed, AskParams(depth=0), None, None)

        tasks.start_soon(run)
        await until(server.peers)
        tasks.start_soon(ask)
        await asked.wait()
        connection = connection_of(handle)
        connection.abort()
        await connection.until_closed()
        await anyio.sleep(0.02)
        assert not ended.is_set()
        let_go.set()
        await ended.wait()
        tasks.cancel_scope.cancel()
