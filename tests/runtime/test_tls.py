"""wss:// over real sockets, with certificates of the test's own."""

from __future__ import annotations

import ssl
from contextlib import suppress

import anyio
import pytest
import trustme
from tests.runtime.chat import ChatClient, ChatServer
from tests.runtime.proxy import proxied
from tests.runtime.support import BOUND, Guest, Recorder, Room, connection_of, run, until

from duologue import ConnectFailed, Identity, Limits, TlsIdentity, serve
from duologue.drivers import current

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


async def test_a_server_that_stops_waits_for_no_handshake(server_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(BOUND):
        async with (
            serve(Room(), "127.0.0.1", 0, tls=server_tls, limits=Limits(handshake=10 * BOUND)) as server,
            await anyio.connect_tcp("127.0.0.1", server.port) as silent,
        ):
            await until(lambda: server.handshakes)
            await anyio.wait_all_tasks_blocked()
            await server.aclose()
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await silent.receive()
        assert server.handshakes == 0


async def test_who_is_cancelled_while_shaking_hands_closes_the_socket(server_tls: ssl.SSLContext) -> None:
    link = Recorder()
    with anyio.fail_after(BOUND):
        listener = await current().listen("127.0.0.1", 0, tls=server_tls, handshake=10 * BOUND)
        async with await anyio.connect_tcp(*listener.addresses[0]) as silent:
            accepted = await listener.accept()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run, accepted, link)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await silent.receive()
        await listener.aclose()
    assert link.told == ["lost"]


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


# -------------------------------------------------------------------------------------------------------- mutual TLS
def asking(server_tls: ssl.SSLContext, authority: trustme.CA, mode: ssl.VerifyMode) -> ssl.SSLContext:
    """A server that asks for client certificates."""
    authority.configure_trust(server_tls)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL, too
    server_tls.verify_mode = mode
    return server_tls


def showing(authority: trustme.CA, trusted: trustme.CA, name: str) -> ssl.SSLContext:
    """A client with a certificate of that common name."""
    context = ssl.create_default_context()
    trusted.configure_trust(context)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL, too
    authority.issue_cert("client.test", common_name=name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


SUBJECTS = TlsIdentity({"web-1": Identity(name="the web server")})


async def test_a_peer_is_known_by_its_certificate(authority: trustme.CA, server_tls: ssl.SSLContext) -> None:
    room = Room()
    tls = asking(server_tls, authority, ssl.CERT_REQUIRED)
    with anyio.fail_after(BOUND):
        async with serve(room, "127.0.0.1", 0, tls=tls, authenticator=SUBJECTS) as server:
            url = f"wss://127.0.0.1:{server.port}"
            async with ChatClient.open(url, tls=showing(authority, authority, "web-1")) as client:
                assert (await client.echo(text="on")).text == "on"
            assert room.calls[0].identity.name == "the web server"
            with pytest.raises(ConnectFailed, match="401: the certificate is not good"):
                await ChatClient.connect(url, tls=showing(authority, authority, "web-2"))


async def test_a_certificate_of_another_authority_ends_tls(authority: trustme.CA, server_tls: ssl.SSLContext) -> None:
    tls = asking(server_tls, authority, ssl.CERT_REQUIRED)
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, tls=tls, authenticator=SUBJECTS) as server:
            with pytest.raises(ConnectFailed):
                await ChatClient.connect(
                    f"wss://127.0.0.1:{server.port}", tls=showing(trustme.CA(), authority, "web-1")
                )
            await until(lambda: not server.handshakes)
            assert not server.connections


async def test_where_none_has_to_be_shown_none_is_made_up(
    authority: trustme.CA, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    tls = asking(server_tls, authority, ssl.CERT_OPTIONAL)
    with anyio.fail_after(BOUND):
        async with serve(Room(), "127.0.0.1", 0, tls=tls, authenticator=SUBJECTS) as server:
            with pytest.raises(ConnectFailed, match="401: a client certificate is needed"):
                await ChatClient.connect(f"wss://127.0.0.1:{server.port}", tls=client_tls)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["hangs up", "answers"])
async def test_who_speaks_no_tls_is_said_to(answer: bytes) -> None:
    async def listen(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(answer)

    with anyio.fail_after(BOUND):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, listen)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            with pytest.raises(ConnectFailed, match=f"cannot connect to 127.0.0.1:{port}: no TLS was spoken there; if"):
                await ChatClient.connect(f"wss://127.0.0.1:{port}", limits=LIMITS)
            tasks.cancel_scope.cancel()


async def test_no_failure_of_tls_falls_back_to_plain(server_tls: ssl.SSLContext) -> None:
    """A token never leaves in the clear for a URL that says `wss`."""
    heard: list[bytes] = []

    async def listen(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while True:
                    heard.append(await stream.receive())
                    await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with anyio.fail_after(BOUND):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, listen)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            with pytest.raises(ConnectFailed, match="cannot connect"):
                await ChatClient.connect(f"wss://127.0.0.1:{port}", token="a-token-that-must-not-leave", limits=LIMITS)
            tasks.cancel_scope.cancel()
    assert heard
    assert all(data.startswith(b"\x16") for data in heard[:1]), "a TLS handshake"
    assert b"a-token-that-must-not-leave" not in b"".join(heard)
