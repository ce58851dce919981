"""What goes wrong elsewhere with streams whose reader is gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import pytest
from tests.runtime.chat import ChatClient, ChatPeer, CountParams, Echo, Number
from tests.runtime.proxy import proxied
from tests.runtime.support import Room, connection_of, serving, until
from typing_extensions import override

from duologue import Call, Limits, OutcomeUnknown, Sink

pytestmark = pytest.mark.anyio


class Generating(Room):
    """Sends what a generator gives, for ever."""

    def __init__(self, pause: float) -> None:
        super().__init__()
        self.pause = pause
        self.closed = anyio.Event()

    async def numbers(self) -> AsyncGenerator[Number]:
        try:
            while True:
                yield Number(value=self.sent)
                await anyio.sleep(self.pause)
        finally:
            self.closed.set()

    @override
    async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
        async with aclosing(self.numbers()) as numbers:
            async for number in numbers:
                await out.send(number)
                self.sent += 1
        raise AssertionError("it has no end")


@pytest.mark.parametrize("pause", [0.0, 0.01, 60.0], ids=["waits for its reader", "sends", "waits for its next item"])
@pytest.mark.parametrize("silent", [False, True], ids=["is cut off", "vanishes"])
async def test_connect_py_174_a_generator_is_closed_when_its_reader(silent: bool, pause: float) -> None:
    """Whatever the handler waits for at that moment, and whether or not the network says that the client is gone."""
    room = Generating(pause)
    limits = Limits(idle=0.6, close=0.2, stream_window=4)
    async with serving(room, limits) as server, proxied(server.port) as proxy:
        async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", limits=limits) as client:
            async with client.count(upto=1) as numbers:
                await anext(numbers)
                if pause == 0:
                    await until(lambda: room.sent == 4)
                first = connection_of(client)
                proxy.refusing = True
                if silent:
                    proxy.half_open()
                else:
                    proxy.cut()
                with anyio.fail_after(limits.idle * 2):
                    await room.closed.wait()
                await first.until_closed()
                with pytest.raises(OutcomeUnknown):
                    await numbers.result()
        await until(lambda: not server.connections)
        proxy.cut()
