"""Cuts and restarts over real sockets: what ends, what goes on, and what is left behind (nothing)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import anyio
import pytest
from msgspec.structs import replace
from tests.runtime.banking import banking
from tests.runtime.chat import CHAT, NAP, AskParams, ChatClient, ChatPeer, NapParams, Said, Topic, Typing
from tests.runtime.proxy import Cut, Direction, Proxy, proxied
from tests.runtime.support import BOUND, Guest, Room, connection_of, serving, sleep_regardless, until, url_of
from typing_extensions import override

from duologue import (
    Call,
    CallError,
    CloseCode,
    ConnectFailed,
    EventStream,
    HistoryLost,
    Lifecycle,
    Limits,
    NotSent,
    OutcomeUnknown,
    Ran,
    Server,
    serve,
)
from duologue.calling.calls import Calls
from duologue.events import events
from duologue.wire import Goaway

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_back_off")]


@asynccontextmanager
async def through_a_proxy(
    room: Room, lifecycle: Lifecycle | None = None, limits: Limits | None = None
) -> AsyncGenerator[tuple[Server[ChatPeer], Proxy, ChatClient]]:
    async with (
        serving(room, limits) as server,
        proxied(server.port) as proxy,
        ChatClient.open(f"ws://127.0.0.1:{proxy.port}", lifecycle=lifecycle, limits=limits) as client,
    ):
        yield server, proxy, client


async def numbers(stream: EventStream[Said], count: int) -> list[int]:
    return [(await anext(stream)).number for _ in range(count)]


class TestCalls:
    async def test_a_call_in_flight_ends_unknown_and_its_handler_is_stopped(self) -> None:
        room = Room()
        async with through_a_proxy(room) as (_, proxy, client):
            async with anyio.create_task_group() as tasks:

                async def nap() -> None:
                    with pytest.raises(OutcomeUnknown) as caught:
                        await client.nap(seconds=10)
                    assert caught.value.ran is Ran.UNKNOWN

                tasks.start_soon(nap)
                await until(lambda: room.running == 1)
                proxy.cut()
            with anyio.fail_after(2):
                await until(lambda: room.stopped == 1)

    async def test_a_later_call_waits_for_the_new_connection(self) -> None:
        async with through_a_proxy(Room()) as (_, proxy, client):
            first = connection_of(client)
            proxy.cut()
            await first.until_closed()
            assert (await client.echo(text="on")).text == "on"
            assert connection_of(client) is not first
            assert proxy.accepted == 2

    async def test_waiting_for_a_connection_counts_towards_the_timeout(self) -> None:
        room = Room()
        async with through_a_proxy(room) as (_, proxy, client):
            first = connection_of(client)
            proxy.refusing = True
            proxy.cut()
            await first.until_closed()
            started = anyio.current_time()
            with pytest.raises(NotSent) as caught:
                await client.echo(text="late", timeout=0.1)
            assert caught.value.ran is Ran.NO
            assert anyio.current_time() - started < 1
            assert not client._channel._waiting, "whoever waits no longer is forgotten"
            async with anyio.create_task_group() as tasks:

                async def call() -> None:
                    started = anyio.current_time()
                    await client.echo(text="on", timeout=2)
                    left = room.calls[-1].deadline
                    assert left is not None
                    assert left - started < 2.1

                tasks.start_soon(call)
                await anyio.sleep(0.3)
                proxy.refusing = False

    async def test_a_call_without_a_timeout_of_its_own_does_not_wait_for_ever(self) -> None:
        async with through_a_proxy(Room()) as (_, proxy, client):
            first = connection_of(client)
            proxy.refusing = True
            proxy.cut()
            await first.until_closed()
            with pytest.raises(NotSent), anyio.fail_after(2):
                await client._call(replace(NAP, timeout=0.1), NapParams(seconds=0), None, None)

    async def test_a_server_that_is_restarted_is_found_again(self) -> None:
        ports: list[int] = []
        stop = anyio.Event()

        async def first_life() -> None:
            async with serve(Room(), "127.0.0.1", 0) as server:
                ports.append(server.port)
                await stop.wait()

        with anyio.fail_after(BOUND):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(first_life)
                await until(lambda: ports)
                async with ChatClient.open(f"ws://127.0.0.1:{ports[0]}") as client:
                    await client.echo(text="one")
                    stop.set()
                    await connection_of(client).until_closed()
                    async with serve(Room(), "127.0.0.1", ports[0]):
                        assert (await client.echo(text="two")).text == "two"


class TestHandlersThatTakeTheirTime:
    """A keyed handler goes on when its connection is lost; what comes after the connection does not wait for it."""

    @pytest.mark.parametrize("back", [True, False], ids=["client", "server"])
    async def test_the_next_connection_is_made_meanwhile(self, back: bool) -> None:
        told: list[float] = []
        lifecycle = Lifecycle(lost=lambda closed: told.append(anyio.current_time()))
        async with banking(Limits(connections=1), lifecycle) as here, anyio.create_task_group() as tasks:

            async def book() -> None:
                with suppress(CallError):
                    await (here.peer if back else here.client).book(mark="long", before=0, after=60)

            tasks.start_soon(book)
            await here.running("long")
            cut_at = anyio.current_time()
            for _ in range(2):  # a second one was being waited for when the first took the only place
                await here.cut()
                assert (await here.client.read(mark="next", before=0, after=0)).mark == "next"
            assert anyio.current_time() - cut_at < 10
            assert 0 <= told[0] - cut_at < 10
            (run,) = here.ledger.runs_of("long")
            assert (run.ended, run.stopped) == (None, False), "it still runs"
            tasks.cancel_scope.cancel()

    async def test_a_handler_that_does_not_let_itself_be_stopped_delays_nobody(self) -> None:
        class Stubborn(Guest):
            @override
            async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
                started.set()
                await sleep_regardless(1)
                return await super().ask_back(call, params)

        started = anyio.Event()
        async with serving(Room()) as server, proxied(server.port) as proxy:
            async with (
                ChatClient.open(f"ws://127.0.0.1:{proxy.port}", serve=Stubborn()) as client,
                anyio.create_task_group() as tasks,
            ):
                await until(server.peers)

                async def ask() -> None:
                    with suppress(CallError):
                        await server.peers()[0].ask_back(depth=0)

                tasks.start_soon(ask)
                await started.wait()
                cut_at = anyio.current_time()
                proxy.cut()
                await connection_of(client).until_closed()
                assert (await client.echo(text="on")).text == "on"
                assert anyio.current_time() - cut_at < 0.8


class TestEvents:
    async def test_a_stream_resumes_without_a_gap(self) -> None:
        async with through_a_proxy(Room()) as (server, proxy, client), client.events.said(room="a") as said:
            number = 0
            for _ in range(5):
                first = connection_of(client)
                for _ in range(20):
                    await server.emit(Said(room="ab"[number % 2], text="", number=number))
                    number += 1
                proxy.cut()
                await first.until_closed()
                for _ in range(20):
                    await server.emit(Said(room="ab"[number % 2], text="", number=number))
                    number += 1
            assert await numbers(said, number // 2) == list(range(0, number, 2))

    async def test_state_converges_after_a_cut(self) -> None:
        async with through_a_proxy(Room()) as (server, proxy, client), client.events.topic() as topics:
            await server.emit(Topic(room="a", from_="me", text="1"))
            assert (await anext(topics)).text == "1"
            first = connection_of(client)
            proxy.cut()
            await first.until_closed()
            await server.emit(Topic(room="a", from_="me", text="2"))
            assert (await anext(topics)).text == "2"

    async def test_another_history_is_told(self) -> None:
        with anyio.fail_after(BOUND):
            async with serve(Room(), "127.0.0.1", 0) as server, proxied(server.port) as proxy:
                async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client, client.events.said() as said:
                    await server.emit(Said(room="a", text="", number=1))
                    assert await numbers(said, 1) == [1]
                    async with serve(Room(), "127.0.0.1", 0) as other:
                        await other.emit(Said(room="a", text="", number=2))  # it grew to the same number
                        proxy.target = other.port
                        proxy.cut()
                        with pytest.raises(HistoryLost, match="epoch_changed"):
                            await anext(said)

    async def test_a_stream_that_is_left_while_it_is_renewed_leaves_no_subscription(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with through_a_proxy(Room()) as (server, _, client):
            said = client.events.said()
            await said.start()
            connection = connection_of(client)
            ask = Calls.ask

            async def ask_late(self: Calls, name: str, params: bytes, timeout: float = 30.0) -> bytes:
                if name == "subscribe":
                    await said.aclose()
                return await ask(self, name, params, timeout)

            monkeypatch.setattr(Calls, "ask", ask_late)
            said._asked = None  # as on a new connection
            await said.renew(connection)
            subscriptions = server.connections[0]._subscriptions
            assert subscriptions is not None
            assert not subscriptions._subscriptions

    async def test_a_stream_is_opened_on_the_next_connection_where_the_server_leaves(self) -> None:
        async with serving(Room()) as other, through_a_proxy(Room()) as (server, proxy, client):
            server.connections[0].leave(Goaway("moving"))
            await until(lambda: connection_of(client).session.peer_leaving)
            proxy.target = other.port
            async with anyio.create_task_group() as tasks:

                async def listen() -> None:
                    async with client.events.said() as said:
                        assert await numbers(said, 1) == [1]

                tasks.start_soon(listen)
                await anyio.sleep(0.05)
                server.connections[0].close(CloseCode.GOING_AWAY)
                await until(lambda: other._service.publisher._listeners["said"])
                await other.emit(Said(room="a", text="", number=1))

    async def test_a_connection_that_is_lost_while_a_stream_is_opened_makes_no_difference(self) -> None:
        async with through_a_proxy(Room()) as (server, proxy, client):
            proxy.cut_after(Cut(Direction.DOWN, 1))
            async with client.events.said() as said:
                assert (proxy.cut_short, proxy.accepted) == (1, 2)
                await server.emit(Said(room="a", text="", number=1))
                assert await numbers(said, 1) == [1]

    async def test_opening_a_stream_has_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(events, "_SUBSCRIBE", replace(events._SUBSCRIBE, timeout=0.2))
        async with through_a_proxy(Room()) as (_, proxy, client):
            first = connection_of(client)
            proxy.refusing = True
            proxy.cut()
            await first.until_closed()
            with pytest.raises(NotSent), anyio.fail_after(2):
                await client.events.said().start()
            assert not client.hub.streams

    async def test_a_stream_opened_while_there_is_no_connection(self) -> None:
        async with through_a_proxy(Room()) as (server, proxy, client):
            first = connection_of(client)
            proxy.refusing = True
            proxy.cut()
            await first.until_closed()
            async with anyio.create_task_group() as tasks:

                async def listen() -> None:
                    async with client.events.said() as said:
                        assert await numbers(said, 1) == [1]

                tasks.start_soon(listen)
                await anyio.sleep(0.05)
                proxy.refusing = False
                await until(lambda: server.connections and connection_of(client).closed is None)
                await client.echo(text="on")
                await anyio.sleep(0.05)
                await server.emit(Said(room="a", text="", number=1))


class Told:
    """A lifecycle that writes down what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.lifecycle = Lifecycle(
            connected=lambda: self.words.append("connected"),
            lost=lambda closed: self.words.append(f"lost {closed.close_code}"),
            resumed=lambda: self.words.append("resumed"),
            reset=lambda events, reason: self.words.append(f"reset {' '.join(events)}: {reason}"),
        )


