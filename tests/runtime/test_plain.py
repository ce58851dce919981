"""A client that knows only the three JSON shapes of ADR-008: `websockets` and `json`, nothing of this project."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from tests.runtime.chat import ChatPeer, Said, Topic, Typing
from tests.runtime.support import Room, serving, until, url_of
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Subprotocol

from duologue import Server

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@asynccontextmanager
async def plain(
    room: Room | None = None, offer: Sequence[str] = ()
) -> AsyncGenerator[tuple[Server[ChatPeer], ClientConnection]]:
    offered = [Subprotocol(name) for name in offer] or None
    async with serving(room or Room()) as server, connect(url_of(server), proxy=None, subprotocols=offered) as client:
        yield server, client


async def say(client: ClientConnection, **message: Any) -> None:
    await client.send(json.dumps(message))


async def hear(client: ClientConnection) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(await client.recv())
    return heard


async def ask(client: ClientConnection, **message: Any) -> dict[str, Any]:
    await say(client, **message)
    return await hear(client)


@pytest.mark.parametrize("offer", [[], ["graphql-ws"], ["graphql-ws", "chat.v9"]])
async def test_the_three_shapes_are_all_it_takes(offer: list[str]) -> None:
    async with plain(offer=offer) as (server, client):
        assert client.subprotocol is None
        answer = await ask(client, id="1", action="echo", params={"text": "hi", "times": 2})
        assert answer == {"id": "1", "data": {"text": "hihi", "mood": "calm"}, "error": None}

        answer = await ask(client, id="2", action="subscribe", params={"events": ["said"]})
        assert (answer["id"], answer["error"]) == ("2", None)
        await server.emit(Said(room="a", text="hello"))
        assert await hear(client) == {"event": "said", "data": {"room": "a", "text": "hello", "number": 0}}

        answer = await ask(client, id="3", action="sing", params={})
        assert (answer["id"], answer["data"]) == ("3", None)
        assert answer["error"]["code"] == "unimplemented"
        assert "sing" in answer["error"]["message"]

        answer = await ask(client, id="4", action="unsubscribe", params={"events": ["said"]})
        assert answer["error"] is None
        await server.emit(Said(room="a", text="unheard"))
        answer = await ask(client, id="5", action="echo", params={"text": "on"})
        assert answer["id"] == "5"


async def test_params_may_be_left_out_and_unknown_members_are_ignored() -> None:
    async with plain() as (_, client):
        answer = await ask(client, id="1", action="echo", colour="blue")
        assert answer["error"]["code"] == "invalid_argument"
        answer = await ask(client, id="1", action="echo", params={"text": "hi"}, colour="blue")
        assert answer["data"]["text"] == "hi"


async def test_a_declared_error_has_its_members() -> None:
    async with plain() as (_, client):
        answer = await ask(client, id="1", action="echo", params={"text": "none"})
        assert answer == {
            "id": "1",
            "data": None,
            "error": {
                "code": "no_room",
                "status": "not_found",
                "message": "No room is called attic.",
                "details": {"room": "attic"},
            },
        }


async def test_subscriptions_add_up_and_states_come_at_once() -> None:
    async with plain() as (server, client):
        await server.emit(Topic(room="a", from_="me", text="now"))
        await ask(client, id="1", action="subscribe", params={"events": ["topic"]})
        assert await hear(client) == {"event": "topic", "data": {"room": "a", "from": "me", "text": "now"}}
        await ask(client, id="2", action="subscribe", params={"events": ["typing"]})
        await server.emit(Typing(who="me"))
        await server.emit(Topic(room="a", from_="me", text="later"))
        assert [(await hear(client))["event"] for _ in range(2)] == ["typing", "topic"]
        await ask(client, id="3", action="unsubscribe", params={"events": ["topic"]})
        await server.emit(Topic(room="a", from_="me", text="unheard"))
        await server.emit(Typing(who="you"))
        assert (await hear(client))["data"] == {"who": "you"}


async def test_what_is_no_message_costs_nothing_else() -> None:
    async with plain() as (_, client):
        for text, id in (
            ("hello", None),
            ("{}", None),
            ("[1,2]", None),
            ('{"id":"7"}', None),
            ('{"id":5,"action":"echo"}', None),
            ('{"id":"8","action":5}', "8"),
            ('{"id":"9","action":"echo","params":' + "[" * 100 + "]" * 100 + "}", "9"),
            ('{"id":"10","action":"echo","params":{"text":NaN}}', None),
        ):
            await client.send(text)
            answer = await hear(client)
            assert answer["error"]["code"] == "invalid_argument", text
            assert answer["id"] in (id, None), text
        assert (await ask(client, id="1", action="echo", params={"text": "on"}))["data"]["text"] == "on"


async def test_an_id_that_is_in_flight_already_ends_the_connection() -> None:
    room = Room()
    async with plain(room) as (_, client):
        for _ in range(2):
            await say(client, id="1", action="nap", params={"seconds": 10})
        with pytest.raises(ConnectionClosedError) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 4400
        await until(lambda: not room.running)


async def test_a_binary_message_ends_the_connection() -> None:
    async with plain() as (_, client):
        await client.send(b"\x00\x01")
        with pytest.raises(ConnectionClosedError) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1003


async def test_our_subprotocol_is_chosen_among_others_and_says_hello() -> None:
    async with plain(offer=["graphql-ws", "duologue.v1"]) as (server, client):
        assert client.subprotocol == "duologue.v1"
        hello = (await hear(client))["hello"]
        assert (hello["protocol"], hello["version"], hello["api"], hello["gen"]) == ("chat", "1.0.0", 1, 0)
        assert hello["limits"] == {"frame": 1024 * 1024, "in_flight": 256, "window": 64}
        mine = {"protocol": "chat", "version": "1.9.0", "api": 1, "session": "s", "gen": 1}
        await say(client, hello=mine)
        answer = await ask(client, id="1", action="subscribe", params={"events": ["said"], "sub": "a"})
        assert answer["data"]["sub"] == "a"
        assert (await hear(client))["live"]["seq"] == 0
        await server.emit(Said(room="a", text="hello"))
        assert (await hear(client))["seq"] == 1


async def test_another_protocol_is_told_so() -> None:
    async with plain(offer=["duologue.v1"]) as (_, client):
        await hear(client)
        await say(client, hello={"protocol": "chess", "version": "2", "api": 1, "session": "s", "gen": 1})
        with pytest.raises(ConnectionClosedError, match="not chess 2"):
            await client.recv()


UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"

NO_HANDSHAKES = {
    "curl": (b"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n", b"426"),
    "another upgrade": (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b"426"),
    "no key": (UPGRADE + b"\r\n", b"400"),
    "wrong key": (UPGRADE + b"Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n", b"400"),
    "old version": (
        UPGRADE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n",
        b"400",
    ),
    "POST": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", b"4"),
    "too many headers": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"4"),
    "no HTTP": (b"hello\r\n\r\n", b""),
}


@pytest.mark.parametrize("case", NO_HANDSHAKES)
async def test_what_is_no_handshake_gets_an_answer_of_http(case: str) -> None:
    request, status = NO_HANDSHAKES[case]
    async with serving(Room()) as server, await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        await stream.send(request)
        answer = b""
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while True:
                answer += await stream.receive()
        assert answer.startswith(b"HTTP/1.1 " + status if status else b""), answer[:100]
        assert b"Traceback" not in answer
        await until(lambda: not server.connections)
