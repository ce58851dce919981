"""Who is behind a proxy: what a trusted one says counts, what anybody else says does not."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anyio
import pytest
from anyio.abc import TaskStatus
from tests.runtime.watchers import Notes
from tests.security.raw import UPGRADE, ask
from tests.security.vaults import Vault, on_sockets, token_of
from websockets.datastructures import Headers
from websockets.http11 import Request

from duologue import Credentials, Identity, InvalidArgument, Limits, LogObserver, Server
from duologue.access.proxies import Proxies

SIGNED_IN = f"Authorization: Bearer {token_of('owner')}"
HERE = ["127.0.0.0/8"]


def client_of(trusted: Sequence[str], address: str, *headers: str) -> str:
    request = Request("/", Headers([("X-Forwarded-For", header) for header in headers]))
    return Proxies(trusted).client_of(address, request)


@pytest.mark.parametrize(
    ("trusted", "headers", "found"),
    [
        ([], ["192.0.2.1"], "10.0.0.1"),
        (["10.0.0.2"], ["192.0.2.1"], "10.0.0.1"),
        (["10.0.0.1"], [], "10.0.0.1"),
        (["10.0.0.1"], ["192.0.2.1"], "192.0.2.1"),
        (["10.0.0.1"], ["198.51.100.7, 192.0.2.1"], "192.0.2.1"),
        (["10.0.0.1"], ["anything at all, 192.0.2.1"], "192.0.2.1"),
        (["10.0.0.1"], ["198.51.100.7", "192.0.2.1"], "192.0.2.1"),
        (["10.0.0.0/8"], ["198.51.100.7, 192.0.2.1, 10.0.0.9"], "192.0.2.1"),
        (["10.0.0.0/8"], ["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        (["10.0.0.1"], ["192.0.2.1:4711"], "192.0.2.1"),
        (["10.0.0.1"], ["[2001:db8::1]:4711"], "2001:db8::1"),
        (["10.0.0.1"], ["2001:db8::1"], "2001:db8::1"),
        (["10.0.0.1"], ["2001:0db8:0::1"], "2001:db8::1"),
        (["10.0.0.1"], ["::ffff:192.0.2.1"], "192.0.2.1"),
        (["10.0.0.1"], ["fe80::1%x"], "fe80::1"),
        (["10.0.0.1", "fe80::1"], ["192.0.2.1, fe80::1%eth0"], "192.0.2.1"),
        (["10.0.0.1"], [" , ,192.0.2.1, "], "192.0.2.1"),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours_is_the_client(
    trusted: list[str], headers: list[str], found: str
) -> None:
    assert client_of(trusted, "10.0.0.1", *headers) == found


@pytest.mark.parametrize("header", ["unknown", "_hidden", "192.0.2.1, x", "1.2.3", "[", "a:b:c", "192.0.2.1%x"])
def test_a_trusted_proxy_that_names_no_address_is_told(header: str) -> None:
    with pytest.raises(InvalidArgument, match="X-Forwarded-For names what is no address"):
        client_of(["10.0.0.1"], "10.0.0.1", header)


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "10.0.0.0/64", "*", ""])
def test_what_is_no_address_cannot_be_trusted(text: str) -> None:
    with pytest.raises(ValueError, match=r"proxies: .*; one looks like"):
        Proxies([text])


@pytest.mark.anyio
async def test_proxies_are_a_list() -> None:
    with pytest.raises(TypeError, match=r"write proxies=\['127.0.0.1'\]"):
        await Server.bind("127.0.0.1:0", Vault(), proxies="127.0.0.1")


class Noting:
    """Lets everybody in, and keeps where they come from."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    async def authenticate(self, credentials: Credentials) -> Identity:
        self.addresses.append(credentials.address)
        return Identity(name="owner")


@pytest.mark.anyio
@pytest.mark.parametrize(("proxies", "address"), [([], "127.0.0.1"), (HERE, "192.0.2.1")])
async def test_authenticators_see_the_client(proxies: list[str], address: str) -> None:
    noting = Noting()
    async with on_sockets(noting, proxies=proxies) as world:
        assert (await ask(world, SIGNED_IN, "X-Forwarded-For: 192.0.2.1")).status == 101
        assert noting.addresses == [address]


@pytest.mark.anyio
@pytest.mark.parametrize(("proxies", "address"), [([], "127.0.0.1"), (HERE, "192.0.2.1")])
async def test_observers_and_the_log_are_told_of_the_client(
    proxies: list[str], address: str, caplog: pytest.LogCaptureFixture
) -> None:
    notes = Notes()
    caplog.set_level(logging.INFO, "duologue")
    async with on_sockets(proxies=proxies, observers=[notes, LogObserver()]) as world:
        assert (await ask(world, SIGNED_IN, "X-Forwarded-For: 192.0.2.1")).status == 101
        [(connection,)] = notes.of("opened")
        assert (connection.peer_address, connection.network_address) == (address, "127.0.0.1")
    [opened] = [message for message in caplog.messages if message.startswith("connection opened")]
    assert f"peer={address}" in opened


@pytest.mark.anyio
async def test_a_proxy_that_names_no_address_is_answered_with_400() -> None:
    async with on_sockets(proxies=HERE) as world:
        answer = await ask(world, SIGNED_IN, "X-Forwarded-For: unknown")
        assert (answer.status, answer.body) == (400, "X-Forwarded-For names what is no address\n")
        assert world.people.asked == 0


@pytest.mark.anyio
async def test_connections_are_counted_for_each_client_of_a_proxy() -> None:
    async with on_sockets(proxies=HERE, limits=Limits(connections_per_address=1)) as world:

        async def status(client: str) -> int:
            return (await ask(world, SIGNED_IN, f"X-Forwarded-For: {client}")).status

        async def stay(client: str, *, task_status: TaskStatus[None]) -> None:
            async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
                request = f"{UPGRADE.format(path='/')}{SIGNED_IN}\r\nX-Forwarded-For: {client}\r\n\r\n"
                await stream.send(request.encode())
                await stream.receive()
                task_status.started()
                await anyio.sleep_forever()

        async with anyio.create_task_group() as tasks:
            await tasks.start(stay, "192.0.2.1")
            assert await status("192.0.2.1") == 429
            assert await status("192.0.2.2") == 101
            tasks.cancel_scope.cancel()
        assert "127.0.0.1" not in world.server._admission.addresses._present
