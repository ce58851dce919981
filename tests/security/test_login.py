"""Login by first message, for browsers: a budget of one message, and nothing is served before it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from tests.runtime.support import until
from tests.security.raw import UPGRADE
from tests.security.sdk import vault
from tests.security.vaults import World, on_sockets, token_of
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from duologue import ConnectFailed, Limits
from duologue.connection import connection

pytestmark = pytest.mark.anyio

GOOD = token_of("editor")

BRIEF = Limits(close=0.1)
"""A browser that is told to close does not, here: the server waits for that before it forgets it."""


class Browser:
    """A WebSocket that sends no header of its own but an origin."""

    def __init__(self, stream: anyio.abc.ByteStream, protocol: ClientProtocol) -> None:
        self.stream = stream
        self.protocol = protocol
        self.heard: list[Any] = []
        self.queue: list[Frame] = []

    async def say(self, message: object) -> None:
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.protocol.send_text(text)
        await self.stream.send(b"".join(self.protocol.data_to_send()))

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        frame = await self.next_frame()
        assert frame.opcode is Opcode.TEXT, frame
        heard: dict[str, Any] = json.loads(bytes(frame.data))
        return heard

    async def closed(self) -> Close:
        """How the server ends it."""
        while (frame := await self.next_frame()).opcode is not Opcode.CLOSE:
            self.heard.append(json.loads(bytes(frame.data)))
        return Close.parse(bytes(frame.data))

    async def next_frame(self) -> Frame:
        while True:
            for event in self.protocol.events_received():
                if isinstance(event, Frame):
                    self.queue.append(event)
            if self.queue:
                return self.queue.pop(0)
            self.protocol.receive_data(await self.stream.receive())


@asynccontextmanager
async def browsing(
    *, extensions: bool = False, login: str | None = "first_message", **options: Any
) -> AsyncGenerator[tuple[World, Browser]]:
    """A server that lets browsers log in, and a browser."""
    async with (
        on_sockets(login=login, origins=["https://example.org"], **options) as world,
        await anyio.connect_tcp("127.0.0.1", world.server.port) as stream,
    ):
        offered = [Subprotocol("duologue.v1")] if extensions else None
        protocol = ClientProtocol(parse_uri(world.url), origin="https://example.org", subprotocols=offered)  # type: ignore[arg-type]
        protocol.send_request(protocol.connect())
        await stream.send(b"".join(protocol.data_to_send()))
        browser = Browser(stream, protocol)
        while not (events := protocol.events_received()):
            protocol.receive_data(await stream.receive())
        browser.queue.extend(event for event in events if isinstance(event, Frame))
        yield world, browser


def authenticate(token: str = GOOD, **more: Any) -> dict[str, Any]:
    return {"id": "1", "action": "authenticate", "params": {"token": token, **more}}


async def test_the_first_message_logs_in() -> None:
    async with browsing() as (world, browser):
        assert (world.server.handshakes, world.server.connections) == (1, [])
        await browser.say(authenticate())
        assert await browser.hear() == {"id": "1", "data": {"identity": "editor"}, "error": None}
        await browser.say({"id": "2", "action": "store", "params": {}})
        assert (await browser.hear())["data"] == "editor 1"
        await browser.say({"id": "3", "action": "wipe", "params": {}})
        assert (await browser.hear())["error"]["status"] == "permission_denied"
        [connected] = world.server.connections
        assert connected.identity.name == "editor"
        assert world.server.handshakes == 0


async def test_with_the_extensions_the_hellos_follow() -> None:
    async with browsing(extensions=True) as (_, browser):
        await browser.say(authenticate())
        assert (await browser.hear())["data"] == {"identity": "editor"}
        assert "hello" in await browser.hear()
        hello = {"protocol": "vault", "version": "1.0.0", "api": 1, "session": "s", "gen": 1}
        await browser.say({"hello": hello})
        await browser.say({"id": "2", "action": "follow", "params": {"upto": 1}, "credit": 5})
        assert (await browser.hear())["item"] == 0


async def test_it_is_told_for_how_long() -> None:
    async with browsing() as (world, browser):
        world.people.grant("editor", expires_at=datetime.now(UTC) + timedelta(seconds=60))
        await browser.say(authenticate())
        assert 50_000 < (await browser.hear())["data"]["expires_in"] <= 60_000


@pytest.mark.parametrize(
    "first",
    [
        {"id": "1", "action": "ping", "params": {}},
        {"id": "1", "action": "subscribe", "params": {"events": ["noise"]}},
        {"id": "1", "action": "authenticate"},
        {"id": "1", "action": "authenticate", "params": {"token": 7}},
        authenticate(more=1),
        {"action": "authenticate", "params": {"token": GOOD}},
        {"event": "waved", "data": {"name": "a"}},
        {"hello": {"protocol": "vault", "version": "1.0.0", "api": 1, "session": "s", "gen": 1}},
        b"no JSON",
        b"\xff",
    ],
    ids=str,
)
async def test_nothing_else_is_served_before_it(first: object, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(connection, "Session", made.append)
    async with browsing() as (world, browser):
        if first == b"\xff":
            browser.protocol.send_text(b"\xff")
            await browser.stream.send(b"".join(browser.protocol.data_to_send()))
        else:
            await browser.say(first)
        assert (await browser.closed()).code == 4401
        assert browser.heard == []
        assert not world.service.asked
        assert made == []
        assert world.people.asked == 0


async def test_a_binary_message_is_none() -> None:
    async with browsing() as (_, browser):
        browser.protocol.send_binary(b"\x01")
        await browser.stream.send(b"".join(browser.protocol.data_to_send()))
        assert (await browser.closed()).code == 4401


async def test_a_bad_token_is_told_and_closes() -> None:
    async with browsing(limits=BRIEF) as (world, browser):
        await browser.say(authenticate("bad-and-not-to-be-told"))
        assert (await browser.closed()).code == 4401
        [answer] = browser.heard
        assert (answer["id"], answer["error"]["status"]) == ("1", "unauthenticated")
        assert "not-to-be-told" not in str(answer)
        await until(lambda: not world.server.handshakes)


async def test_one_message_is_all_until_it_is_answered() -> None:
    async with browsing(limits=BRIEF) as (world, browser):
        world.people.slow = anyio.Event()
        await browser.say(authenticate())
        await browser.say({"id": "2", "action": "ping", "params": {}})
        assert (await browser.closed()).code == 4401
        world.people.slow.set()
        await until(lambda: not world.server.handshakes)
        assert not world.service.asked


async def test_who_is_refused_when_it_is_closed_already_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with browsing(limits=BRIEF) as (world, browser):
        world.people.slow = anyio.Event()
        await browser.say(authenticate("bad"))
        await browser.say({"id": "2", "action": "ping", "params": {}})
        assert (await browser.closed()).code == 4401
        world.people.slow.set()
        await until(lambda: not world.server.handshakes)
    assert "Traceback" not in caplog.text


async def test_its_size_has_a_bound() -> None:
    async with browsing() as (world, browser):
        await browser.say(authenticate("x" * 5000))
        assert (await browser.closed()).code == 1009
        assert world.people.asked == 0


async def test_what_follows_may_be_as_large_as_ever() -> None:
    async with browsing() as (_, browser):
        await browser.say(authenticate())
        await browser.hear()
        await browser.say({"id": "2", "action": "look", "params": {"name": "x" * 100_000}})
        assert (await browser.hear())["data"] == "editor"


async def test_it_has_to_come_in_time() -> None:
    async with browsing(limits=Limits(handshake=0.3, close=0.1)) as (world, browser):
        started = anyio.current_time()
        assert (await browser.closed()).code == 4401
        assert 0.2 < anyio.current_time() - started < 3
        await until(lambda: not world.server.handshakes)


async def test_who_logged_in_is_not_closed_for_the_time_of_the_login() -> None:
    async with browsing(limits=Limits(handshake=0.2)) as (_, browser):
        await browser.say(authenticate())
        await browser.hear()
        await anyio.sleep(0.4)
        await browser.say({"id": "2", "action": "ping", "params": {}})
        assert (await browser.hear())["data"] == "editor"


async def test_an_identity_s_connections_have_a_bound_here_too() -> None:
    async with browsing(limits=Limits(connections_per_identity=1)) as (world, browser):
        async with world.client("editor"):
            await browser.say(authenticate())
            assert (await browser.closed()).code == 1008, "its token is as good as before"
            assert browser.heard[0]["error"]["status"] == "resource_exhausted"


async def test_a_token_in_the_handshake_is_taken_as_ever() -> None:
    async with on_sockets(login="first_message") as world:
        async with world.client("owner") as client:
            assert await client.ping() == "owner"
        with pytest.raises(ConnectFailed, match="401"):
            async with vault.VaultClient.open(world.url, token="x"):
                pass


async def test_a_header_that_is_no_token_is_not_no_header() -> None:
    async with on_sockets(login="first_message") as world:
        async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
            await stream.send((UPGRADE.format(path="/") + "Authorization: Basic abc\r\n\r\n").encode())
            assert (await stream.receive()).startswith(b"HTTP/1.1 401")


async def test_where_it_is_not_allowed_there_is_no_connection_without_a_token() -> None:
    async with on_sockets() as world:
        async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
            await stream.send((UPGRADE.format(path="/") + "\r\n").encode())
            assert (await stream.receive()).startswith(b"HTTP/1.1 401")


async def test_a_browser_that_goes_leaves_nothing() -> None:
    async with browsing() as (world, browser):
        await until(lambda: world.server.handshakes)
        await browser.stream.aclose()
        await until(lambda: not world.server.handshakes)


async def test_a_server_that_stops_waits_for_no_login() -> None:
    async with browsing() as (world, browser):
        started = anyio.current_time()
        await world.server.aclose()
        assert anyio.current_time() - started < 2
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError, AssertionError)):
            await browser.hear()


async def test_another_login_is_none() -> None:
    with pytest.raises(ValueError, match="'first_mesage': it is None, or one of first_message"):
        async with on_sockets(login="first_mesage"):
            pass
