"""What the hot path costs, counted and not timed: calls of functions, and objects that calls in flight keep.

The runtime's own functions are counted, whatever versions it runs on, without those that stand in for sockets and time.
Objects are counted that garbage collection looks at, again and again while a call is under way. A
budget is a little above the figure of CPython 3.11; later versions count no more, since comprehensions are no functions
there. Whoever raises one says why in the commit; whoever makes the path shorter lowers it.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import anyio
import pytest
from tests.runtime.chat import AskParams, ChatClient, ChatPeer, ChatService, Echo, EchoParams, Said
from typing_extensions import override

import duologue
from duologue import Call, EventStream
from duologue.drivers import memory
from duologue.handling.handlers import Handlers
from duologue.testing import Simulation, simulate
from duologue.wire import Message, NativeCodec

CALL_BUDGET: Final = 101
"""One unary call, client and server together."""
DELIVERY_BUDGET: Final = 34
"""One `log` event to one of many subscribers, publisher's and subscriber's side together."""
KEPT_BUDGET: Final = 24
"""Objects of one call in flight, at both ends; nine of them belong to the caller's task and to the user's handler."""

SUBSCRIBERS: Final = 100
CALLERS: Final = 200
RUNTIME: Final = str(Path(str(duologue.__file__)).parent)
STAND_INS: Final = (str(memory.__file__), f"{RUNTIME}/testing")


class Answering(ChatService):
    """Does nothing that costs."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    @override
    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
        return Echo(text=params.text)

    @override
    async def ask(self, call: Call[ChatPeer], params: AskParams) -> int:
        await self.gate.wait()
        return params.depth


@contextmanager
def counting() -> Generator[Callable[[], int]]:
    """Count the calls of Python functions in the block; resuming a coroutine is a call of it."""
    counted = 0

    def look(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        name = frame.f_code.co_filename
        counted += event == "call" and name.startswith(RUNTIME) and not name.startswith(STAND_INS)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield lambda: counted
    finally:
        sys.setprofile(before)


async def cost_of_a_call(simulation: Simulation) -> float:
    """What one more call adds, so that what happens once is not counted."""
    async with simulation.serving(Answering(), 1) as host, ChatClient.open(host.url) as client:

        async def count(times: int) -> int:
            with counting() as counted:
                for _ in range(times):
                    await client.echo(text="hello")
                return counted()

        await count(3)
        few, many = await count(10), await count(30)
        return (many - few) / 20


async def cost_of_a_delivery(simulation: Simulation) -> float:
    """What one event costs for each of its subscribers, and a share of what it costs once."""
    service = Answering()
    async with simulation.serving(service, 1) as host, subscribed(host.url) as streams:

        async def count() -> int:
            with counting() as counted:
                await service.publisher.emit(Said(room="attic", text="hello"))
                for stream in streams:
                    await anext(stream)
                return counted()

        await count()
        return await count() / SUBSCRIBERS


@asynccontextmanager
async def subscribed(url: str) -> AsyncGenerator[list[EventStream[Said]]]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(ChatClient.open(url)) for _ in range(SUBSCRIBERS)]
        streams = [await stack.enter_async_context(client.events.said()) for client in clients]
        await anyio.sleep(1)  # until all are live
        yield streams


BUDGETS: Final[dict[Callable[[Simulation], Awaitable[float]], int]] = {
    cost_of_a_call: CALL_BUDGET,
    cost_of_a_delivery: DELIVERY_BUDGET,
}


def cost(of: Callable[[Simulation], Awaitable[float]]) -> float:
    return simulate(of, seed=1, delay=(0.001, 0.001))


@pytest.mark.parametrize("of", BUDGETS)
def test_it_stays_within_its_budget(of: Callable[[Simulation], Awaitable[float]]) -> None:
    counted = cost(of)
    assert counted == cost(of), "the count is not the same each time"
    assert counted <= BUDGETS[of], f"{of.__name__}: {counted:g} function calls; the budget is {BUDGETS[of]}"


@pytest.mark.parametrize("of", BUDGETS)
def test_waste_on_every_message_breaks_the_budget(
    monkeypatch: pytest.MonkeyPatch, of: Callable[[Simulation], Awaitable[float]]
) -> None:
    decode = NativeCodec.decode

    def wasteful(codec: NativeCodec, data: bytes) -> Message:
        for _ in range(3):
            decode(codec, data)
        return decode(codec, data)

    monkeypatch.setattr(NativeCodec, "decode", wasteful)
    assert cost(of) > BUDGETS[of]


async def kept_by_a_call(simulation: Simulation) -> tuple[float, float]:
    """What one call more keeps while its handler waits, and when it has ended."""
    service = Answering()
    async with simulation.serving(service, 1) as host, ChatClient.open(host.url) as client:

        async def kept(callers: int) -> tuple[float, float]:
            service.gate.clear()
            gc.collect()
            before = len(gc.get_objects())
            asking = [asyncio.create_task(client.ask(depth=1)) for _ in range(callers)]
            await anyio.sleep(1)
            gc.collect()
            meanwhile = len(gc.get_objects())
            service.gate.set()
            await asyncio.gather(*asking)
            del asking
            await anyio.sleep(1)
            gc.collect()
            return (meanwhile - before) / callers, (len(gc.get_objects()) - before) / callers

        await kept(1)
        return await kept(CALLERS)


def test_a_call_in_flight_keeps_few_objects() -> None:
    kept, left = simulate(kept_by_a_call, seed=1)
    assert KEPT_BUDGET - 1 < kept < KEPT_BUDGET + 0.5, f"{kept:g} objects; the budget is {KEPT_BUDGET}"
    assert left < 0.5, f"{left:g} objects stay when it has ended"


def test_one_coroutine_more_breaks_that_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Handlers._begin

    async def wrapped(handlers: Handlers, *args: Any) -> Any:
        return await begin(handlers, *args)

    monkeypatch.setattr(Handlers, "_begin", wrapped)
    kept, _ = simulate(kept_by_a_call, seed=1)
    assert kept > KEPT_BUDGET + 0.5
