"""Peers of declared protocols that send what is JSON, and yet nothing that anybody would send."""

from __future__ import annotations

import json
import math
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Call, DeadlineExceeded, Limits, Undeclared, Unknown
from duologue.session.batches import MOST

pytestmark = pytest.mark.anyio
calculator: Any = sdk("calculator")

HUGE = (b"1e999", b"9" * 5000)
"""Numbers that JSON may hold, and neither a float of 64 bits nor an integer that Python converts."""


class Calculator(calculator.CalculatorService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.heard: list[Undeclared] = []

    async def divide(self, call: Call[Any], params: Any) -> float:
        return float(params.dividend / params.divisor)

    async def nothing(self, call: Call[Any], params: Any) -> None: ...

    async def nap(self, call: Call[Any], params: Any) -> None: ...

    async def on_said(self, call: Call[Any], event: Any) -> None: ...

    async def undeclared(self, call: Call[Any], message: Undeclared) -> None:
        self.heard.append(message)


async def test_calls_that_are_never_answered_leave_room_for_others() -> None:
    async def handle(server: Raw) -> None:
        for id in (1, 2, 3):
            assert (await server.hear())["id"] == id
        await server.say({"jsonrpc": "2.0", "id": 1, "result": None}, {"jsonrpc": "2.0", "id": 3, "result": 2.0})
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with (
            raw_server(handle, []) as port,
            calculator.CalculatorClient.open(url(port), limits=Limits(in_flight=2)) as client,
        ):
            for _ in range(2):
                with pytest.raises(DeadlineExceeded):
                    await client.nothing(timeout=0.05)
            assert await client.divide(dividend=4, divisor=2) == 2


async def test_a_batch_has_a_bound_and_who_exceeds_it_is_told() -> None:
    async with serving(Calculator()) as server, raw_client(server.port, []) as client:
        one = {"jsonrpc": "2.0", "method": "nobody"}
        await client.say_text(json.dumps([one] * MOST + [{**one, "id": 1}]).encode())
        refused = await client.hear()
        assert refused["error"]["message"] == f"a batch of {MOST + 1} messages, of which one has at most {MOST}"
        await client.say_text(json.dumps([one] * (MOST - 1) + [{**one, "id": 1, "method": "nothing"}]).encode())
        answers: Any = await client.hear()
        assert answers == [{"jsonrpc": "2.0", "id": 1, "result": None}]


@pytest.mark.parametrize("number", HUGE, ids=["float", "whole"])
async def test_a_server_lives_with_numbers_that_are_too_large(number: bytes) -> None:
    service = Calculator()
    async with serving(service) as server, raw_client(server.port, []) as client:
        await client.say_text(b'{"jsonrpc":"2.0","method":"nobody","params":{"x":%b}}' % number)
        await client.say({"jsonrpc": "2.0", "id": 1, "method": "nothing"})
        assert await client.hear() == {"jsonrpc": "2.0", "id": 1, "result": None}
        await anyio.wait_all_tasks_blocked()
    assert [one.data for one in service.heard] == [{"x": math.inf}]


@pytest.mark.parametrize("number", HUGE, ids=["float", "whole"])
async def test_a_client_lives_with_numbers_that_are_too_large(number: bytes) -> None:
    async def handle(server: Raw) -> None:
        await server.hear()
        await server.say_text(b'{"jsonrpc":"2.0","method":"nobody","params":{"x":%b}}' % number)
        await server.say_text(b'{"jsonrpc":"2.0","method":"said","params":{"text":%b}}' % number)
        await server.say_text(b'{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"m","data":%b}}' % number)
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with (
            raw_server(handle, []) as port,
            calculator.CalculatorClient.open(url(port), validation="warn") as client,
            client.undeclared() as others,
            client.events.said() as said,
        ):
            with pytest.raises(Unknown) as caught:
                await client.nothing()
            assert caught.value.data == math.inf
            assert (await anext(others)).data == {"x": math.inf}
            assert (await anext(said)).text == math.inf
