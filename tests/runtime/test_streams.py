"""Streaming calls over real sockets: items in order, inside the reader's window, and an end that both sides learn."""

from __future__ import annotations

import json
from contextlib import suppress

import anyio
import pytest
from tests.runtime.chat import ChatPeer, CountParams, Echo, NapParams, Number
from tests.runtime.support import Room, connection_of, serving, talking, until, url_of
from typing_extensions import override
from websockets.asyncio.client import connect

from duologue import Call, Cancelled, DeadlineExceeded, Limits, NotFound, OutcomeUnknown, Sink, Stream

pytestmark = pytest.mark.anyio


class Held(Room):
    """Counts once somebody naps."""

    def __init__(self) -> None:
        super().__init__()
        self.napped = anyio.Event()

    @override
    async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
        await self.napped.wait()
        return await super().count(call, params, out)

    @override
    async def nap(self, call: Call[ChatPeer], params: NapParams) -> None:
        self.napped.set()


class TestReading:
    async def test_items_come_in_order_then_the_result(self) -> None:
        async with talking(Room()) as (_, client), client.count(upto=300) as numbers:
            assert [number.value async for number in numbers] == list(range(300))
            assert (await numbers.result()).text == "done"

    async def test_no_items_at_all(self) -> None:
        async with talking(Room()) as (_, client), client.count(upto=0) as numbers:
            assert [number async for number in numbers] == []
            assert (await numbers.result()).text == "done"

    async def test_the_result_alone_drops_the_items(self) -> None:
        async with talking(Room()) as (_, client), client.count(upto=300) as numbers:
            assert (await anext(numbers)).value == 0
            assert (await numbers.result()).text == "done"
            assert [number async for number in numbers] == []

    async def test_an_error_ends_the_stream_after_its_items(self) -> None:
        async with talking(Room()) as (_, client), client.count(upto=10, fail_at=3) as numbers:
            assert [(await anext(numbers)).value for _ in range(3)] == [0, 1, 2]
            with pytest.raises(NotFound):
                await anext(numbers)
            with pytest.raises(NotFound):
                await numbers.result()

    async def test_a_second_reader_at_a_time_is_told_and_the_first_one_goes_on(self) -> None:
        async with talking(Held()) as (_, client), client.count(upto=1) as numbers:
            read: list[int] = []

            async def first() -> None:
                read.append((await anext(numbers)).value)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(first)
                await until(lambda: numbers._arrivals.waiting)
                for second in (anext(numbers), numbers.result()):
                    with pytest.raises(RuntimeError, match="count: another task reads this"):
                        await second
                await client.nap(seconds=0)
            assert read == [0]
            assert (await numbers.result()).text == "done"

    async def test_streams_run_beside_each_other_and_beside_calls(self) -> None:
        async with talking(Room()) as (_, client):
            async with client.count(upto=100) as one, client.count(upto=100) as two:
                pairs = [((await anext(one)).value, (await anext(two)).value) for _ in range(100)]
                assert (await client.echo(text="on")).text == "on"
            assert pairs == [(n, n) for n in range(100)]


class TestCredit:
    async def test_a_slow_reader_holds_the_producer_at_its_window(self) -> None:
        room = Room()
        async with (
            talking(room, client_limits=Limits(stream_window=8)) as (_, client),
            client.count(upto=100) as numbers,
        ):
            await until(lambda: room.sent == 8)
            await anyio.sleep(0.05)
            assert room.sent == 8
            for _ in range(6):
                await anext(numbers)
            await until(lambda: room.sent > 8)
            await anyio.sleep(0.05)
            assert room.sent <= 8 + 6
            assert [number.value async for number in numbers] == list(range(6, 100))

    async def test_a_window_of_one_goes_on(self) -> None:
        room = Room()
        async with (
            talking(room, client_limits=Limits(stream_window=1)) as (_, client),
            client.count(upto=20) as numbers,
        ):
            assert [number.value async for number in numbers] == list(range(20))

    async def test_a_slow_reader_holds_nobody_else(self) -> None:
        async with talking(Room()) as (_, client), client.count(upto=1000):
            for text in "abc":
                assert (await client.echo(text=text, timeout=2)).text == text

    async def test_several_tasks_of_a_handler_may_send(self) -> None:
        class Fan(Room):
            @override
            async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
                async def send(first: int) -> None:
                    for value in range(first, first + 20):
                        await out.send(Number(value=value))

                async with anyio.create_task_group() as tasks:
                    for first in range(0, params.upto, 20):
                        tasks.start_soon(send, first)
                return Echo(text="done")

        async with (
            talking(Fan(), client_limits=Limits(stream_window=1)) as (_, client),
            client.count(upto=80) as numbers,
        ):
            assert sorted([number.value async for number in numbers]) == list(range(80))


