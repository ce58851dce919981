"""wss:// over real sockets, with certificates of the test's own."""

from __future__ import annotations

import ssl
from contextlib import suppress

import anyio
import pytest
import trustme
from tests.runtime.chat import ChatClient, ChatServer
from tests.runtime.proxy import proxied
from tests.runtime.support import BOUND, Guest, Room, connection_of, until

from duologue import ConnectFailed, Limits, serve

pytestmark = pytest.mark.anyio

LIMITS = Limits(handshake=0.5, close=0.3, drain=0.2)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL, too
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL, too
    return context


async def test_calls_events_and_streams(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with (
            serve(Room(), "127.0.0.1", 0, tls=server_tls) as server,
            ChatClient.open(f"wss://127.0.0.1:{server.port}", tls=client_tls, serve=Guest()) as client,
        ):
            assert await client.ask(depth=10) == 10
            assert len((await client.echo(text="x" * 10_000, times=90)).text) == 900_000
            async with client.count(upto=1000) as numbers:
                assert len([number async for number in numbers]) == 1000
            started = anyio.current_time()
        assert anyio.current_time() - started < 1.5


async def test_the_name_of_the_host(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with (
            serve(Room(), "127.0.0.1", 0, tls=server_tls) as server,
            ChatClient.open(f"wss://localhost:{server.port}", tls=client_tls) as client,
        ):
            assert (await client.echo(text="on")).text == "on"


async def test_a_certificate_for_another_host(authority: trustme.CA, client_tls: ssl.SSLContext) -> None:
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("example.org").configure_cert(other)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL, too
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, tls=other) as server:
            with pytest.raises(ConnectFailed, match=r"(?i)certificate.*127\.0\.0\.1"):
                await ChatClient.connect(f"wss://127.0.0.1:{server.port}", tls=client_tls)
            await until(lambda: not server.handshakes)


async def test_an_authority_that_is_not_trusted(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, tls=server_tls) as server:
            with pytest.raises(ConnectFailed, match=r"(?i)certificate verify failed"):
                await ChatClient.connect(f"wss://127.0.0.1:{server.port}")
            async with ChatClient.open(f"wss://127.0.0.1:{server.port}", tls=client_tls) as client:  # it goes on
                assert (await client.echo(text="on")).text == "on"


async def test_a_plain_client_at_a_port_of_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, tls=server_tls) as server:
            with pytest.raises(ConnectFailed):
                await ChatClient.connect(f"ws://127.0.0.1:{server.port}")
            async with ChatClient.open(f"wss://127.0.0.1:{server.port}", tls=client_tls) as client:
                assert (await client.echo(text="on")).text == "on"


async def test_a_client_of_tls_at_a_plain_port(client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0) as server:
            with pytest.raises(ConnectFailed, match="cannot connect"):
                await ChatClient.connect(f"wss://127.0.0.1:{server.port}", tls=client_tls)
            async with ChatClient.open(f"ws://127.0.0.1:{server.port}") as client:
                assert (await client.echo(text="on")).text == "on"


async def test_a_context_for_what_is_not_encrypted(client_tls: ssl.SSLContext) -> None:
    with pytest.raises(ValueError, match="wss://"):
        await ChatClient.connect("ws://127.0.0.1:1", tls=client_tls)


async def test_a_handshake_that_never_ends(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, tls=server_tls, limits=LIMITS) as server:
            started = anyio.current_time()
            async with await anyio.connect_tcp("127.0.0.1", server.port) as silent:
                await until(lambda: server.handshakes)
                with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    await silent.receive()
                assert anyio.current_time() - started < LIMITS.handshake + 0.5
            await until(lambda: not server.handshakes)
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        async with listener:  # a server that says nothing
            started = anyio.current_time()
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            with pytest.raises(ConnectFailed, match="within"):
                await ChatClient.connect(f"wss://127.0.0.1:{port}", tls=client_tls, limits=LIMITS)
            assert anyio.current_time() - started < LIMITS.handshake + 0.5


async def test_cuts_and_stalls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, tls=server_tls, limits=LIMITS) as server:
            async with proxied(server.port) as proxy:
                url = f"wss://127.0.0.1:{proxy.port}"
                async with ChatClient.open(url, tls=client_tls, limits=LIMITS) as client:
                    first = connection_of(client)
                    proxy.cut()
                    await first.until_closed()
                    assert (await client.echo(text="on")).text == "on"
                    proxy.stalled = True
                    started = anyio.current_time()
                    await client.aclose()
                    await server.aclose()
                    assert anyio.current_time() - started < 2 * LIMITS.close + LIMITS.drain + 1.5
                proxy.cut()


async def test_in_the_form_of_the_decision_record(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        server = await ChatServer.bind("127.0.0.1:0", Room(), tls=server_tls)
        async with anyio.create_task_group() as tasks:

            async def accept() -> None:
                tasks.start_soon((await server.accept()).handle)

            tasks.start_soon(accept)
            client = await ChatClient.connect(f"wss://127.0.0.1:{server.port}", tls=client_tls)
            handle, handler = client.start_handler()
            tasks.start_soon(handler)
            assert (await handle.echo(text="on")).text == "on"
            await handle.aclose()
            await server.aclose()
