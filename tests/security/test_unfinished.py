"""Handshakes that are not finished: so many may be, and then whoever has taken longest makes room."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest
import trustme
from anyio.abc import SocketStream
from tests.runtime.support import until
from tests.security.raw import UPGRADE
from tests.security.sdk import vault
from tests.security.vaults import World, on_sockets, token_of

from duologue import Limits

pytestmark = pytest.mark.anyio

LIMITS = Limits(handshakes=3, handshake=60.0)


@asynccontextmanager
async def silent(world: World, count: int, said: str = "") -> AsyncGenerator[list[SocketStream]]:
    """Peers that come one after the other, say this much, and then nothing."""
    async with AsyncExitStack() as stack:
        streams: list[SocketStream] = []
        for number in range(count):
            stream = await stack.enter_async_context(await anyio.connect_tcp("127.0.0.1", world.server.port))
            await stream.send(said.encode() or b"G")
            streams.append(stream)
            await until_present(world, min(number + 1, LIMITS.handshakes))
        yield streams


async def until_present(world: World, count: int) -> None:
    await until(lambda: len(world.server._admission.unfinished._cuts) == count)


async def is_cut(stream: SocketStream) -> bool:
    """Whether a connection has ended; one that has not says nothing."""
    try:
        with anyio.move_on_after(0.05):
            while True:
                await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return True
    return False


async def test_of_too_many_the_one_that_has_taken_longest_is_cut() -> None:
    async with on_sockets(limits=LIMITS) as world, silent(world, 3) as streams:
        async with world.client("owner") as client:
            assert await client.ping() == "owner"
            await until(lambda: world.server.handshakes == 2)
            assert [await is_cut(stream) for stream in streams] == [True, False, False]
            async with await anyio.connect_tcp("127.0.0.1", world.server.port):
                await until(lambda: world.server.handshakes == 3)
                assert [await is_cut(stream) for stream in streams[1:]] == [False, False], "there was room"


async def test_however_many_there_are_others_get_in() -> None:
    async with on_sockets(limits=LIMITS) as world, silent(world, 50):
        for _ in range(5):
            async with world.client("owner") as client:
                assert await client.ping() == "owner"
        assert world.server.handshakes <= 3


async def test_nor_may_they_wait_inside_of_tls() -> None:
    tls, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL, too
    authority.configure_trust(trusting)  # pyright: ignore[reportUnknownMemberType] - as above
    async with on_sockets(limits=LIMITS, tls=tls) as world, silent(world, 3, "\x16") as streams:
        url = world.url.replace("ws:", "wss:")
        async with vault.VaultClient.open(url, token=token_of("owner"), tls=trusting) as client:
            assert await client.ping() == "owner"
            assert await is_cut(streams[0])


async def test_nor_with_a_login_that_does_not_come() -> None:
    upgrade = f"{UPGRADE.format(path='/')}\r\n"
    async with on_sockets(limits=LIMITS, login="first_message") as world, silent(world, 3, upgrade) as streams:
        async with world.client("owner") as client:
            assert await client.ping() == "owner"
            await until(lambda: world.server.handshakes == 2)
            assert [await is_cut(stream) for stream in streams] == [True, False, False]


async def test_who_waits_for_the_authenticator_is_not_one_of_them() -> None:
    let_in: list[str] = []
    async with on_sockets(limits=LIMITS) as world, anyio.create_task_group() as tasks:
        world.people.slow = anyio.Event()

        async def connect() -> None:
            async with world.client("owner") as client:
                let_in.append(await client.ping())

        tasks.start_soon(connect)
        await until(lambda: world.people.asked)
        async with silent(world, 10):
            await until(lambda: world.server.handshakes == 4)
            world.people.slow.set()
            await until(lambda: let_in)
    assert let_in == ["owner"]


async def test_nothing_is_left_of_them() -> None:
    async with on_sockets(limits=LIMITS) as world:
        async with silent(world, 10), world.client("owner"):
            pass
        await until(lambda: not world.server.handshakes)
        admission: Any = world.server._admission
        assert (admission.unfinished._cuts, admission.addresses._present) == ({}, {})
