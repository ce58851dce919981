"""Topics on one connection, each with a variable of its own that all of its messages repeat, as Phoenix has them."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Call, CallOptions

pytestmark = pytest.mark.anyio
phoenix: Any = sdk("phoenix")
PATH = "/socket/websocket?vsn=2.0.0"


class Channels(phoenix.PhoenixService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.typing: list[Any] = []

    async def heartbeat(self, call: Call[Any], params: Any) -> None: ...
    async def phx_leave(self, call: Call[Any], params: Any) -> None: ...

    async def phx_join(self, call: Call[Any], params: Any) -> None:
        if call.route == "room:secret":
            raise phoenix.Unauthorized("not you")

    async def shout(self, call: Call[Any], params: Any) -> Any:
        await call.connection.notify(phoenix.NewMsg(body=params.body.upper()), route=call.route)
        return phoenix.ShoutResult(count=1)

    async def on_typing(self, call: Call[Any], event: Any) -> None:
        self.typing.append(call.route)


def topic(name: str) -> CallOptions:
    return CallOptions(route=name)


async def say(peer: Raw, *message: Any) -> None:
    await peer.say_text(json.dumps(message).encode())


async def hear(peer: Raw) -> Any:
    return await peer.hear()


def ok(join: str | None, ref: str, name: str, response: Any = None) -> list[Any]:
    return [join, ref, name, "phx_reply", {"status": "ok", "response": response or {}}]


async def test_both_ends_keep_what_a_topic_began_with() -> None:
    channels = Channels()
    async with (
        serving(channels) as server,
        phoenix.PhoenixClient.open(url(server.port), token="T") as client,
        client.events.new_msg().on("room:b") as messages,
    ):
        await client.phx_join(options=topic("room:a"))
        await client.phx_join(nick="ada", options=topic("room:b"))
        assert (await client.shout(body="a", options=topic("room:a"))).count == 1
        assert (await client.shout(body="b", options=topic("room:b"))).count == 1
        assert (await anext(messages)).body == "B"
        with pytest.raises(phoenix.Unauthorized):
            await client.phx_join(options=topic("room:secret"))
        await client.notify(phoenix.Typing(), route="room:b")
        await client.heartbeat()
        assert channels.typing == ["room:b"]


async def test_a_server_frames_as_others_do() -> None:
    async with serving(Channels()) as server, raw_client(server.port, [], PATH) as client:
        await say(client, None, "1", "phoenix", "heartbeat", {})
        assert await hear(client) == ok(None, "1", "phoenix")
        await say(client, "2", "2", "room:a", "phx_join", {"nick": "ada"})
        assert await hear(client) == ok("2", "2", "room:a")
        await say(client, "3", "3", "room:b", "phx_join", {})
        assert await hear(client) == ok("3", "3", "room:b")
        await say(client, "2", "4", "room:a", "shout", {"body": "x"})
        assert await hear(client) == ["2", None, "room:a", "new_msg", {"body": "X"}]
        assert await hear(client) == ok("2", "4", "room:a", {"count": 1})
        await say(client, "3", "5", "room:b", "nothing", {})
        told = {"status": "error", "response": {"reason": "unmatched topic"}}
        assert await hear(client) == ["3", "5", "room:b", "phx_reply", told]
        await server.emit(phoenix.NewMsg(body="to all"))
        assert await hear(client) == [None, None, "phoenix", "new_msg", {"body": "to all"}]


async def test_a_client_frames_as_others_do() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        assert server.request is not None
        heard.append(server.request.path)
        for _ in range(4):
            heard.append(await hear(server))
            join, ref, name, kind, _ = heard[-1]
            if kind == "shout":
                await say(server, join, None, name, "new_msg", {"body": "x"})
                await say(server, *ok(join, ref, name, {"count": 2}))
            else:
                await say(server, *ok(join, ref, name))
        heard.append(await hear(server))
        await say(server, None, None, "other", "presence_diff", {"joins": {}})
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with (
            raw_server(handle, []) as port,
            phoenix.PhoenixClient.open(url(port), token="T") as client,
            client.events.new_msg() as messages,
            client.undeclared() as others,
        ):
            await client.heartbeat()
            await client.phx_join(options=topic("room:a"))
            assert (await client.shout(body="a", options=topic("room:a"))).count == 2
            assert (await anext(messages)).body == "x"
            await client.phx_join(nick="ada", options=topic("room:a"))
            await client.notify(phoenix.Typing(), route="room:a")
            assert (await anext(others)).name == "presence_diff"
    assert heard == [
        "/socket/websocket?vsn=2.0.0&token=T",
        [None, "1", "phoenix", "heartbeat", {}],
        ["2", "2", "room:a", "phx_join", {}],
        ["2", "3", "room:a", "shout", {"body": "a"}],
        ["4", "4", "room:a", "phx_join", {"nick": "ada"}],
        ["4", None, "room:a", "typing", {}],
    ]
