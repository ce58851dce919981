"""Observers are told of each connection, call and event once, and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from msgspec.structs import replace
from tests.runtime.chat import ECHO, NAP, ChatClient, EchoParams, Said, Topic, Typing, Waved
from tests.runtime.support import Guest, Room, until, url_of
from tests.runtime.watchers import Notes, both_observed, observed
from typing_extensions import override

from duologue import (
    Bound,
    CallError,
    CallOptions,
    CloseCode,
    ConnectFailed,
    Connection,
    Credentials,
    Direction,
    Fate,
    HistoryLost,
    Identity,
    InvalidArgument,
    Limits,
    Observer,
    Outcome,
    ResourceExhausted,
    Status,
    Unauthenticated,
    serve,
    unary,
)
from duologue.calling.calls import Arrivals
from duologue.session.states import Role

pytestmark = pytest.mark.anyio


async def failing(call: Any) -> CallError:
    with pytest.raises(CallError) as caught:
        await call
    return caught.value


class TestConnections:
    async def test_each_is_opened_and_closed_once_on_both_ends(self) -> None:
        async with observed() as (server, theirs):
            ours = Notes()
            async with ChatClient.open(url_of(server), observers=[ours]) as client:
                await client.echo(text="a")
                connection = client.connection
            await until(lambda: theirs.of("closed"))
        assert ours.of("opened") == [(connection,)]
        assert ours.of("closed") == [(connection, CloseCode.NORMAL, "")]
        [(their_connection,)] = theirs.of("opened")
        assert theirs.of("closed") == [(their_connection, CloseCode.NORMAL, "")]
        assert their_connection.session.role is Role.SERVER
        assert their_connection.peer_address == "127.0.0.1"
        assert their_connection.id != connection.id

    async def test_a_handshake_that_fails_opened_nothing(self) -> None:
        class Nobody:
            async def authenticate(self, credentials: Credentials) -> Identity:
                raise Unauthenticated("no")

        ours = Notes()
        async with observed(authenticator=Nobody()) as (server, theirs):
            with pytest.raises(ConnectFailed):
                async with ChatClient.open(url_of(server), observers=[ours]):
                    pass
        assert ours.told == []
        assert theirs.told == [("refused", "authentication", "127.0.0.1", None)]

    @pytest.mark.usefixtures("quick_back_off")
    async def test_a_client_tells_that_it_comes_back(self) -> None:
        async with both_observed() as (client, ours, theirs):
            client.connection.abort()
            await until(lambda: len(ours.of("opened")) == 2)
        [(error, delay)] = ours.of("reconnecting")
        assert error.close_code == CloseCode.ABNORMAL
        assert 0 <= delay < 1
        assert len(theirs.of("opened")) == 2


class TestCalls:
    async def test_both_ends_tell_of_one_call_under_one_id(self) -> None:
        async with both_observed() as (client, ours, theirs):
            await client.echo(text="a", options=CallOptions(meta={"tag": "x"}))
        for notes, direction in ((ours, Direction.OUTGOING), (theirs, Direction.INCOMING)):
            [(call, outcome)] = notes.ended
            assert [call] == notes.started
            assert (call.direction, call.id, call.action, call.name) == (direction, "1", "echo", "echo")
            assert call.meta == {"tag": "x"}
            assert outcome.status is None
            assert 0 <= outcome.duration < 10
            assert "tag" not in repr(call)

    async def test_each_way_to_end_is_told_by_its_status(self) -> None:
        async with both_observed() as (client, ours, theirs):
            await failing(client.echo(text="none"))
            boom = await failing(client.echo(text="boom"))
            await failing(client.connection.calls.ask("echo", b"{}"))
            await failing(client.connection.calls.ask("shout", b"{}"))
            await failing(client.nap(seconds=10, timeout=0.3))
            await until(lambda: len(theirs.ended) == 5)
            async with client.count(upto=3) as numbers:
                _ = [number async for number in numbers]
        expected = ["not_found", "internal", "invalid_argument", "unimplemented", "deadline_exceeded", "ok"]
        assert [status for _, _, status in ours.outcomes()] == expected
        theirs_too = [status for _, _, status in theirs.outcomes()]
        assert theirs_too[:4] + theirs_too[5:] == expected[:4] + expected[5:]
        assert theirs_too[4] in ("deadline_exceeded", "cancelled"), "the caller may give up first"
        assert ours.ended[0][1].code == theirs.ended[0][1].code == "no_room"
        [incident] = re.findall(r"incident (\w+)", str(boom))
        assert ours.ended[1][1].incident == theirs.ended[1][1].incident == incident
        assert theirs.ended[3][0].name == "_OTHER"

    async def test_a_caller_who_gives_up_ends_the_call_on_both_ends(self) -> None:
        room = Room()
        async with both_observed(room) as (client, ours, theirs):
            with anyio.move_on_after(10) as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(lambda: client.nap(seconds=10))
                    await until(lambda: room.running)
                    scope.cancel()
            await until(lambda: theirs.ended)
            assert await client.ask(depth=0) == 0
        assert [status for _, _, status in ours.outcomes()] == ["cancelled", "ok"]
        assert [status for _, _, status in theirs.outcomes()] == ["cancelled", "ok"]

    async def test_calls_end_before_the_connection_that_they_were_lost_with(self) -> None:
        room = Room()
        async with both_observed(room) as (client, ours, theirs):

            async def nap() -> None:
                await failing(client.nap(seconds=10))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(nap)
                await until(lambda: room.running)
                client.connection.abort()
                await until(lambda: theirs.of("closed"))
                tasks.cancel_scope.cancel()
        for notes, status, code in ((ours, "unknown", "outcome_unknown"), (theirs, "cancelled", "cancelled")):
            call, outcome = notes.ended[0]
            assert (outcome.status, outcome.code) == (status, code)
            assert [what[0] for what in notes.told if what[1] is call.connection] == ["opened", "call ended", "closed"]

    async def test_a_call_that_is_given_up_after_its_end_has_ended_once(self) -> None:
        async with both_observed() as (client, ours, _):
            arrivals, calls = Arrivals(), client.connection.calls
            call = await calls.begin(ECHO, EchoParams(text="a"), arrivals, None, None)
            await until(arrivals.done)
            calls.abandon(call)
        assert [status for _, _, status in ours.outcomes()] == ["ok"]

    async def test_a_request_that_is_too_large_is_told_as_not_sent(self) -> None:
        async with both_observed(limits=Limits(frame=2000)) as (client, ours, theirs):
            await failing(client.echo(text="x" * 3000))
            await client.echo(text="x")
        assert ours.outcomes() == [("outgoing", "echo", "unavailable"), ("outgoing", "echo", "ok")]
        assert ours.ended[0][1].code == "not_sent"
        assert [call.id for call in ours.started] == [call.id for call, _ in ours.ended]
        assert len(theirs.started) == 1

    async def test_an_answer_that_is_too_large_is_told_as_what_it_became(self) -> None:
        async with both_observed(client={"limits": Limits(frame=2000)}) as (client, ours, theirs):
            await failing(client.echo(text="x", times=3000))
        assert theirs.outcomes() == [("incoming", "echo", "resource_exhausted")]
        assert ours.outcomes() == [("outgoing", "echo", "resource_exhausted")]

    async def test_calls_from_the_server_are_told_too(self) -> None:
        async with both_observed(client={"serve": Guest()}) as (client, ours, theirs):
            assert await client.ask(depth=1) == 1
        assert theirs.outcomes() == [("outgoing", "ask_back", "ok"), ("incoming", "ask", "ok")]
        assert ours.outcomes() == [("incoming", "ask_back", "ok"), ("outgoing", "ask", "ok")]

    async def test_what_an_observer_adds_to_meta_travels_with_the_call(self) -> None:
        class Stamp(Observer):
            @override
            def call_started(self, call: Any) -> None:
                call.meta["stamp"] = f"{call.direction} {call.id}"

        room = Room()
        async with observed(room) as (server, _), ChatClient.open(url_of(server), observers=[Stamp()]) as client:
            given = {"mine": "1"}
            await client.echo(text="a", options=CallOptions(meta=given))
            await client.echo(text="a")
        assert [dict(call.meta) for call in room.calls] == [
            {"mine": "1", "stamp": "outgoing 1"},
            {"stamp": "outgoing 2"},
        ]
        assert given == {"mine": "1"}

    @pytest.mark.parametrize("extras", [{"key": "\udcff"}, {"key": "k" * 129}, {"meta": {"a": "\udcff"}}])
    async def test_a_call_with_extras_that_cannot_travel_has_not_started(self, extras: dict[str, Any]) -> None:
        async with both_observed() as (client, ours, _):
            assert isinstance(await failing(client.echo(text="a", options=CallOptions(**extras))), InvalidArgument)
        assert ours.started == []

    async def test_what_an_observer_adds_to_meta_and_cannot_travel_ends_the_call(self) -> None:
        class Spoil(Observer):
            @override
            def call_started(self, call: Any) -> None:
                call.meta["stamp"] = "\udcff"

        notes = Notes()
        async with observed() as (server, _), ChatClient.open(url_of(server), observers=[Spoil(), notes]) as client:
            assert isinstance(await failing(client.echo(text="a")), InvalidArgument)
        assert notes.outcomes() == [("outgoing", "echo", "invalid_argument")]

    async def test_a_call_that_fails_in_an_unforeseen_way_has_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **extras: Any) -> None:
            raise MemoryError

        async with both_observed() as (client, ours, _):
            monkeypatch.setattr(client.connection.session, "request", fail)
            with pytest.raises(MemoryError):
                await client.echo(text="a")
            assert ours.outcomes() == [("outgoing", "echo", "internal")]

    async def test_an_observer_that_raises_changes_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        class Broken(Observer):
            @override
            def call_started(self, call: Any) -> None:
                raise RuntimeError("broken")

            @override
            def call_ended(self, call: Any, outcome: Outcome) -> None:
                raise RuntimeError("broken")

            @override
            def connection_opened(self, connection: Connection) -> None:
                raise RuntimeError("broken")

        notes = Notes()
        with anyio.fail_after(15):
            async with serve(Room(), observers=[Broken(), notes]) as server:
                async with ChatClient.open(url_of(server), observers=[Broken()]) as client:
                    assert (await client.echo(text="a")).text == "a"
        assert notes.outcomes() == [("incoming", "echo", "ok")]
        assert sum("an observer failed: Broken" in line for line in caplog.messages) == 6


class TestRefusals:
    async def test_calls_beyond_the_limit_are_told_by_its_name(self) -> None:
        room = Room()
        async with both_observed(room, limits=Limits(in_flight=1)) as (client, _ours, theirs):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.nap(seconds=10))
                await until(lambda: room.running)
                client.connection.session.send(b'{"id":"x","action":"echo","params":{"text":"a"}}')
                client.connection.outlet.touch()
                await until(lambda: theirs.of("refused"))
                tasks.cancel_scope.cancel()
        [(limit, peer, connection)] = theirs.of("refused")
        assert (limit, peer) == ("in_flight", "127.0.0.1")
        assert connection is theirs.of("opened")[0][0]

    @pytest.mark.parametrize(
        ("limits", "said", "limit"),
        [
            (Limits(frame=2000), b'{"id":"1","action":"echo","params":{"text":"%s"}}' % (b"x" * 3000), "frame"),
            (Limits(frames=5), None, "frames"),
        ],
    )
    async def test_who_is_cut_for_a_limit_is_told_by_its_name(
        self, limits: Limits, said: bytes | None, limit: str
    ) -> None:
        async with both_observed(limits=limits) as (client, _ours, theirs):
            for message in [said] if said else [b"{}"] * 20:
                client.connection.session.send(message)
            client.connection.outlet.touch()
            await until(lambda: theirs.of("closed"))
        assert [(name, peer) for name, peer, _ in theirs.of("refused")] == [(limit, "127.0.0.1")]
        assert [what[0] for what in theirs.told if what[0] != "call ended"][:3] == ["opened", "refused", "closed"]

    async def test_a_silent_peer_is_told_as_idle(self) -> None:
        async with observed(limits=Limits(idle=0.2, close=0.1)) as (server, theirs):
            async with await anyio.connect_tcp("127.0.0.1", server.port) as silent:
                await silent.send(
                    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                )
                await until(lambda: theirs.of("closed"))
        assert [name for name, _, _ in theirs.of("refused")] == ["idle"]

    async def test_a_handshake_that_drips_and_one_too_large_are_told(self) -> None:
        async with observed(limits=Limits(handshake=0.1, handshake_size=1024)) as (server, theirs):
            async with await anyio.connect_tcp("127.0.0.1", server.port) as dripping:
                await dripping.send(b"GET / HTTP/1.1\r\n")
                await until(lambda: theirs.of("refused"))
            async with await anyio.connect_tcp("127.0.0.1", server.port) as large:
                await large.send(b"GET / HTTP/1.1\r\nX: " + b"x" * 3000 + b"\r\n")
                await until(lambda: len(theirs.of("refused")) == 2)
        assert [name for name, _, _ in theirs.of("refused")] == ["handshake", "handshake_size"]

    async def test_more_connections_than_an_address_may_have_are_told(self) -> None:
        async with observed(limits=Limits(connections_per_address=1)) as (server, theirs):
            async with ChatClient.open(url_of(server)):
                with pytest.raises(ConnectFailed):
                    await ChatClient.connect(url_of(server))
        assert [name for name, _, _ in theirs.of("refused")] == ["connections_per_address"]

    async def test_a_page_of_another_origin_is_told(self) -> None:
        async with observed() as (server, theirs):
            async with await anyio.connect_tcp("127.0.0.1", server.port) as page:
                await page.send(
                    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                    b"Origin: https://evil.example\r\n\r\n"
                )
                await until(lambda: theirs.of("refused"))
        assert [name for name, _, _ in theirs.of("refused")] == ["origin"]

    async def test_one_subscription_too_many_is_told(self) -> None:
        async with both_observed(limits=Limits(subscriptions=1)) as (client, _ours, theirs):
            async with client.events.said():
                with pytest.raises(CallError):
                    async with client.events.typing():
                        pass
        assert [name for name, _, _ in theirs.of("refused")] == ["subscriptions"]


class TestEvents:
    async def test_what_is_published_and_what_arrives_is_told_on_both_ends(self) -> None:
        room = Room()
        async with both_observed(room) as (client, ours, theirs):
            async with client.events.said() as said:
                await room.publisher.emit(Said(room="a", text="x"))
                await anext(said)
            await room.publisher.emit(Said(room="a", text="nobody listens"))
            await client.notify(Waved(who="me"))
            await until(lambda: room.waved)
        assert ours.of("events") == [("said", Fate.DELIVERED, 1)]
        assert theirs.of("events") == [("said", Fate.DELIVERED, 1), ("waved", Fate.DELIVERED, 1)]

    async def test_states_that_are_not_read_are_coalesced_and_volatile_ones_dropped(self) -> None:
        room = Room()
        async with both_observed(room, client={"limits": Limits(event_queue=1)}) as (client, ours, _):
            async with client.events.topic() as topics, client.events.typing() as typing:
                for number in range(3):
                    await room.publisher.emit(Topic(room="a", from_="me", text=str(number)))
                    await room.publisher.emit(Typing(who=str(number)))
                await until(lambda: len(ours.of("events")) == 6)
                assert (await anext(topics)).text == "2"
                assert typing.lost == 2
        assert ours.of("events").count(("topic", Fate.COALESCED, 1)) == 2
        assert ours.of("events").count(("typing", Fate.DROPPED, 1)) == 2

    async def test_a_peer_that_does_not_read_is_told_on_the_servers_side(self) -> None:
        room = Room()
        async with both_observed(room) as (client, _, theirs):
            async with client.events.topic(), client.events.typing():
                [(connection,)] = theirs.of("opened")
                connection._link.has_room = False
                for number in range(3):
                    await room.publisher.emit(Topic(room="a", from_="me", text=str(number)))
                    await room.publisher.emit(Typing(who="x"))
                assert theirs.of("events") == [
                    ("typing", Fate.DROPPED, 1),
                    ("topic", Fate.COALESCED, 1),
                    ("typing", Fate.DROPPED, 1),
                    ("topic", Fate.COALESCED, 1),
                    ("typing", Fate.DROPPED, 1),
                ]
                connection._link.resume_writing()
                assert theirs.of("events")[-1] == ("topic", Fate.DELIVERED, 1)

    async def test_a_stream_that_cannot_go_on_is_told(self) -> None:
        room = Room()
        async with both_observed(room) as (client, ours, theirs):
            async with client.events.said() as said:
                [(connection,)] = theirs.of("opened")
                for subscription in list(connection._subscriptions._subscriptions.values()):
                    connection._subscriptions.end(subscription, Status.UNAVAILABLE, "gone away")
                with pytest.raises(HistoryLost):
                    await anext(said)
        assert ours.of("reset") == [(("said",), "gone away")]


async def test_a_call_beyond_its_action_s_places_is_told_by_the_limit() -> None:
    class Narrow(Room):
        @override
        def handlers(self) -> Sequence[Bound]:
            return (unary(replace(NAP, concurrency=1), self.nap),)

    room = Narrow()
    async with both_observed(room) as (client, _, theirs), anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: client.nap(seconds=60))
        await until(lambda: room.running == 1)
        with pytest.raises(ResourceExhausted):
            await client.nap(seconds=0)
        [(connection,)] = theirs.of("opened")
        assert theirs.of("refused") == [("concurrency", "127.0.0.1", connection)]
        tasks.cancel_scope.cancel()


async def test_without_observers_nothing_is_kept() -> None:
    with anyio.fail_after(15):
        async with serve(Room()) as server, ChatClient.open(url_of(server)) as client:
            await client.echo(text="a")
            assert client.connection.watch is None
            assert client.connection.session.answering.on_answered is None
            [theirs] = server.connections
            assert theirs.watch is None