class TestLeaving:
    async def test_leaving_early_stops_the_handler(self) -> None:
        room = Room()
        async with talking(room) as (_, client):
            async with client.count(upto=1000) as numbers:
                await anext(numbers)
            with anyio.fail_after(2):
                await until(lambda: room.stopped == 1)
            assert (await client.echo(text="on")).text == "on"
            session = connection_of(client).session
            await until(lambda: not session.outgoing)

    async def test_after_cancel_what_came_can_still_be_read(self) -> None:
        room = Room()
        async with talking(room) as (_, client), client.count(upto=1000) as numbers:
            await until(lambda: room.sent == 64)
            assert (await client.echo(text="on")).text == "on"
            numbers.cancel()
            assert [(await anext(numbers)).value for _ in range(64)] == list(range(64))
            with pytest.raises(Cancelled):
                await anext(numbers)

    async def test_cancelling_the_reader_stops_the_handler(self) -> None:
        class Endless(Room):
            @override
            async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
                await out.send(Number(value=0))
                try:
                    await anyio.sleep_forever()
                finally:
                    self.stopped += 1
                raise AssertionError

        room = Endless()
        async with talking(room) as (_, client):
            with anyio.move_on_after(0.1):
                async with client.count(upto=1) as numbers:
                    async for _ in numbers:
                        pass
            await until(lambda: room.stopped == 1)

    async def test_a_stream_has_a_timeout_too(self) -> None:
        room = Room()
        async with talking(room) as (_, client), client.count(upto=1000, timeout=0.1) as numbers:
            await until(lambda: room.stopped == 1)
            with pytest.raises(DeadlineExceeded):
                await numbers.result()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_plain_caller_is_told_that_it_needs_the_subprotocol() -> None:
    room = Room()
    async with serving(room) as server, connect(url_of(server), proxy=None) as plain:
        await plain.send(json.dumps({"id": "1", "action": "count", "params": {"upto": 3}}))
        answer = json.loads(await plain.recv())
        assert answer["id"] == "1"
        assert answer["error"]["code"] == "failed_precondition"
        assert answer["error"]["ran"] is False
        assert "duologue.v1" in answer["error"]["message"]
        assert room.calls == []


async def test_who_sends_though_the_caller_is_gone_is_told() -> None:
    told: list[str] = []

    class Stubborn(Room):
        @override
        async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
            self.running += 1
            with suppress(BaseException):
                await anyio.sleep_forever()
            try:
                with anyio.CancelScope(shield=True):
                    await out.send(Number(value=1))
            except Cancelled as error:
                told.append(str(error))
            return Echo(text="")

    room = Stubborn()
    async with talking(room) as (_, client), client.count(upto=1) as numbers, anyio.create_task_group() as tasks:
        tasks.start_soon(_read_in_vain, numbers)
        await until(lambda: room.running)
        connection_of(client).abort()
        await until(lambda: told)
    assert told == ["the caller is gone"]


async def _read_in_vain(numbers: Stream[Number, Echo]) -> None:
    with pytest.raises(OutcomeUnknown):
        await anext(numbers)
