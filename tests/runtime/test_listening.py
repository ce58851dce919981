"""Where a server listens: names, both kinds of address, ports that are taken."""

from __future__ import annotations

import socket

import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import Room

from duologue import serve

pytestmark = pytest.mark.anyio


async def test_a_name_is_resolved_and_ipv4_comes_first() -> None:
    async with serve(Room(), "localhost", 0) as server:
        [(host, port)] = server.addresses
        assert host == "127.0.0.1"
        async with ChatClient.open(f"ws://localhost:{port}") as client:
            assert (await client.echo(text="on")).text == "on"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_ipv6_address_serves_ipv6_alone() -> None:
    async with serve(Room(), "::1", 0) as server:
        async with ChatClient.open(f"ws://[::1]:{server.port}") as client:
            assert (await client.echo(text="on")).text == "on"
        with pytest.raises(OSError):  # noqa: PT011 - refused
            socket.create_connection(("127.0.0.1", server.port), timeout=2)


async def test_a_port_that_is_taken_is_told_and_nothing_is_left_open() -> None:
    async with serve(Room(), "127.0.0.1", 0) as server:
        with pytest.raises(OSError, match="in use"):
            async with serve(Room(), "127.0.0.1", server.port):
                pass
