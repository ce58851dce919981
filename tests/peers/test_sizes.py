"""What goes wrong elsewhere with messages that are large."""

from __future__ import annotations

from functools import partial

import anyio
import pytest
from tests.runtime.chat import ChatClient, ChatPeer, CountParams, Echo, Number, Said, Typing, Waved
from tests.runtime.proxy import proxied
from tests.runtime.raw import raw_client
from tests.runtime.support import Room, connection_of, serving, talking, until
from typing_extensions import override

from duologue import Call, CloseCode, HistoryLost, Limits, NotSent, Ran, ResourceExhausted, Sink

pytestmark = pytest.mark.anyio

SLOW = Limits(idle=0.6)
RATE = 100_000
"""Bytes in a second: a message of 150 kB needs more than twice the patience of `SLOW`."""


async def test_websockets_1005_a_message_that_takes_long_is_no_silence() -> None:
    """While it travels no ping and no pong passes it; whoever waits behind it must not take that for death."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(nor_of_its_receiver)
        tasks.start_soon(nor_of_its_sender)


async def nor_of_its_receiver() -> None:
    room = Room()
    async with serving(room, SLOW) as server, proxied(server.port) as proxy:
        async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", limits=SLOW) as client:
            connection = connection_of(client)
            proxy.rate = RATE
            await client.notify(Waved(who="x" * 150_000))
            with anyio.fail_after(10):
                await until(lambda: room.waved)
            assert (await client.echo(text="on")).text == "on"
            assert connection_of(client) is connection


async def nor_of_its_sender() -> None:
    async with serving(Room(), SLOW) as server, proxied(server.port) as proxy:
        async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", limits=SLOW) as client:
            connection = connection_of(client)
            proxy.rate = RATE
            served = server.connections
            assert len((await client.echo(text="x" * 100, times=1500)).text) == 150_000
            assert (await client.echo(text="on")).text == "on"
            assert connection_of(client) is connection
            assert server.connections == served


# ----------------------------------------------------------------------------------------------------- beyond the limit
class Wide(Room):
    """Its answers, items and events are as large as it is asked for."""

    @override
    async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
        await out.send(Number(value=10**params.upto))
        return Echo(text="done")


SMALL = Limits(frame=10_000)


async def test_autobahn_888_a_message_that_the_peer_cannot_take_costs_its_call_alone() -> None:
    """Its size is looked at before it is sent: beyond the limit the whole connection would be closed."""
    room = Wide()
    async with talking(room, limits=SMALL, client_limits=SMALL) as (server, client):
        connection = connection_of(client)
        async with anyio.create_task_group() as tasks, client.events.typing() as typing:
            tasks.start_soon(partial(client.nap, seconds=0.3))  # is under way all the time, and ends well
            await until(lambda: room.running == 1)

            with pytest.raises(NotSent, match="10000") as refused:
                await client.echo(text="x" * 20_000)
            assert refused.value.ran is Ran.NO
            with pytest.raises(NotSent, match="10000"):
                await client.notify(Waved(who="x" * 20_000))
            with pytest.raises(ResourceExhausted, match="10000") as answer:
                await client.echo(text="x" * 100, times=1000)
            assert answer.value.ran is Ran.YES
            async with client.count(upto=15_000) as numbers:
                with pytest.raises(ResourceExhausted, match="10000"):
                    await numbers.result()
            async with client.events.said() as said:
                await server.emit(Said(room="a", text="x" * 20_000))
                with pytest.raises(HistoryLost, match="10000"):
                    await anext(said)

            await server.emit(Typing(who="me"))
            assert (await anext(typing)).who == "me"
        assert (await client.echo(text="on")).text == "on"
        assert [call.action for call in room.calls] == ["nap", "echo", "echo"]
        assert connection_of(client) is connection


async def test_ws_2224_a_peer_that_sends_too_much_all_the_same_is_told_why_it_was_closed() -> None:
    async with serving(Room(), SMALL) as server, raw_client(server.port) as peer:
        assert (await peer.hear())["hello"]["limits"]["frame"] == 10_000, "it was told before"
        await peer.say(id="1", action="echo", params={"text": "x" * 20_000})
        assert await peer.until_closed() == CloseCode.TOO_BIG
        assert peer.protocol.close_reason is not None
        assert "10000" in peer.protocol.close_reason
