"""First answers that are not the result, and params beside the envelope's own members, as a media gateway has them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.runtime.support import until
from tests.wires.support import BOUND, sdk, serving, url
from websockets.exceptions import ConnectionClosed

from duologue import Call, CallOptions

pytestmark = pytest.mark.anyio
janus: Any = sdk("janus")


class Gateway(janus.JanusService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.sessions: list[Any] = []
        self.kept_alive = anyio.Event()

    async def create(self, call: Call[Any], params: Any) -> Any:
        return janus.CreateResult(id=77)

    async def attach(self, call: Call[Any], params: Any) -> Any:
        self.sessions.append(call.route)
        return janus.AttachResult(id=5)

    async def message(self, call: Call[Any], params: Any) -> Any:
        if params.handle_id != 5:
            raise janus.NoSuchHandle
        await call.connection.notify(janus.Webrtcup(sender=params.handle_id), route=call.route)
        return {"heard": params.body}

    async def keepalive(self, call: Call[Any], params: Any) -> None:
        self.sessions.append(call.route)
        self.kept_alive.set()


async def test_both_ends_keep_a_session() -> None:
    gateway = Gateway()
    async with (
        serving(gateway) as server,
        janus.JanusClient.open(url(server.port)) as client,
        client.events.webrtcup() as up,
    ):
        assert (await client.attach(plugin="echo")).id == 5
        assert await client.message(handle_id=5, body={"a": 1}) == {"heard": {"a": 1}}
        assert ((await anext(up)).sender, up.route) == (5, 77)
        with pytest.raises(janus.NoSuchHandle):
            await client.message(handle_id=6, body={})
        await gateway.kept_alive.wait()
        await client.keepalive(options=CallOptions(route=78))
    assert {*gateway.sessions} == {77, 78}


async def test_a_server_acknowledges_before_it_answers() -> None:
    async with serving(Gateway()) as server, raw_client(server.port, ["janus-protocol"]) as client:
        await client.say({"janus": "create", "transaction": "t0"})
        assert await client.hear() == {"janus": "success", "transaction": "t0", "data": {"id": 77}}
        await client.say(
            {"janus": "message", "transaction": "t1", "session_id": 77, "handle_id": 5, "body": {"x": [1, None]}}
        )
        assert await client.hear() == {"janus": "ack", "transaction": "t1", "session_id": 77}
        assert await client.hear() == {"janus": "webrtcup", "session_id": 77, "sender": 5}
        assert await client.hear() == {
            "janus": "event",
            "transaction": "t1",
            "session_id": 77,
            "plugindata": {"data": {"heard": {"x": [1, None]}}},
        }
        await client.say({"janus": "message", "transaction": "t2", "session_id": 77, "handle_id": 6, "body": {}})
        assert (await client.hear())["janus"] == "ack"
        assert await client.hear() == {
            "janus": "error",
            "transaction": "t2",
            "session_id": 77,
            "error": {"code": 459, "reason": "no such handle"},
        }


async def test_a_first_answer_that_settles_is_the_only_one() -> None:
    gateway = Gateway()
    async with serving(gateway) as server, raw_client(server.port, ["janus-protocol"]) as client:
        await client.say({"janus": "keepalive", "transaction": "t0", "session_id": 77})
        assert await client.hear() == {"janus": "ack", "transaction": "t0", "session_id": 77}
        assert gateway.kept_alive.is_set()
        await client.say({"janus": "keepalive", "transaction": "t1", "session_id": 77, "unheard-of": 1})
        assert (await client.hear())["error"]["code"] == 456
        await client.say({"janus": "create", "transaction": "t2"})
        assert (await client.hear())["transaction"] == "t2"


async def test_a_keepalive_that_fails_is_told_and_the_next_one_follows(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        await server.hear()
        await server.say({"janus": "success", "transaction": "1", "data": {"id": 9}})
        for _ in range(2):
            heard.append(await server.hear())
            error = {"code": 458, "reason": "no such session"}
            await server.say({"janus": "error", "transaction": heard[-1]["transaction"], "error": error})
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with raw_server(handle, ["janus-protocol"]) as port, janus.JanusClient.open(url(port)):
            await until(lambda: caplog.text.count("keepalive keepalive failed: no such session") == 2)
    assert [message["janus"] for message in heard] == ["keepalive", "keepalive"]


async def test_a_client_waits_for_the_final_answer() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        heard.append(await server.hear())
        await server.say({"janus": "success", "transaction": "1", "data": {"id": 9}})
        said: dict[str, Any] = {}
        while said.get("janus") != "message":
            said = await server.hear()
            if said["janus"] == "keepalive":
                await server.say({"janus": "ack", "transaction": said["transaction"], "session_id": 9})
        heard.append(said)
        id = said["transaction"]
        await server.say({"janus": "ack", "transaction": id, "session_id": 9})
        await server.say({"janus": "slowlink", "session_id": 9, "sender": 5, "uplink": True, "more": {}})
        await server.say({"janus": "unheard-of", "session_id": 9, "x": 1})
        await server.say({"janus": "event", "transaction": id, "sender": 5, "plugindata": {"data": {"ok": 1}}})
        with suppress(ConnectionClosed):
            while True:
                said = await server.hear()
                await server.say({"janus": "ack", "transaction": said["transaction"], "session_id": 9})

    async with (
        raw_server(handle, ["janus-protocol"]) as port,
        janus.JanusClient.open(url(port)) as client,
        client.events.slowlink() as slow,
        client.undeclared() as undeclared,
    ):
        with anyio.fail_after(BOUND):
            assert await client.message(handle_id=5, body={"b": 2}) == {"ok": 1}
            event = await anext(slow)
            assert (event.uplink, event.lost, slow.route) == (True, None, 9)
            other = await anext(undeclared)
            assert (other.name, other.data, other.route) == ("unheard-of", {"x": 1}, 9)
            await client.keepalive()
    assert heard[0] == {"janus": "create", "transaction": "1"}
    told = heard[1]
    assert told == {
        "janus": "message",
        "transaction": told["transaction"],
        "session_id": 9,
        "handle_id": 5,
        "body": {"b": 2},
    }
