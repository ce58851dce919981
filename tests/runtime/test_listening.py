"""Where a server listens: names, both kinds of address, ports that are taken."""

from __future__ import annotations

import os
import socket
from typing import Any

import anyio
import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import BOUND, Room

from duologue import serve
from duologue.drivers import current
from duologue.drivers.listening import peer_of
from duologue.drivers.options import UNSENT, limit_unsent

pytestmark = pytest.mark.anyio


async def test_a_name_is_resolved_and_ipv4_comes_first() -> None:
    async with serve(Room(), "localhost", 0) as server:
        [(host, port)] = server.addresses
        assert host == "127.0.0.1"
        async with ChatClient.open(f"ws://localhost:{port}") as client:
            assert (await client.echo(text="on")).text == "on"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_ipv6_address_serves_ipv6_alone() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # so that no other program answers there
        async with serve(Room(), "::1", held.getsockname()[1]) as server:
            async with ChatClient.open(f"ws://[::1]:{server.port}") as client:
                assert (await client.echo(text="on")).text == "on"
            with pytest.raises(OSError):  # noqa: PT011 - refused
                socket.create_connection(("127.0.0.1", server.port), timeout=2)


async def test_a_port_that_is_taken_is_told_and_nothing_is_left_open() -> None:
    async with serve(Room(), "127.0.0.1", 0) as server:
        with pytest.raises(OSError, match="in use"):
            async with serve(Room(), "127.0.0.1", server.port):
                pass


async def test_nobody_is_accepted_once_the_listener_is_closed() -> None:
    with anyio.fail_after(BOUND):
        listener = await current().listen("127.0.0.1", 0, tls=None, handshake=1.0)
        await listener.aclose()
        with pytest.raises(OSError, match="the listener is closed"):
            await listener.accept()


def test_a_socket_without_a_peer_has_an_empty_name_for_it() -> None:
    with socket.socket() as unconnected:
        assert peer_of(unconnected) == ""


def test_where_the_system_cannot_limit_what_is_unsent_nothing_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_NOTSENT_LOWAT", raising=False)
    limit_unsent(object())  # has no options to set


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="this system cannot limit what is unsent")
async def test_the_kernel_takes_little_of_what_it_cannot_send_at_either_end(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = list[int]()

    def note(connected: Any) -> None:
        limit_unsent(connected)
        with socket.socket(fileno=os.dup(getattr(connected, "socket", connected).fileno())) as same:
            limited.append(same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT))

    for driver in ("asyncio", "trio"):
        monkeypatch.setattr(f"duologue.drivers.{driver}.limit_unsent", note)
    executor = current()
    with anyio.fail_after(BOUND):
        listener = await executor.listen("127.0.0.1", 0, tls=None, handshake=1.0)
        port = listener.addresses[0][1]
        connected = await executor.connect("127.0.0.1", port, tls=None, server_hostname=None, limit=BOUND)
        accepted = await listener.accept()
        accepted.abort()
        connected.abort()
        await listener.aclose()
    assert limited == [UNSENT, UNSENT]
