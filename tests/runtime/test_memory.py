"""The network of one process: ports, its cuts, and what waits to be accepted when a server stops."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import BOUND, Recorder, Room, connection_of, until

from duologue import ConnectFailed, OutcomeUnknown, serve
from duologue.drivers import current
from duologue.drivers.memory import MemoryEnd, MemoryNetwork

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_back_off")]


async def test_a_port_is_taken_until_its_server_stops() -> None:
    with MemoryNetwork().use(), anyio.fail_after(BOUND):
        async with serve(Room(), "memory", 7):
            with pytest.raises(OSError, match="port 7 is taken"):
                async with serve(Room(), "memory", 7):
                    pass
        async with serve(Room(), "memory", 7) as server, ChatClient.open(f"ws://memory:{server.port}") as client:
            assert (await client.echo(text="on")).text == "on"


async def test_nobody_listens() -> None:
    with MemoryNetwork().use(), pytest.raises(ConnectFailed, match="nobody listens on port 9"):
        async with ChatClient.open("ws://memory:9"):
            pass


async def test_ports_are_given_out_and_a_cut_is_told_to_both_ends() -> None:
    with MemoryNetwork().use() as network, anyio.fail_after(BOUND):
        room = Room()
        async with serve(room, "memory", 0) as one, serve(Room(), "memory", 0) as other:
            assert one.port != other.port
            async with ChatClient.open(f"ws://memory:{one.port}") as client, anyio.create_task_group() as tasks:
                first, [served] = connection_of(client), one.connections

                async def nap() -> None:
                    with pytest.raises(OutcomeUnknown):
                        await client.nap(seconds=60)

                tasks.start_soon(nap)
                await until(lambda: room.running == 1)
                network.cut()
                assert first.closed is not None
                assert served.closed is not None
                assert (await client.echo(text="again")).text == "again"
                assert [ends[0].peer_name() for ends in network.connections] == ["server-1"], "the first is gone"
            assert network.connections == []


async def test_who_waits_to_be_accepted_is_told_when_the_server_stops() -> None:
    network = MemoryNetwork()
    listener = network.listen(current(), 0)
    waiting = network.connect(current(), listener.addresses[0][1])
    await listener.aclose()
    await anyio.sleep(0.01)
    assert waiting.gone
    with pytest.raises(OSError, match="closed"):
        await listener.accept()


@asynccontextmanager
async def two_ends() -> AsyncGenerator[tuple[MemoryEnd, Recorder, MemoryEnd, Recorder]]:
    """A connection whose ends are both run, each with what its link was told."""
    network, here, there = MemoryNetwork(), Recorder(), Recorder()
    listener = network.listen(current(), 0)
    client = network.connect(current(), listener.addresses[0][1])
    server = await listener.accept()
    with anyio.fail_after(BOUND):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.run, here, 1000)
            tasks.start_soon(server.run, there, 1000)
            await until(lambda: here.told and there.told)
            yield client, here, server, there
            tasks.cancel_scope.cancel()


async def test_what_is_written_before_the_end_arrives_and_nothing_after_it() -> None:
    async with two_ends() as (client, _, server, there):
        client.write(b"first")
        client.close()
        client.close()
        client.write(b"too late")
        await until(lambda: server.gone)
        client.write(b"later still")
        assert (client.gone, client.unsent()) == (True, 0)
    assert there.told == ["connected", "first", "eof", "lost"]


async def test_what_comes_while_nothing_is_read_waits() -> None:
    async with two_ends() as (client, _, server, there):
        server.pause_reading()
        client.write(b"first")
        client.write(b"second")
        await anyio.sleep(0.01)
        assert there.told == ["connected"]
        assert client.unsent() == len("firstsecond")
        server.resume_reading()
        await until(lambda: "second" in there.told)
        assert there.told == ["connected", "first", "second"]


async def test_who_closes_is_not_answered_by_an_end_that_is_stalled() -> None:
    async with two_ends() as (client, here, server, there):
        server.stalled = True
        client.close()
        await anyio.sleep(0.01)
        assert (client.gone, server.gone) == (False, False)
        client.abort()
        client.abort()
        await until(lambda: server.gone)
    assert here.told == there.told == ["connected", "lost"]


async def test_an_end_that_is_cancelled_while_it_runs_is_cut() -> None:
    async with two_ends() as (_, here, __, there):
        pass
    assert (here.told[-1], there.told[-1]) == ("lost", "lost")
