"""Events over real sockets: what a subscriber is promised for `log`, `state` and `volatile` events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.runtime.chat import ChatClient, ChatPeer, Said, Topic, Typing, Waved
from tests.runtime.proxy import proxied
from tests.runtime.raw import raw_client
from tests.runtime.support import BOUND, Room, connection_of, fill_by, overheard, serving, talking, until
from typing_extensions import override

import duologue.client.backoff
from duologue import (
    Call,
    EventLog,
    EventStream,
    HistoryLost,
    InvalidArgument,
    Lifecycle,
    Limits,
    LogEntry,
    MemoryLog,
    NotFound,
    NotSent,
    Position,
    ResourceExhausted,
    serve,
)
from duologue.testing import MemoryNetwork
from duologue.wire import Goaway

pytestmark = pytest.mark.anyio


async def numbers(stream: EventStream[Said], count: int) -> list[int]:
    return [(await anext(stream)).number for _ in range(count)]


async def quiet(stream: EventStream[Any], seconds: float = 0.05) -> bool:
    """Whether nothing comes."""
    with anyio.move_on_after(seconds):
        await anext(stream)
        return False
    return True


async def test_a_second_reader_at_a_time_is_told_and_the_first_one_goes_on() -> None:
    async with talking(Room()) as (server, client), client.events.said() as said:
        read: list[int] = []

        async def first() -> None:
            read.extend(await numbers(said, 1))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await until(lambda: said._waiting)
            with pytest.raises(RuntimeError, match="said: another task reads this"):
                await anext(said)
            await server.emit(Said(room="a", text="", number=1))
        await server.emit(Said(room="a", text="", number=2))
        assert (read, await numbers(said, 1)) == ([1], [2])


class TestFilters:
    async def test_a_value(self) -> None:
        async with talking(Room()) as (server, client), client.events.said(room="a") as said:
            for number in range(6):
                await server.emit(Said(room="ab"[number % 2], text="", number=number))
            assert await numbers(said, 3) == [0, 2, 4]
            assert await quiet(said)

    async def test_any_of_several_values_and_all_of_several_fields(self) -> None:
        async with talking(Room()) as (server, client), client.events.said(room=["a", "b"], number=[1, 2, 5]) as said:
            for number in range(9):
                await server.emit(Said(room="abc"[number % 3], text="", number=number))
            assert await numbers(said, 1) == [1]
            assert await quiet(said)

    async def test_a_field_with_another_name_in_python(self) -> None:
        async with talking(Room()) as (server, client), client.events.topic(from_="me") as topics:
            await server.emit(Topic(room="a", from_="you", text="1"))
            await server.emit(Topic(room="b", from_="me", text="2"))
            assert (await anext(topics)).text == "2"
            assert await quiet(topics)

    async def test_what_does_not_pass_is_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with talking(Room()) as (server, client), client.events.said(room="a"):
            arrived = overheard(connection_of(client), monkeypatch)
            await server.emit(Said(room="b", text="hidden"))
            await client.echo(text="on")
        assert not any(b"hidden" in message for message in arrived)

    async def test_values_that_do_not_fit_are_refused_here(self) -> None:
        async with talking(Room()) as (_, client):
            with pytest.raises(InvalidArgument, match="number"):
                client.events.said(number="x")  # type: ignore[arg-type]
            with pytest.raises(InvalidArgument, match="publishes no event"):
                await client.subscribe(["waved"])

    async def test_the_server_refuses_what_it_does_not_know(self) -> None:
        async with talking(Room()) as (_, client):
            ask = connection_of(client).calls.ask
            for params in (
                b'{"events":["sung"]}',
                b'{"events":["said"],"filter":{"text":"a"}}',
                b'{"events":["said"],"filter":{"number":"1"}}',
                b'{"events":"said"}',
            ):
                with pytest.raises(InvalidArgument):
                    await ask("subscribe", params)
            with pytest.raises(NotFound):
                await ask("unsubscribe", b'{"sub":"s9"}')


class TestStreams:
    async def test_streams_of_one_connection_are_independent(self) -> None:
        async with talking(Room()) as (server, client):
            async with client.events.said(room="a") as one, client.events.said() as all_of_them:
                async with client.events.said(room="b") as other:
                    for number in range(4):
                        await server.emit(Said(room="ab"[number % 2], text="", number=number))
                    assert await numbers(other, 2) == [1, 3]
                await server.emit(Said(room="a", text="", number=4))
                assert await numbers(one, 3) == [0, 2, 4]
                assert await numbers(all_of_them, 5) == [0, 1, 2, 3, 4]
            await server.emit(Said(room="a", text=""))
            assert not client.hub.streams

    async def test_a_live_event_leaves_once_for_all_streams(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with talking(Room()) as (server, client):
            connection = connection_of(client)
            async with client.events.said() as one, client.events.said() as two, client.events.said(room="a") as three:
                await client.echo(text="on")  # the last `live` is there
                arrived = overheard(connection, monkeypatch)
                await server.emit(Said(room="a", text="hello"))
                assert [(await anext(stream)).text for stream in (one, two, three)] == ["hello"] * 3
        assert len([message for message in arrived if b"hello" in message]) == 1

    async def test_several_events_in_one_stream_keep_their_order(self) -> None:
        async with talking(Room()) as (server, client), client.events(Said, Typing) as both:
            await server.emit(Typing(who="me"))
            await server.emit(Said(room="a", text="1"))
            await server.emit(Typing(who="me"))
            assert [type(await anext(both)) for _ in range(3)] == [Typing, Said, Typing]

    async def test_an_event_emitted_by_a_handler_comes_before_its_answer(self) -> None:
        room = Room()
        async with talking(room) as (server, client), client.events.said() as said:
            await client.echo(text="on")
            arrived: list[str] = []

            async def read() -> None:
                async for event in said:
                    arrived.append(event.text)  # noqa: PERF401 - it is looked at meanwhile

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read)
                await server.emit(Said(room="a", text="first"))
                await client.echo(text="second")
                await until(lambda: arrived)
                assert arrived == ["first"]
                tasks.cancel_scope.cancel()

    async def test_leaving_the_block_ends_the_iteration_elsewhere(self) -> None:
        async with talking(Room()) as (server, client):
            stream = client.events.said()
            await stream.start()
            await server.emit(Said(room="a", text="", number=1))
            await client.echo(text="on")
            await stream.aclose()
            assert [event.number async for event in stream] == [1]

    async def test_the_server_hears_of_the_end_of_a_stream_whose_reader_was_cancelled(self) -> None:
        room = Room()
        async with talking(room, limits=Limits(in_flight=2)) as (server, client), anyio.create_task_group() as tasks:
            standing: list[bool] = []

            async def read() -> None:
                async with client.events.said() as said:
                    standing.append(True)
                    await anext(said)

            async with anyio.create_task_group() as readers:
                for _ in range(3):
                    readers.start_soon(read)
                await until(lambda: len(standing) == 3)
                for _ in range(2):
                    tasks.start_soon(lambda: client.nap(seconds=0.3))
                await until(lambda: room.running == 2)  # no place is left to say it at once
                readers.cancel_scope.cancel()
            subscriptions = server.connections[0]._subscriptions
            assert subscriptions is not None
            await until(lambda: not subscriptions._subscriptions)

    async def test_a_stream_whose_opening_was_given_up_leaves_nothing_at_the_server(self) -> None:
        async with talking(Room()) as (server, client):
            subscriptions = server.connections[0]._subscriptions
            assert subscriptions is not None

            async def open_and_stay() -> None:
                async with client.events.said():
                    await anyio.sleep_forever()

            for turns in range(20):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(open_and_stay)
                    for _ in range(turns):
                        await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()
            assert not client.hub.streams
            await client.echo(text="on")
            await until(lambda: not subscriptions._subscriptions)

    async def test_a_stream_whose_opening_failed_can_be_opened_again(self) -> None:
        async with talking(Room(), limits=Limits(subscriptions=1)) as (server, client):
            typing = client.events.typing()
            async with client.events.said():
                with pytest.raises(ResourceExhausted):
                    await typing.start()
            async with typing:
                await server.emit(Typing(who="me"))
                assert (await anext(typing)).who == "me"

    async def test_more_subscriptions_than_allowed(self) -> None:
        async with talking(Room(), limits=Limits(subscriptions=2)) as (_, client):
            async with client.events.said(), client.events.typing():
                with pytest.raises(ResourceExhausted):
                    await client.events.topic().start()
            async with client.events.topic():
                pass


class TestLog:
    async def test_a_stream_knows_its_position(self) -> None:
        async with talking(Room()) as (server, client):
            await server.emit(Said(room="a", text="before"))
            async with client.events.said(room="a") as said:
                start = said.position
                assert start is not None
                assert start.seq == 1
                await server.emit(Said(room="b", text=""))
                await server.emit(Said(room="a", text="", number=3))
                await anext(said)
                assert said.position == Position(start.epoch, 3)

    async def test_a_position_is_where_a_later_stream_goes_on(self) -> None:
        async with talking(Room()) as (server, client):
            async with client.events.said() as said:
                await server.emit(Said(room="a", text="", number=1))
                assert await numbers(said, 1) == [1]
                position = said.position
            for number in range(2, 600):
                await server.emit(Said(room="a", text="", number=number))
            async with client.events.said(since=position) as said:
                await server.emit(Said(room="a", text="", number=600))
                assert await numbers(said, 599) == list(range(2, 601))

    async def test_an_event_that_comes_twice_is_read_once(self) -> None:
        async with talking(Room()) as (_, client), client.events.said() as said:
            await client.echo(text="on")
            for seq in (1, 1, 2, 1, 2, 3):
                text = f'{{"event":"said","data":{{"room":"a","text":"","number":{seq}}},"seq":{seq}}}'
                connection_of(client).on_message(text.encode())
            assert await numbers(said, 3) == [1, 2, 3]
            assert await quiet(said)

    async def test_a_position_of_another_history_is_refused(self) -> None:
        async with talking(Room()) as (server, client):
            await server.emit(Said(room="a", text=""))
            for position in (Position("elsewhere", 0), Position("elsewhere", 1)):
                with pytest.raises(HistoryLost, match="epoch_changed"):
                    await client.events.said(since=position).start()

    async def test_what_could_not_be_begun_leaves_nothing_open(self) -> None:
        async with talking(Room(), limits=Limits(subscriptions=2)) as (server, client):
            stream = client.events.said(since=Position("elsewhere", 0))
            for _ in range(5):
                with pytest.raises(HistoryLost):
                    await stream.start()
                assert not client.hub.streams
            async with client.events.said() as said:
                await server.emit(Said(room="a", text="", number=1))
                assert await numbers(said, 1) == [1]

    async def test_a_reader_that_falls_behind_misses_nothing(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=10)) as (server, client):
            async with client.events.said() as slow, client.events.said() as fast:
                for number in range(50):
                    await server.emit(Said(room="a", text="", number=number))
                    assert await numbers(fast, 1) == [number]
                assert await numbers(slow, 20) == list(range(20))
                for number in range(50, 60):
                    await server.emit(Said(room="a", text="", number=number))
                assert await numbers(slow, 40) == list(range(20, 60))
                assert await quiet(slow)
                await server.emit(Said(room="a", text="", number=60))
                assert await numbers(slow, 1) == [60]

    async def test_a_reader_that_falls_behind_and_gives_up_waiting_can_go_on(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=2)) as (server, client):
            async with client.events.said() as said:
                for number in range(20):
                    await server.emit(Said(room="a", text="", number=number))
                await client.echo(text="on")
                seen: list[int] = []
                attempts = 0
                while len(seen) < 20:
                    attempts += 1
                    with anyio.CancelScope() as scope:
                        if attempts % 2:
                            scope.cancel()
                        seen.append((await anext(said)).number)
                assert seen == list(range(20))

    async def test_a_reader_that_falls_behind_before_a_cut_misses_nothing(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=5)) as (server, client):
            async with client.events.said() as said:
                for number in range(20):
                    await server.emit(Said(room="a", text="", number=number))
                first = connection_of(client)
                await client.echo(text="on")
                server.connections[0].abort()
                await first.until_closed()
                assert await numbers(said, 20) == list(range(20))

    async def test_more_history_than_the_queue_holds(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=16)) as (server, client):
            async with client.events.said() as said:
                start = said.position
            for number in range(300):
                await server.emit(Said(room="a", text="", number=number))
            async with client.events.said(since=start) as said:
                assert await numbers(said, 300) == list(range(300))


class TestState:
    async def test_a_late_subscriber_starts_with_the_latest_of_each_key(self) -> None:
        async with talking(Room()) as (server, client):
            for room, text in (("a", "1"), ("b", "1"), ("a", "2")):
                await server.emit(Topic(room=room, from_="me", text=text))
            async with client.events.topic() as topics:
                found = {event.room: event.text for event in [await anext(topics), await anext(topics)]}
                assert found == {"a": "2", "b": "1"}
                assert await quiet(topics)

    async def test_a_slow_reader_gets_the_latest_of_each_key(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=4)) as (server, client):
            async with client.events.topic() as topics:
                for number in range(100):
                    await server.emit(Topic(room="ab"[number % 2], from_="me", text=str(number)))
                await client.echo(text="on")
                assert [(await anext(topics)).text for _ in range(2)] == ["98", "99"]
                assert await quiet(topics)

    async def test_more_keys_than_the_queue_holds_are_not_forgotten(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=4)) as (server, client):
            async with client.events.topic() as topics:
                for number in range(10):
                    await server.emit(Topic(room=str(number), from_="me", text="x"))
                await client.echo(text="on")
                assert {(await anext(topics)).room for _ in range(10)} == {str(number) for number in range(10)}


class TestVolatile:
    async def test_what_the_reader_is_too_slow_for_is_counted(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=4)) as (server, client):
            async with client.events.typing() as typing:
                for _ in range(10):
                    await server.emit(Typing(who="me"))
                await client.echo(text="on")
                assert [(await anext(typing)).who for _ in range(4)] == ["me"] * 4
                assert typing.lost == 6
                assert await quiet(typing)

    async def test_those_are_counted_that_come_while_the_reader_is_behind_the_log(self) -> None:
        async with talking(Room(), client_limits=Limits(event_queue=2)) as (server, client):
            async with client.events(Said, Typing) as both:
                for number in range(4):
                    await server.emit(Said(room="a", text="", number=number))
                for _ in range(3):
                    await server.emit(Typing(who="me"))
                await client.echo(text="on")
                assert both.lost == 3
                read = [await anext(both) for _ in range(4)]
                assert [event.number for event in read if isinstance(event, Said)] == [0, 1, 2, 3]


@pytest.fixture
def limits() -> Limits:
    return Limits(outbound=32 * 1024)


class TestSlowLinks:
    """A peer that takes nothing for a while: what is sent to it meanwhile depends on what it was promised."""

    async def test_states_converge(self, limits: Limits) -> None:
        async with (
            serving(Room(), limits) as server,
            proxied(server.port) as proxy,
            ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client,
            client.events.topic() as topics,
        ):
            await client.echo(text="on")
            proxy.stalled = True
            await fill_by(
                server.connections[0],
                lambda number: server.emit(Topic(room="ab"[number % 2], from_="me", text="x" * 20_000)),
            )
            for room in "abc":
                for text in ("nearly", "last"):
                    await server.emit(Topic(room=room, from_="me", text=text))
            proxy.stalled = False
            found: dict[str, str] = {}
            while found != {"a": "last", "b": "last", "c": "last"}:
                event = await anext(topics)
                found[event.room] = event.text
            assert await quiet(topics)

    async def test_lost_volatile_events_are_counted(self, limits: Limits) -> None:
        async with (
            serving(Room(), limits) as server,
            proxied(server.port) as proxy,
            ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client,
            client.events.typing() as typing,
        ):
            await client.echo(text="on")
            proxy.stalled = True
            sent = await fill_by(server.connections[0], lambda _: server.emit(Typing(who="x" * 20_000)))
            for _ in range(10):
                await server.emit(Typing(who="lost"))
            proxy.stalled = False
            for _ in range(sent):
                assert len((await anext(typing)).who) == 20_000
            await until(lambda: typing.lost == 10)
            await server.emit(Typing(who="me"))
            assert (await anext(typing)).who == "me"

    async def test_the_log_goes_on_where_it_was_left(self, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(duologue.client.backoff, "FIRST_DELAY", 0.01)
        async with (
            serving(Room(), limits) as server,
            proxied(server.port) as proxy,
            ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client,
            client.events.said() as said,
        ):
            await client.echo(text="on")
            first = connection_of(client)
            proxy.stalled = True
            number = 0
            while server.connections and server.connections[0].is_open:
                await server.emit(Said(room="a", text="x" * 20_000, number=number))
                number += 1
                await anyio.lowlevel.checkpoint()
            proxy.stalled = False
            await first.until_closed()
            assert first.closed is not None
            assert await numbers(said, number) == list(range(number))


class TestManyStates:
    async def test_they_come_as_the_link_takes_them(self, limits: Limits) -> None:
        lost: list[int] = []
        lifecycle = Lifecycle(lost=lambda closed: lost.append(closed.close_code))
        network = MemoryNetwork()  # which has no buffers of its own
        with network.use(), anyio.fail_after(BOUND):
            async with (
                serve(Room(), port=1, limits=limits) as server,
                ChatClient.open("ws://memory:1", lifecycle=lifecycle) as client,
            ):
                for number in range(2000):
                    await server.emit(Topic(room=str(number), from_="me", text="x" * 1000))
                async with client.events.topic() as topics:
                    network.connections[0][0].stalled = True
                    await until(lambda: not server.connections[0].outlet.link.has_room)
                    await server.emit(Topic(room="0", from_="me", text="last"))
                    await server.emit(Topic(room="1999", from_="me", text="last"))
                    network.connections[0][0].release()
                    found: dict[str, str] = {}
                    while len(found) < 2000 or "last" not in (found["0"], found["1999"]):
                        event = await anext(topics)
                        found[event.room] = event.text
                    assert (found["0"], found["1999"], lost) == ("last", "last", [])


class _TornLog(MemoryLog):
    """A history that cannot be read."""

    @override
    async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        raise OSError("the disk is gone")


class TestBrokenHistory:
    async def test_a_replay_that_fails_ends_its_subscription_and_no_other(self) -> None:
        class Torn(Room):
            @override
            def event_log(self) -> EventLog:
                return _TornLog()

        async with talking(Torn()) as (server, client), client.events.said() as other:
            start = other.position
            await server.emit(Said(room="a", text="1"))
            with pytest.raises(HistoryLost, match="incident"):
                async with client.events.said(since=start) as said:
                    await anext(said)
            assert (await anext(other)).text == "1"
            assert (await client.echo(text="on")).text == "on"

    async def test_a_replay_that_fails_late_ends_no_subscription_that_has_its_id_by_then(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        fail = anyio.Event()

        class Late(_TornLog):
            @override
            async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
                await fail.wait()
                return await super().read(after, limit)

        class Torn(Room):
            @override
            def event_log(self) -> EventLog:
                return Late()

        async with serving(Torn()) as server, raw_client(server.port) as raw:
            await raw.hear()
            await raw.say(hello={"protocol": "chat", "version": "1.0.0", "api": 1, "session": "raw", "gen": 1})
            position = await server.emit(Said(room="a", text="1"))
            wanted = {"sub": "s1", "events": ["said"]}
            since = {"epoch": position.epoch, "seq": 0}
            await raw.say(id="1", action="subscribe", params={**wanted, "since": since})
            assert (await raw.hear())["data"]["resumed"]
            await raw.say(id="2", action="unsubscribe", params={"sub": "s1"})
            assert (await raw.hear())["error"] is None
            await raw.say(id="3", action="subscribe", params=wanted)
            assert (await raw.hear())["error"] is None
            assert "live" in await raw.hear()
            fail.set()
            await until(lambda: "the disk is gone" in caplog.text)
            await server.emit(Said(room="a", text="2"))
            assert (await raw.hear())["data"]["text"] == "2"


class TestLeaving:
    async def test_a_stream_that_the_server_has_ended_is_left_with_its_own_error(self) -> None:
        async with talking(Room(), client_limits=Limits(frame=4096)) as (server, client):

            async def read() -> None:
                async with client.events.said() as said:
                    await server.emit(Said(room="a", text="x" * 5000))
                    await anext(said)

            with pytest.raises(HistoryLost, match="4096"):
                await read()
            async with client.events.said() as said:
                await server.emit(Said(room="a", text="x" * 5000))
                await client.echo(text="on")
            assert said.standing

    async def test_a_stream_can_be_left_while_the_server_stops(self) -> None:
        room = Room()
        async with talking(room) as (server, client), anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.nap(seconds=0.3))
            await until(lambda: room.running == 1)
            async with client.events.said():
                tasks.start_soon(server.aclose)
                connection = connection_of(client)
                await until(lambda: connection.session.peer_leaving)
                connection.session.peer_leaving = False  # as when both leave at the same time


class TestNames:
    async def test_subscribe_and_unsubscribe_by_names(self) -> None:
        async with talking(Room()) as (server, client):
            stream = await client.subscribe(["said", "typing"])
            await server.emit(Said(room="a", text="1"))
            await server.emit(Typing(who="me"))
            assert [type(await anext(stream)) for _ in range(2)] == [Said, Typing]
            await client.unsubscribe(["said", "typing"])
            await server.emit(Typing(who="me"))
            assert [event async for event in stream] == []

    async def test_unsubscribing_by_names_ends_no_stream_that_was_opened_otherwise(self) -> None:
        async with (
            talking(Room()) as (server, client),
            client.events.said() as said,
            client.events(Said, Typing) as both,
        ):
            stream = await client.subscribe(["said"])
            await client.unsubscribe(["said", "typing"])
            assert [event async for event in stream] == []
            await server.emit(Said(room="a", text="", number=1))
            assert await numbers(said, 1) == [1]
            assert isinstance(await anext(both), Said)


class TestNotifications:
    async def test_a_client_sends_events(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            await client.notify(Waved(who="me"))
            await until(lambda: room.waved)
            assert room.waved == [Waved(who="me")]

    async def test_a_notification_that_fails_costs_nothing_else(self, caplog: pytest.LogCaptureFixture) -> None:
        class Sour(Room):
            @override
            async def on_waved(self, call: Call[ChatPeer], event: Waved) -> None:
                raise RuntimeError("not today")

        async with talking(Sour()) as (_, client):
            await client.notify(Waved(who="me"))
            connection_of(client).outlet.send_event(b'{"event":"waved","data":{"who":5}}')
            connection_of(client).outlet.send_event(b'{"event":"danced","data":{}}')
            assert (await client.echo(text="on")).text == "on"
            await until(lambda: "does not fit" in caplog.text)
        assert "incident" in caplog.text
        assert "not today" in caplog.text

    async def test_more_at_once_than_are_handled_are_dropped(self, caplog: pytest.LogCaptureFixture) -> None:
        class Slow(Room):
            @override
            async def on_waved(self, call: Call[ChatPeer], event: Waved) -> None:
                self.waved.append(event)
                await anyio.sleep_forever()

        room = Slow()
        async with talking(room, limits=Limits(in_flight=2)) as (_, client):
            for number in range(4):
                await client.notify(Waved(who=f"{number}"))
            assert (await client.echo(text="on")).text == "on"
            await until(lambda: len(room.waved) == 2)
            assert {event.who for event in room.waved} == {"0", "1"}
        assert caplog.text.count("event dropped event=waved") == 2

    async def test_a_connection_that_is_gone_takes_none(self) -> None:
        async with talking(Room()) as (_, client):
            connection = connection_of(client)
            connection.abort()
            await connection.until_closed()
            with pytest.raises(NotSent):
                await connection.notify(Waved(who="me"))


async def test_a_client_of_another_is_not_disturbed_by_who_does_not_read() -> None:
    async with talking(Room()) as (server, client), ChatClient.open(f"ws://127.0.0.1:{server.port}") as other:
        async with client.events.said(), other.events.said() as heard:
            for number in range(2000):
                await server.emit(Said(room="a", text="", number=number))
                if number % 500 == 499:
                    assert await numbers(heard, 500) == list(range(number - 499, number + 1))


@pytest.mark.usefixtures("quick_back_off")
class TestOrder:
    async def test_an_event_stays_behind_what_was_sent_in_its_turn_before_it(self) -> None:
        async with talking(Room()) as (server, client), client.events(Said, Typing) as both:
            await client.echo(text="on")
            [connection] = server.connections
            connection.outlet.send_event(b'{"event":"typing","data":{"who":"me"}}')
            await server.emit(Said(room="a", text=""))
            assert [type(await anext(both)) for _ in range(2)] == [Typing, Said]

    async def test_what_comes_while_a_connection_closes_is_read_on_the_next(self) -> None:
        async with talking(Room()) as (server, client), client.events.said() as said:
            await client.echo(text="on")
            server.connections[0].close()
            await server.emit(Said(room="a", text="", number=1))
            assert await numbers(said, 1) == [1]

    async def test_a_connection_that_is_gone_says_no_goodbye(self) -> None:
        async with talking(Room()) as (server, _):
            [connection] = server.connections
            connection.abort()
            await connection.until_closed()
            state = connection.session.state
            connection.leave(Goaway("shutdown"))
            assert connection.session.state is state
