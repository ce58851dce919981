"""JSON-RPC 2.0, a given profile, at both ends: against each other, and against peers that know nothing but JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url
from typing_extensions import override

from duologue import Call, CallOptions, DeadlineExceeded, InvalidArgument, Limits, Unimplemented, Unknown

pytestmark = pytest.mark.anyio
calculator: Any = sdk("calculator")


class Calculator(calculator.CalculatorService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.said: list[str] = []
        self.stopped = anyio.Event()

    async def divide(self, call: Call[Any], params: Any) -> float:
        if params.divisor == 0:
            raise calculator.DivisionByZero(dividend=params.dividend)
        return float(params.dividend / params.divisor)

    async def nothing(self, call: Call[Any], params: Any) -> None: ...

    async def nap(self, call: Call[Any], params: Any) -> None:
        await anyio.sleep(params.seconds)

    async def on_said(self, call: Call[Any], event: Any) -> None:
        self.said.append(event.text)
        await call.connection.notify(calculator.Said(text=await call.peer.ask(question=event.text)))


class Person(calculator.CalculatorPeerService):  # type: ignore[misc]
    async def ask(self, call: Call[Any], params: Any) -> str:
        return f"{params.question}?"


@asynccontextmanager
async def asked(service: Any) -> AsyncGenerator[Raw]:
    async with serving(service) as server, raw_client(server.port, []) as client:
        yield client


async def test_both_ends_call_and_tell_each_other() -> None:
    async with (
        serving(Calculator()) as server,
        calculator.CalculatorClient.open(url(server.port), serve=Person()) as client,
        client.events.said() as heard,
    ):
        assert await client.divide(dividend=1, divisor=4) == 0.25
        with pytest.raises(calculator.DivisionByZero) as caught:
            await client.divide(dividend=3, divisor=0)
        assert (caught.value.details.dividend, caught.value.wire_code) == (3.0, -32010)
        await client.notify(calculator.Said(text="who"))
        assert (await anext(heard)).text == "who?"


async def test_a_server_answers_as_the_specification_says() -> None:
    async with asked(Calculator()) as client:
        for said, answered in (
            (
                {"jsonrpc": "2.0", "id": 7, "method": "divide", "params": {"dividend": 1, "divisor": 4}},
                {"jsonrpc": "2.0", "id": 7, "result": 0.25},
            ),
            (
                {"jsonrpc": "2.0", "id": "7", "method": "divide", "params": [1, 2]},
                {"jsonrpc": "2.0", "id": "7", "result": 0.5},
            ),
            ({"jsonrpc": "2.0", "id": 8, "method": "nothing"}, {"jsonrpc": "2.0", "id": 8, "result": None}),
            (
                {"jsonrpc": "2.0", "id": 9, "method": "divide", "params": {"dividend": 3, "divisor": 0}},
                {
                    "jsonrpc": "2.0",
                    "id": 9,
                    "error": {
                        "code": -32010,
                        "message": "3.0 cannot be divided by nothing",
                        "data": {"dividend": 3.0},
                    },
                },
            ),
            (
                {"jsonrpc": "2.0", "id": 1, "method": "foobar"},
                {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no action is called foobar"}},
            ),
        ):
            await client.say(said)
            assert await client.hear() == answered
        await client.say_text(b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]')
        answer = await client.hear()
        assert (answer["id"], answer["error"]["code"]) == (None, -32700)
        await client.say({"jsonrpc": "2.0", "id": 2, "method": "divide", "params": {"dividend": "1", "divisor": 4}})
        assert (await client.hear())["error"]["code"] == -32602


async def test_a_batch_is_answered_in_one_message() -> None:
    async with asked(Calculator()) as client:
        await client.say_text(
            json.dumps(
                [
                    {"jsonrpc": "2.0", "id": "1", "method": "divide", "params": {"dividend": 1, "divisor": 1}},
                    {"jsonrpc": "2.0", "method": "unheard", "params": [7]},
                    {"jsonrpc": "2.0", "id": "2", "method": "nap", "params": {"seconds": 0.01}},
                    {"jsonrpc": "2.0", "method": 1, "id": "3"},
                ]
            ).encode()
        )
        answers: Any = await client.hear()
        assert {answer["id"]: answer.get("result", answer.get("error", {}).get("code")) for answer in answers} == {
            "1": 1.0,
            "2": None,
            "3": -32600,
        }
        await client.say_text(b"[]")
        assert (await client.hear())["error"]["code"] == -32600


async def test_what_follows_a_fatal_mistake_is_not_heard_either_in_a_batch() -> None:
    class Counting(Calculator):
        asked = 0

        @override
        async def nothing(self, call: Call[Any], params: Any) -> None:
            self.asked += 1

    service, call = Counting(), {"jsonrpc": "2.0", "method": "nothing"}
    async with asked(service) as client:
        await client.say_text(json.dumps([{"id": 1, **call}, {"id": 1, **call}, {"id": 2, **call}]).encode())
        assert await client.until_closed() == 4400
    assert service.asked == 1


async def test_a_client_says_what_the_specification_says() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        for answer in (
            {"jsonrpc": "2.0", "id": 1, "result": 0.25},
            {"jsonrpc": "2.0", "id": 2, "error": {"code": -32601, "message": "no"}},
            {"jsonrpc": "2.0", "id": 3, "error": {"code": 17, "message": "odd", "data": [1]}},
            {"jsonrpc": "2.0", "id": 4, "error": {"code": -32010, "message": "zero", "data": {"dividend": 2}}},
        ):
            heard.append(await server.hear())
            await server.say(answer)
        heard.append(await server.hear())
        await server.say({"jsonrpc": "2.0", "id": "x", "method": "ask", "params": {"question": "how"}})
        heard.append(await server.hear())
        await server.say({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "what?"}})
        heard.append(await server.hear())
        await server.say({"jsonrpc": "2.0", "id": "6", "result": None}, {"jsonrpc": "2.0", "id": 6, "result": None})
        await server.until_closed()

    async with (
        raw_server(handle, []) as port,
        calculator.CalculatorClient.open(url(port), serve=Person()) as client,
    ):
        with anyio.fail_after(BOUND):
            assert await client.divide(dividend=1, divisor=4) == 0.25
            with pytest.raises(Unimplemented):
                await client.nothing()
            with pytest.raises(Unknown) as odd:
                await client.nothing()
            assert (odd.value.wire_code, odd.value.data, odd.value.message) == (17, [1], "odd")
            with pytest.raises(calculator.DivisionByZero):
                await client.divide(dividend=2, divisor=0)
            with pytest.raises(DeadlineExceeded):
                await client.nothing(timeout=0.2)
            with pytest.raises(InvalidArgument, match="no place for keys"):
                await client.nothing(options=CallOptions(key="k"))
            await client.nothing()
    assert heard == [
        {"jsonrpc": "2.0", "id": 1, "method": "divide", "params": {"dividend": 1.0, "divisor": 4.0}},
        {"jsonrpc": "2.0", "id": 2, "method": "nothing"},
        {"jsonrpc": "2.0", "id": 3, "method": "nothing"},
        {"jsonrpc": "2.0", "id": 4, "method": "divide", "params": {"dividend": 2.0, "divisor": 0.0}},
        {"jsonrpc": "2.0", "id": 5, "method": "nothing"},
        {"jsonrpc": "2.0", "id": "x", "result": "how?"},
        {"jsonrpc": "2.0", "id": 6, "method": "nothing"},
    ]


async def chatter(server: Raw) -> None:
    """Answers a call after five events that no spec has."""
    id = (await server.hear())["id"]
    for number in range(5):
        await server.say({"jsonrpc": "2.0", "method": f"unheard-of {number}"})
    await server.say({"jsonrpc": "2.0", "id": id, "result": None})
    await server.until_closed()


async def test_what_is_undeclared_comes_until_the_client_closes() -> None:
    async def listen(client: Any) -> None:
        async with client.undeclared() as others:
            ready.set()
            names.extend([other.name async for other in others])

    ready, names = anyio.Event(), list[str]()
    with anyio.fail_after(BOUND):
        async with raw_server(chatter, []) as port, anyio.create_task_group() as tasks:
            async with calculator.CalculatorClient.open(url(port)) as client:
                tasks.start_soon(listen, client)
                await ready.wait()
                await client.nothing()
    assert names == [f"unheard-of {number}" for number in range(5)]


async def test_what_is_undeclared_and_not_read_is_counted() -> None:
    with anyio.fail_after(BOUND):
        async with (
            raw_server(chatter, []) as port,
            calculator.CalculatorClient.open(url(port), limits=Limits(event_queue=2)) as client,
            client.undeclared() as others,
        ):
            await client.nothing()
            assert [(await anext(others)).name for _ in range(2)] == ["unheard-of 0", "unheard-of 1"]
            assert others.lost == 3
