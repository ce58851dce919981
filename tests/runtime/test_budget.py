"""What the hot path costs, counted and not timed: calls of Python functions, the same number in every run.

The runtime's own functions are counted, whatever versions it runs on, without the memory driver's: it stands in for
sockets. A budget is a little above the figure of CPython 3.11; later versions count no more, since comprehensions
are no functions there. Whoever raises one says why in the commit; whoever makes the path shorter lowers it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import anyio
import pytest
from msgspec import UNSET
from tests.runtime.chat import ChatClient, ChatPeer, ChatService, Echo, EchoParams, Said
from tests.runtime.support import BOUND, until
from typing_extensions import override

import duologue
from duologue import Call, Limits, Server, serve
from duologue.drivers import memory
from duologue.drivers.memory import MemoryNetwork
from duologue.wire import Message, NativeCodec, is_set

pytestmark = pytest.mark.anyio

CALL_BUDGET: Final = 146
"""One unary call, client and server together."""
DELIVERY_BUDGET: Final = 69
"""One `log` event to one of many subscribers, publisher's and subscriber's side together."""

SUBSCRIBERS: Final = 100
QUIET: Final = Limits(idle=3600.0)  # no ping falls into what is counted
RUNTIME: Final = f"{Path(str(duologue.__file__)).parent}/"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The reference: on the other loops the same functions run, and some of their own that are no Python."""
    return "asyncio"


class Answering(ChatService):
    """Does nothing that costs."""

    @override
    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
        return Echo(text=params.text)


@asynccontextmanager
async def talking(clients: int) -> AsyncGenerator[tuple[Server[ChatPeer], list[ChatClient]]]:
    with anyio.fail_after(BOUND), MemoryNetwork().use():
        async with serve(Answering(), "127.0.0.1", 1, limits=QUIET) as server, AsyncExitStack() as stack:
            opened = [ChatClient.open("ws://127.0.0.1:1", limits=QUIET) for _ in range(clients)]
            yield server, [await stack.enter_async_context(client) for client in opened]


@contextmanager
def counting() -> Generator[Callable[[], int]]:
    """Count the calls of Python functions in the block; resuming a coroutine is a call of it."""
    counted = 0

    def look(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(RUNTIME) and name != memory.__file__:
            counted += 1

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield lambda: counted
    finally:
        sys.setprofile(before)


async def count_calls(client: ChatClient, times: int) -> int:
    with counting() as counted:
        for _ in range(times):
            await client.echo(text="hello")
        return counted()


async def cost_of_a_call() -> float:
    """What one more call adds, so that what happens once is not counted."""
    async with talking(1) as (_, (client,)):
        await count_calls(client, 3)
        few, many = await count_calls(client, 10), await count_calls(client, 30)
        return (many - few) / 20


async def cost_of_a_delivery() -> float:
    """What one event costs for each of its subscribers, and a share of what it costs once."""
    async with talking(SUBSCRIBERS) as (server, clients), AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(client.events.said()) for client in clients]
        await until(lambda: all(stream._live for stream in streams))

        async def publish() -> int:
            with counting() as counted:
                await server.emit(Said(room="attic", text="hello"))
                for stream in streams:
                    await anext(stream)
                return counted()

        await publish()
        first, second = await publish(), await publish()
        assert first == second
        return first / SUBSCRIBERS


async def test_a_call_stays_within_its_budget() -> None:
    cost = await cost_of_a_call()
    assert cost == await cost_of_a_call(), "the count is not the same each time"
    assert cost <= CALL_BUDGET, f"a call costs {cost:g} function calls; the budget is {CALL_BUDGET}"


async def test_a_delivery_stays_within_its_budget() -> None:
    cost = await cost_of_a_delivery()
    assert cost <= DELIVERY_BUDGET, f"a delivery costs {cost:g} function calls; the budget is {DELIVERY_BUDGET}"


@pytest.mark.parametrize("cost_of", [cost_of_a_call, cost_of_a_delivery])
async def test_waste_on_every_message_breaks_the_budget(
    monkeypatch: pytest.MonkeyPatch, cost_of: Callable[[], Awaitable[float]]
) -> None:
    decode = NativeCodec.decode

    def wasteful(codec: NativeCodec, data: bytes) -> Message:
        assert not any(map(is_set, (UNSET, UNSET, UNSET)))
        return decode(codec, data)

    monkeypatch.setattr(NativeCodec, "decode", wasteful)
    assert await cost_of() > (CALL_BUDGET if cost_of is cost_of_a_call else DELIVERY_BUDGET)
