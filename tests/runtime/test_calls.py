"""Calls over real sockets: every call ends once, in what its caller is told it ended in."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from msgspec.structs import replace
from tests.runtime.chat import ECHO, AskParams, ChatClient, ChatPeer, Echo, EchoParams, Mood
from tests.runtime.support import Guest, Room, Shielded, connection_of, out_of_time, overheard, talking, until
from typing_extensions import override

from duologue import (
    Bound,
    Call,
    CallOptions,
    DeadlineExceeded,
    Effect,
    Internal,
    InvalidArgument,
    Limits,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Ran,
    ResourceExhausted,
    Status,
    Unimplemented,
    unary,
)

pytestmark = pytest.mark.anyio


class TestOutcomes:
    async def test_a_result_is_typed(self) -> None:
        async with talking(Room()) as (_, client):
            answer = await client.echo(text="ab", times=3)
            assert answer.text == "ababab"
            assert answer.mood is Mood.CALM

    async def test_a_declared_error_carries_typed_details(self) -> None:
        async with talking(Room()) as (_, client):
            with pytest.raises(NotFound) as caught:
                await client.echo(text="none")
        error = caught.value
        assert type(error).__name__ == "NoRoom"
        assert error.code == "no_room"
        assert error.status is Status.NOT_FOUND
        assert str(error) == "No room is called attic."
        assert error.ran is Ran.YES
        assert vars(error)["details"].room == "attic"

    async def test_an_exception_is_told_by_its_incident_alone(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with talking(Room()) as (_, client):
            arrived = overheard(connection_of(client), monkeypatch)
            with pytest.raises(Internal) as caught:
                await client.echo(text="boom")
        found = re.search(r"incident (\w+)", str(caught.value))
        assert found is not None
        [answer] = arrived
        for secret in (b"swordfish", b"RuntimeError", b"Traceback", b".py"):
            assert secret not in answer
        [record] = [record for record in caplog.records if found[1] in record.getMessage()]
        assert record.levelno == logging.ERROR
        assert "swordfish" in caplog.text
        assert caught.value.ran is Ran.YES

    async def test_what_does_not_fit_within_a_handler_is_not_told_as_a_mistake_of_the_caller(self) -> None:
        class Careless(Room):
            @override
            async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
                return Echo.from_wire(b"{}")

        async with talking(Careless()) as (_, client):
            with pytest.raises(Internal, match="incident") as caught:
                await client.echo(text="a")
        assert caught.value.ran is Ran.YES

    async def test_params_that_do_not_fit_never_reach_the_handler(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            for params in (b'{"text":5}', b"{}", b'{"text":"a","more":1}', b'{"text":"a","times":true}', b"[]"):
                with pytest.raises(InvalidArgument) as caught:
                    await connection_of(client).calls.ask("echo", params)
                assert caught.value.ran is Ran.NO, params
            assert room.calls == []

    async def test_unknown_actions_did_not_run(self) -> None:
        async with talking(Room()) as (server, client):
            with pytest.raises(Unimplemented) as caught:
                await connection_of(client).calls.ask("sing", b"{}")
            assert caught.value.ran is Ran.NO
            with pytest.raises(Unimplemented) as caught:
                await server.peers()[0].ask_back(depth=0)  # this client serves nothing
            assert caught.value.ran is Ran.NO


class TestTime:
    async def test_a_timeout_stops_the_handler(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            late = await out_of_time(
                lambda timeout: client.nap(seconds=60, timeout=timeout), lambda: room.running or room.stopped
            )
            assert late.ran is not Ran.NO
            await until(lambda: room.stopped == 1)
            assert (await client.echo(text="on")).text == "on"

    async def test_a_server_s_call_times_out_too(self) -> None:
        class Slow(Guest):
            stopped = False

            @override
            async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
                try:
                    await anyio.sleep(10)
                finally:
                    self.stopped = True
                return 0

        guest = Slow()
        async with talking(Room(), guest=guest) as (server, _):
            with pytest.raises(DeadlineExceeded):
                await server.peers()[0].ask_back(depth=0, timeout=0.1)
            await until(lambda: guest.stopped)

    async def test_a_timeout_is_kept_by_the_caller_alone_if_need_be(self) -> None:
        room = Shielded()
        async with talking(room) as (_, client):
            started = anyio.current_time()
            with pytest.raises(DeadlineExceeded) as caught:
                await client.nap(seconds=0.6, timeout=0.1)
            assert anyio.current_time() - started < 0.5
            assert caught.value.ran is Ran.UNKNOWN
            session = connection_of(client).session
            assert session.outgoing  # its id stays taken
            calls = connection_of(client).calls
            assert calls.dropped == 0
            assert (await client.echo(text="other")).text == "other"
            await until(lambda: calls.dropped == 1)
            assert not session.outgoing

    @pytest.mark.parametrize("timeout", [math.inf, 1e308, 1e13])
    async def test_no_timeout_at_all(self, timeout: float) -> None:
        room = Room()
        async with talking(room) as (_, client):
            await client.nap(seconds=0.01, timeout=timeout)
            assert room.calls[0].deadline is None

    async def test_the_longest_timeout(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            await client.nap(seconds=0.01, timeout=1e12)
            assert room.calls[0].deadline is not None

    async def test_a_timeout_that_is_no_number(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            with pytest.raises(InvalidArgument, match="nap: timeout=nan is no number of seconds") as caught:
                await client.nap(seconds=0.01, timeout=math.nan)
            assert caught.value.ran is Ran.NO
            assert not room.calls

    async def test_a_timeout_that_has_passed_sends_nothing(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            with pytest.raises(NotSent) as caught:
                await client.echo(text="late", timeout=0)
            assert caught.value.ran is Ran.NO
            await client.echo(text="on")
            assert len(room.calls) == 1

    async def test_the_handler_s_own_calls_end_with_its_deadline(self) -> None:
        room, guest = Room(), Guest()
        async with talking(room, guest=guest) as (_, client):
            assert await client.ask(depth=3, timeout=2) == 3
        left = [call.time_left() for call in (room.calls[0], guest.calls[0], room.calls[1], guest.calls[1])]
        deadlines = [call.deadline for call in (room.calls[0], guest.calls[0], room.calls[1], guest.calls[1])]
        assert all(time is not None and time <= 2 for time in left), left
        assert all(abs(_known(deadline) - _known(deadlines[0])) < 0.2 for deadline in deadlines), deadlines

    async def test_the_deadline_of_one_call_is_not_that_of_the_next(self) -> None:
        room, guest = Room(), Guest()
        async with talking(room, guest=guest) as (server, client):
            await client.ask(depth=1, timeout=2)
            await server.peers()[0].ask_back(depth=0)
            later = guest.calls[-1].time_left()
            assert later is not None
            assert later > 20  # the action's own


def _known(deadline: float | None) -> float:
    assert deadline is not None
    return deadline


class TestCancelling:
    async def test_cancelling_the_caller_stops_the_handler(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.nap(seconds=10))
                await until(lambda: room.running == 1)
                tasks.cancel_scope.cancel()
            with anyio.fail_after(2):  # long before its deadline
                await until(lambda: room.stopped == 1)
            connection = connection_of(client)
            await until(lambda: connection.calls.dropped == 1)  # its one response came all the same
            assert not connection.session.outgoing
            assert (await client.echo(text="on")).text == "on"

    async def test_a_call_that_is_cancelled_at_once_is_over_on_both_sides(self) -> None:
        room = Room()
        async with talking(room) as (server, client):
            for _ in range(20):
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await client.nap(seconds=10)
            assert (await client.echo(text="on")).text == "on"
            await until(
                lambda: not server.connections[0].session.incoming and not connection_of(client).session.outgoing
            )
            assert room.running == 0


class TestDepth:
    async def test_calls_go_back_and_forth_to_any_depth(self) -> None:
        room, guest = Room(), Guest()
        async with talking(room, guest=guest) as (server, client):
            assert await client.ask(depth=50) == 50
            assert await server.peers()[0].ask_back(depth=50) == 50
        assert len(room.calls) == 26 + 25
        assert len(guest.calls) == 25 + 26

    async def test_many_chains_at_once(self) -> None:
        depths: list[int] = []

        async def from_the_client(client: ChatClient) -> None:
            depths.append(await client.ask(depth=50))

        limits = Limits(in_flight=1000)  # ten chains of each kind keep five hundred calls waiting on either side
        async with talking(Room(), guest=Guest(), limits=limits, client_limits=limits) as (server, client):
            peer = server.peers()[0]

            async def from_the_server() -> None:
                depths.append(await peer.ask_back(depth=50))

            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(from_the_client, client)
                    tasks.start_soon(from_the_server)
        assert depths == [50] * 20


class TestLimits:
    async def test_calls_beyond_what_the_peer_runs_at_once_wait_here(self) -> None:
        room = Room()
        async with talking(room, limits=Limits(in_flight=16)) as (_, client):
            async with anyio.create_task_group() as tasks:
                for _ in range(300):
                    tasks.start_soon(lambda: client.nap(seconds=0.001))
            assert len(room.calls) == 300
            assert 1 < room.most_running <= 16

    async def test_a_call_that_waits_for_its_turn_keeps_its_timeout(self) -> None:
        room = Room()
        async with talking(room, limits=Limits(in_flight=1)) as (_, client), anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.nap(seconds=10, timeout=math.inf))
            await until(lambda: room.running == 1)
            with pytest.raises(NotSent) as caught:
                await client.echo(text="late", timeout=0.1)
            assert caught.value.ran is Ran.NO
            assert len(room.calls) == 1
            tasks.cancel_scope.cancel()

    async def test_a_stream_waits_for_its_turn_too(self) -> None:
        room = Room()
        async with talking(room, limits=Limits(in_flight=1)) as (_, client), anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.nap(seconds=0.05))
            await until(lambda: room.running == 1)
            async with client.count(upto=3, timeout=math.inf) as numbers:
                assert [number.value async for number in numbers] == [0, 1, 2]
            assert room.running == 0

    @pytest.mark.usefixtures("quick_back_off")
    async def test_who_waits_for_a_turn_when_the_connection_is_lost_goes_to_the_next(self) -> None:
        room = Room()
        async with talking(room, limits=Limits(in_flight=1)) as (_, client), anyio.create_task_group() as tasks:
            echoes: list[Echo] = []

            async def nap() -> None:
                with pytest.raises(OutcomeUnknown):
                    await client.nap(seconds=60, timeout=math.inf)

            async def wait() -> None:
                echoes.append(await client.echo(text="on"))

            tasks.start_soon(nap)
            await until(lambda: room.running == 1)
            for _ in range(3):
                tasks.start_soon(wait)
            await until(lambda: len(connection_of(client).calls._places) == 3)
            connection_of(client).abort()
            await until(lambda: len(echoes) == 3)
            assert len(room.calls) == 4

    async def test_the_place_of_a_caller_that_gave_up_goes_to_the_next(self) -> None:
        room = Room()
        async with talking(room, limits=Limits(in_flight=1)) as (_, client), anyio.create_task_group() as tasks:
            given_up = anyio.CancelScope()

            async def give_up() -> None:
                with given_up:
                    await client.nap(seconds=10)

            tasks.start_soon(give_up)
            await until(lambda: room.running == 1)
            tasks.start_soon(lambda: client.nap(seconds=0))
            await anyio.sleep(0.02)
            given_up.cancel()
            with anyio.fail_after(2):
                await until(lambda: len(room.calls) == 2)

    async def test_the_place_of_a_call_that_timed_out_goes_to_the_next(self) -> None:
        room = Shielded()
        async with talking(room, limits=Limits(in_flight=1)) as (_, client), anyio.create_task_group() as tasks:

            async def time_out() -> None:
                with pytest.raises(DeadlineExceeded):
                    await client.nap(seconds=0.6, timeout=0.3)

            tasks.start_soon(time_out)
            await until(lambda: room.running == 1)
            with anyio.fail_after(2):
                await client.nap(seconds=0)

    async def test_a_result_beyond_the_action_s_own_limit_is_an_error(self) -> None:
        class Terse(Room):
            @override
            def handlers(self) -> Sequence[Bound]:
                return (unary(replace(ECHO, max_response=100), self.echo),)

        async with talking(Terse()) as (_, client):
            assert (await client.echo(text="on")).text == "on"
            with pytest.raises(ResourceExhausted, match=r"a result of \d+ bytes; echo gives at most 100") as caught:
                await client.echo(text="x" * 100)
            assert caught.value.ran is Ran.YES

    @pytest.mark.parametrize("effect", [Effect.SAFE, Effect.KEYED])
    async def test_an_answer_waits_until_the_link_has_room(self, effect: Effect) -> None:
        class Filling(Room):
            @override
            def handlers(self) -> Sequence[Bound]:
                return (unary(replace(ECHO, effect=effect), self.echo),)

            @override
            async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
                call.connection._link.has_room = False
                return await super().echo(call, params)

        room, answers = Filling(), list[Echo]()
        async with talking(room) as (_, client), anyio.create_task_group() as tasks:

            async def ask() -> None:
                answers.append(await client.echo(text="held", options=CallOptions(key="one")))

            tasks.start_soon(ask)
            await until(lambda: room.calls)
            await anyio.sleep(0.02)
            assert answers == []
            room.calls[0].connection._link.resume_writing()
            await until(lambda: answers)

    async def test_a_request_beyond_the_action_s_own_limit_is_not_sent(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            with pytest.raises(NotSent, match="at most 50000"):
                await client.echo(text="x" * 60_000)
            with pytest.raises(ResourceExhausted) as caught:  # nor taken from who does not know the limit
                await connection_of(client).calls.ask("echo", b'{"text":"%b"}' % (b"x" * 60_000))
            assert caught.value.ran is Ran.NO
            assert room.calls == []


class TestExtras:
    async def test_key_and_meta_reach_the_handler(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            await client.echo(text="a", options=CallOptions(key="k1", meta={"trace": "t1"}))
            await client.echo(text="a")
        first, second = room.calls
        assert (first.key, dict(first.meta)) == ("k1", {"trace": "t1"})
        assert (second.key, dict(second.meta)) == (None, {})
        assert first.action == "echo"

    async def test_what_a_caller_sends_is_not_in_the_text_of_a_call(self) -> None:
        """Handlers may log it."""
        room = Room()
        async with talking(room) as (_, client):
            await client.echo(text="a", options=CallOptions(key="a-secret", meta={"token": "a-secret"}))
        [call] = room.calls
        assert repr(call) == f"<Call of echo, id {call.id!r}>"
        assert dict(call.__rich_repr__()) == {"action": "echo", "id": call.id}

    async def test_both_ends_are_told_the_id_of_the_request(self) -> None:
        room, ids = Room(), list[int | str]()
        async with talking(room) as (_, client):
            await client.echo(text="a", options=CallOptions(on_id=ids.append))
        assert ids == [room.calls[0].wire_id]

    @pytest.mark.parametrize(
        ("extras", "text"),
        [
            ({"key": ""}, "the key has to be 1 to 128 characters"),
            ({"key": "k" * 129}, "the key has to be 1 to 128 characters"),
            ({"key": 5}, "the key has to be"),
            ({"key": "\udcff"}, "the key has to be .* surrogate"),
            ({"meta": {"a": "x" * 4096}}, "meta is larger than 4096 bytes"),
            ({"meta": {"a": "é" * 2048}}, "meta is larger than 4096 bytes"),
            ({"meta": {"a": 5}}, "meta has to map texts to texts"),
            ({"meta": ["a"]}, "meta has to map texts to texts"),
            ({"meta": {"a": "\udcff"}}, "meta has to map .* surrogate"),
            ({"meta": {"\udcff": "a"}}, "meta has to map .* surrogate"),
        ],
    )
    async def test_extras_that_cannot_travel_are_refused(self, extras: dict[str, Any], text: str) -> None:
        room = Room()
        async with talking(room) as (_, client):
            with pytest.raises(InvalidArgument, match=f"echo: {text}") as caught:
                await client.echo(text="a", options=CallOptions(**extras))
            assert caught.value.ran is Ran.NO
            await client.echo(text="a", options=CallOptions(key="k" * 128, meta={"a": "x" * 4095}))
            assert len(room.calls) == 1

    async def test_a_handler_finds_its_connection_and_its_caller(self) -> None:
        room, guest = Room(), Guest()
        async with talking(room, guest=guest) as (server, client):
            await client.ask(depth=1)
            assert room.calls[0].peer is server.peers()[0]
            assert room.calls[0].connection is room.calls[0].peer.connection
            assert guest.calls[0].peer is client
            assert guest.calls[0].connection is client.connection
