"""How clients come back: what refusals and goodbyes ask of them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import formatdate
from time import time

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from tests.runtime.chat import ChatClient, ChatPeer
from tests.runtime.proxy import Proxy, proxied
from tests.runtime.support import Room, connection_of, serving

from duologue import CloseCode, ConnectFailed, Lifecycle, NotSent, Server, Token
from duologue.testing import Simulation

real_sockets = [pytest.mark.anyio, pytest.mark.usefixtures("quick_back_off")]


class Door:
    """Where a client of a server comes in, or is refused.

    Attributes:
        asked: When each refused handshake came.
    """

    def __init__(self, server: Server[ChatPeer], proxy: Proxy, refuser: int) -> None:
        self.asked: list[float] = []
        self.url = f"ws://127.0.0.1:{proxy.port}"
        self._server = server
        self._proxy = proxy
        self._refuser = refuser
        self._answers: deque[bytes] = deque()

    def close(self, *answers: bytes) -> None:
        """Answer the next handshakes so."""
        self._answers.extend(answers)
        self._proxy.target = self._refuser

    async def refuse(self, client: ChatClient, *answers: bytes) -> None:
        """Cut the connection, and answer the next handshakes so."""
        self.close(*answers)
        connection = connection_of(client)
        self._proxy.cut()
        await connection.until_closed()

    async def answer(self, stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            self.asked.append(anyio.current_time())
            answer = self._answers.popleft()
            if not self._answers:
                self._proxy.target = self._server.port
            await stream.send(b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % answer)


@asynccontextmanager
async def a_door() -> AsyncGenerator[tuple[Door, Server[ChatPeer]]]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with serving(Room()) as server, proxied(server.port) as proxy, listener:
        door = Door(server, proxy, listener.extra(SocketAttribute.local_port))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, door.answer)
            yield door, server
            tasks.cancel_scope.cancel()


class Tokens:
    """Gives a new token each time."""

    def __init__(self) -> None:
        self.given = 0

    async def __call__(self) -> str:
        self.given += 1
        return f"token-{self.given}"


UNAUTHORIZED = b"401 Unauthorized"


class TestCredentials:
    pytestmark = real_sockets

    async def test_a_token_is_asked_for_anew_when_one_is_refused(self) -> None:
        tokens = Tokens()
        async with a_door() as (door, _), ChatClient.open(door.url, token=tokens) as client:
            await door.refuse(client, UNAUTHORIZED)
            assert (await client.echo(text="on")).text == "on"
            assert tokens.given == 3

    async def test_a_second_refusal_in_a_row_stops_the_client(self) -> None:
        tokens = Tokens()
        async with (
            a_door() as (door, _),
            ChatClient.open(door.url, token=tokens) as client,
            client.events.said() as said,
        ):
            await door.refuse(client, UNAUTHORIZED, UNAUTHORIZED)
            with pytest.raises(NotSent, match=r"refuses the credentials.*401"):
                await client.echo(text="on")
            with pytest.raises(ConnectFailed) as caught:
                await anext(said)
            assert caught.value.status_code == 401
            assert tokens.given == 3

    @pytest.mark.parametrize("token", [None, "secret"])
    async def test_a_token_that_cannot_change_stops_it_at_once(self, token: Token | None) -> None:
        async with a_door() as (door, _), ChatClient.open(door.url, token=token) as client:
            await door.refuse(client, UNAUTHORIZED)
            with pytest.raises(NotSent, match=r"refuses the credentials.*401") as caught:
                await client.echo(text="on")
            assert isinstance(caught.value.__cause__, ConnectFailed), "why it has ended, and no cause of itself"
            assert caught.value.__cause__.status_code == 401
            assert len(door.asked) == 1

    async def test_a_connection_that_is_closed_for_its_credentials_is_made_anew_once(self) -> None:
        tokens = Tokens()
        async with a_door() as (door, server), ChatClient.open(door.url, token=tokens) as client:
            for _ in range(2):
                assert (await client.echo(text="on")).text == "on"
                connection = connection_of(client)
                server.connections[0].close(CloseCode.UNAUTHENTICATED, "expired")
                await connection.until_closed()
            with pytest.raises(NotSent, match=r"refuses the credentials.*4401 expired"):
                await client.echo(text="on")
            assert tokens.given == 2


class TestRetryAfter:
    pytestmark = real_sockets

    async def test_a_server_says_how_long_to_stay_away(self) -> None:
        async def stay_away(status: bytes) -> None:
            async with a_door() as (door, _), ChatClient.open(door.url) as client:
                await door.refuse(client, status + b"\r\nRetry-After: 1")
                assert (await client.echo(text="on")).text == "on"
                assert 1 <= anyio.current_time() - door.asked[0] < 3

        async with anyio.create_task_group() as tasks:
            for status in (b"503 Busy", b"429 Too Many Requests"):
                tasks.start_soon(stay_away, status)

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_or_until_when(self) -> None:
        async with a_door() as (door, _), ChatClient.open(door.url) as client:
            until = formatdate(time() + 2, usegmt=True).encode()  # whole seconds
            await door.refuse(client, b"503 Busy\r\nRetry-After: " + until)
            assert (await client.echo(text="on")).text == "on"
            assert 0.5 <= anyio.current_time() - door.asked[0] < 4

    @pytest.mark.parametrize("wish", ["soon", "-5", "1.5", "Wed, 99 Nov 2026 19:00:00 GMT", "\u0661"])
    async def test_what_cannot_be_understood_is_not_heard(self, wish: str) -> None:
        async with a_door() as (door, _), ChatClient.open(door.url) as client:
            await door.refuse(client, b"503 Busy\r\nRetry-After: " + wish.encode())
            assert (await client.echo(text="on", timeout=2)).text == "on"

    async def test_who_connects_for_the_first_time_is_told(self) -> None:
        async with a_door() as (door, _):
            door.close(b"503 Busy\r\nRetry-After: 7")
            with pytest.raises(ConnectFailed) as caught:
                async with ChatClient.open(door.url):
                    pass
            assert (caught.value.status_code, caught.value.close_code, caught.value.retry_after) == (503, None, 7)


class TestClosing:
    pytestmark = real_sockets

    async def test_a_client_that_is_closed_between_two_attempts_makes_no_other(self) -> None:
        async with a_door() as (door, _), ChatClient.open(door.url) as client:
            await door.refuse(client, *[b"503 Busy"] * 1000)
            await client.aclose()
            await anyio.sleep(0.02)  # an attempt that was under way
            attempts = len(door.asked)
            await anyio.sleep(0.2)
            assert len(door.asked) == attempts


# -------------------------------------------------------------------------------------------------- in virtual time
async def returns(simulation: Simulation, count: int, reconnect_in: float | None) -> list[float]:
    """Stop a server gracefully and start another at once; when each of its clients is connected again."""
    connected: list[float] = []
    async with simulation.serving(Room(), 1) as host, AsyncExitStack() as stack:
        lifecycle = Lifecycle(connected=lambda: connected.append(simulation.now()))
        for _ in range(count):
            await stack.enter_async_context(ChatClient.open(host.url, lifecycle=lifecycle))
        await host.server.aclose(reconnect_in=reconnect_in)
        stopped = simulation.now()
        await host.stop()
        await host.start(Room())
        await anyio.sleep(90)
    return sorted(at - stopped for at in connected[count:])


@pytest.mark.duologue_seeds(1)
async def test_clients_spread_their_return_as_a_server_asks(simulation: Simulation) -> None:
    after = await returns(simulation, 100, reconnect_in=60.0)
    assert len(after) == 100
    assert 50 < after[-1] <= 60 + 1
    quarters = [sum(15 * n <= at < 15 * (n + 1) for at in after) for n in range(4)]
    assert min(quarters) >= 10, "all times are about equally likely"


@pytest.mark.duologue_seeds(2)
async def test_few_clients_come_back_at_once(simulation: Simulation) -> None:
    after = await returns(simulation, 10, reconnect_in=None)
    assert len(after) == 10
    assert after[-1] < 2


@pytest.mark.duologue_seeds(2)
async def test_a_client_that_is_closed_again_and_again_for_passing_a_limit_backs_off(simulation: Simulation) -> None:
    connections = 0

    def pass_a_limit() -> None:
        nonlocal connections
        connections += 1

    async with simulation.serving(Room(), 1) as host:
        async with ChatClient.open(host.url, lifecycle=Lifecycle(connected=pass_a_limit)):
            while simulation.now() < 600:
                for connection in host.server.connections:
                    connection.close(CloseCode.POLICY, "too much")
                await anyio.sleep(0.5)
    assert 20 < connections < 80, "some ten minutes of pauses of up to half a minute"


@pytest.mark.duologue_seeds(2, delay=(0.5, 0.5))
async def test_subscriptions_are_renewed_at_once(simulation: Simulation) -> None:
    told: list[float] = []
    lifecycle = Lifecycle(
        connected=lambda: told.append(simulation.now()), resumed=lambda: told.append(simulation.now())
    )
    async with simulation.serving(Room(), 1) as host, AsyncExitStack() as stack:
        client = await stack.enter_async_context(ChatClient.open(host.url, lifecycle=lifecycle))
        for _ in range(60):
            await stack.enter_async_context(client.events.said())
        simulation.network.cut()
        await anyio.sleep(60)
        _, connected, resumed = told
        assert resumed - connected < 1.1, "in the time of one call, not of sixty"