class TestLifecycle:
    async def test_callbacks_tell_of_each_change(self) -> None:
        told = Told()
        async with through_a_proxy(Room(), told.lifecycle) as (_, proxy, client):
            await client.echo(text="one")
            for _ in range(2):
                first = connection_of(client)
                proxy.cut()
                await first.until_closed()
                await client.echo(text="two")
                await until(lambda: told.words[-1] == "resumed")
            again = ["lost 1006", "connected", "resumed"]
            assert told.words == ["connected", *again, *again]
        assert told.words == ["connected", *again, *again]  # closing it oneself is no loss

    async def test_resumed_means_that_all_subscriptions_stand(self) -> None:
        standing: list[int] = []
        server: Server[ChatPeer] | None = None

        def count() -> None:
            assert server is not None
            subscriptions = server.connections[0]._subscriptions
            assert subscriptions is not None
            standing.append(len(subscriptions._subscriptions))

        async with AsyncExitStack() as stack:
            server, proxy, client = await stack.enter_async_context(
                through_a_proxy(Room(), Lifecycle(resumed=count), Limits(in_flight=4))
            )
            for _ in range(40):
                await stack.enter_async_context(client.events.said())
            first = connection_of(client)
            proxy.cut()
            await first.until_closed()
            await until(lambda: standing)
            assert standing == [40]

    async def test_resumed_waits_for_a_connection_that_stays(self) -> None:
        told = Told()
        async with through_a_proxy(Room(), told.lifecycle) as (_, proxy, client), client.events.said():
            first = connection_of(client)
            proxy.cut_after(Cut(Direction.UP, 0))
            proxy.cuts = iter([Cut(Direction.DOWN, size) for size in range(150, 900, 50)])
            await first.until_closed()
            await until(lambda: told.words[-1:] == ["resumed"])
            assert told.words.count("resumed") == 1
            assert told.words[-2] == "connected"
            assert proxy.cut_short >= 10

    async def test_reset_tells_which_events_do_not_go_on(self) -> None:
        told = Told()
        async with serving(Room()) as other, through_a_proxy(Room(), told.lifecycle) as (_, proxy, client):
            async with (
                client.events.said() as said,
                client.events.topic() as topics,
                client.events(Said, Typing) as both,
            ):
                first = connection_of(client)
                proxy.target = other.port
                proxy.cut()
                await first.until_closed()
                for stream in (said, both):
                    with pytest.raises(HistoryLost, match="epoch_changed"):
                        await anext(stream)
                await until(lambda: "resumed" in told.words)
                await other.emit(Topic(room="a", from_="me", text="on"))
                assert (await anext(topics)).text == "on"
        resets = [word for word in told.words if word.startswith("reset")]
        assert sorted(resets) == ["reset said typing: epoch_changed", "reset said: epoch_changed"]

    async def test_a_callback_that_raises_costs_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        def complain(*about: object) -> None:
            raise RuntimeError(f"not now, {len(about)}")

        lifecycle = Lifecycle(connected=complain, lost=complain, resumed=complain, reset=complain)
        async with serving(Room()) as other, through_a_proxy(Room(), lifecycle) as (_, proxy, client):
            async with client.events.said() as said:
                assert (await client.echo(text="one", timeout=2)).text == "one"
                first = connection_of(client)
                proxy.target = other.port
                proxy.cut()
                await first.until_closed()
                assert (await client.echo(text="two", timeout=2)).text == "two"
                with pytest.raises(HistoryLost):
                    await anext(said)
                await until(lambda: caplog.text.count("RuntimeError: not now, 0") == 3)
        assert caplog.text.count("RuntimeError: not now, 1") == 1
        assert caplog.text.count("RuntimeError: not now, 2") == 1

    async def test_the_token_is_asked_for_anew(self) -> None:
        asked: list[str] = []

        async def token() -> str:
            asked.append("secret")
            if len(asked) == 2:
                raise RuntimeError("no token today")
            return "secret"

        async with serving(Room()) as server, proxied(server.port) as proxy:
            async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", token=token) as client:
                first = connection_of(client)
                proxy.cut()
                await first.until_closed()
                with pytest.raises(NotSent, match="no token today"):
                    await client.echo(text="on", timeout=2)
            assert len(asked) == 2

    async def test_a_final_close_code_stops_it(self) -> None:
        async with through_a_proxy(Room()) as (server, proxy, client):
            server.connections[0].close(CloseCode.REVOKED, "no longer welcome")
            await connection_of(client).until_closed()
            with pytest.raises(NotSent, match="no longer welcome"):
                await client.echo(text="on")
            assert proxy.accepted == 1

    async def test_a_server_of_another_protocol_stops_it(self) -> None:
        class Chess(Room):
            protocol = replace(CHAT, name="chess")

        async with serving(Chess()) as other, through_a_proxy(Room()) as (_, proxy, client):
            first = connection_of(client)
            proxy.target = other.port
            proxy.cut()
            await first.until_closed()
            with pytest.raises(NotSent, match="chess"):
                await client.echo(text="on", timeout=2)
            with pytest.raises(ConnectFailed, match="chess") as caught:
                await ChatClient.connect(url_of(other))
            assert (caught.value.status_code, caught.value.close_code) == (None, CloseCode.VIOLATION)

    async def test_nobody_there_from_the_start(self) -> None:
        with anyio.fail_after(BOUND):
            async with serve(Room(), "127.0.0.1", 0) as server:
                url = url_of(server)
            with pytest.raises(ConnectFailed, match=r"cannot connect to 127\.0\.0\.1"):
                async with ChatClient.open(url):
                    pass
