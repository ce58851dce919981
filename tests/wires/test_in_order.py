"""Calls without ids: answers are matched by their order, or by the name of what was called."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Anonymous, Call, CallOptions, DeadlineExceeded, InvalidArgument, NotFound, Unknown
from duologue.session.turns import Turns

pytestmark = pytest.mark.anyio
qmp: Any = sdk("qmp")
venue: Any = sdk("venue")
GREETING: dict[str, Any] = {"QMP": {"version": "9.0", "capabilities": []}}


class Machine(qmp.QmpService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.may_go_on = anyio.Event()

    async def qmp_capabilities(self, call: Call[Any], params: Any) -> None: ...

    async def query_status(self, call: Call[Any], params: Any) -> Any:
        await self.may_go_on.wait()
        return qmp.QueryStatusResult(running=call.wire_id is None)

    async def eject(self, call: Call[Any], params: Any) -> None:
        self.may_go_on.set()

    async def stop(self, call: Call[Any], params: Any) -> None: ...


def test_what_is_refused_waits_as_well() -> None:
    turns = Turns(by_name=False)
    turns.enter("1", "wait")
    assert turns.refuse("stop", b"refused") == []
    assert turns.refuse("", b"nonsense") == []
    turns.enter("2", "stop")
    assert turns.leave("2", "stop", b"two") == []
    assert turns.leave("1", "wait", b"one") == [b"one", b"refused", b"nonsense", b"two"]
    assert turns.refuse("", b"later") == [b"later"]


def test_other_names_wait_for_nobody() -> None:
    turns = Turns(by_name=True)
    turns.enter("1", "wait")
    assert turns.refuse("stop", b"refused") == [b"refused"]
    assert turns.refuse("wait", b"second") == []
    assert turns.leave("1", "wait", b"one") == [b"one", b"second"]


async def test_whatever_is_answered_keeps_its_turn() -> None:
    machine = Machine()
    async with (
        serving(machine, hooks={"version": "9.0"}) as server,
        raw_client(server.port, []) as client,
    ):
        assert await client.hear() == GREETING
        await client.say_text(b'{"execute": "query-status"}')
        await client.say_text(b'{"execute": "nonsense"}')
        await client.say_text(b"nonsense")
        await client.say_text(b'{"execute": 7}')
        await client.say_text(b'{"execute": "stop"}')
        await client.say_text(b'{"execute": "eject", "arguments": {"device": "ide0"}}')
        assert await client.hear() == {"return": {"running": True}}
        classes = [(await client.hear())["error"]["class"] for _ in range(2)]
        assert classes == ["CommandNotFound", "GenericError"]
        assert "name of an action" in (await client.hear())["error"]["desc"]
        assert await client.hear() == {"return": {}}
        assert await client.hear() == {"return": {}}
        await client.say_text(b"nonsense")
        assert (await client.hear())["error"]["class"] == "GenericError", "at once, where nothing is owed"


async def test_an_answer_that_comes_too_late_is_not_the_next_ones() -> None:
    late = anyio.Event()

    async def handle(server: Raw) -> None:
        await server.say(GREETING)
        await server.hear()
        await server.say({"return": {}})
        await server.hear()
        await late.wait()
        await server.hear()
        await server.say({"error": {"class": "GenericError", "desc": "too late"}}, {"return": {"running": True}})
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with raw_server(handle, []) as port, qmp.QmpClient.open(url(port)) as client:
            with pytest.raises(DeadlineExceeded):
                await client.stop(timeout=0.05)
            late.set()
            assert (await client.query_status()).running


async def test_nobody_is_told_an_id_where_there_is_none() -> None:
    told: list[Any] = []
    machine = Machine()
    machine.may_go_on.set()
    async with (
        serving(machine, hooks={"version": "9.0"}) as server,
        qmp.QmpClient.open(url(server.port)) as client,
    ):
        assert (await client.query_status(options=CallOptions(on_id=told.append))).running
        with pytest.raises(InvalidArgument, match="no place for routes"):
            await client.stop(options=CallOptions(route="r"))
    assert told == []


class Venue(venue.VenueService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.pinged = anyio.Event()

    async def subscribe_(self, call: Call[Any], params: Any) -> Any:
        await self.pinged.wait()
        if params.args == ["none"]:
            raise NotFound("no such topic")
        return venue.SubscribeResult(conn_id=params.args[0])

    async def ping(self, call: Call[Any], params: Any) -> None:
        self.pinged.set()

    async def on_dealt(self, call: Call[Any], event: Any) -> None:
        raise AssertionError("nobody here may deal")


async def test_answers_that_say_to_what_are_in_order_for_each() -> None:
    async with serving(Venue()) as server, raw_client(server.port, []) as client:
        for topic in ("a", "none", "b"):
            await client.say({"op": "subscribe", "args": [topic]})
        await client.say({"op": "ping"})
        assert await client.hear() == {"success": True, "op": "ping"}
        assert await client.hear() == {"success": True, "op": "subscribe", "conn_id": "a"}
        assert await client.hear() == {"success": False, "op": "subscribe", "ret_msg": "no such topic"}
        assert await client.hear() == {"success": True, "op": "subscribe", "conn_id": "b"}


async def test_what_is_no_call_is_not_answered_where_that_would_answer_one() -> None:
    async with serving(Venue(), authenticator=Anonymous()) as server, raw_client(server.port, []) as client:
        await client.say({"topic": "dealt", "data": {"price": 1.5}}, {"op": "ping"})
        assert await client.hear() == {"success": True, "op": "ping"}, "that `trade` is needed is told to nobody"


async def test_a_client_finds_whose_answer_it_is() -> None:
    async def handle(server: Raw) -> None:
        for _ in range(3):
            await server.hear()
        await server.say({"success": True, "op": "ping"}, {"success": True, "op": "pong"})
        await server.say({"topic": "tickers", "data": {"last": 1.5}})
        await server.say({"success": False, "op": "subscribe", "ret_msg": "no"})
        await server.say({"success": True, "op": "subscribe", "conn_id": "b"})
        await server.until_closed()

    told: dict[str, Any] = {}

    async def subscribe(client: Any, topic: str) -> None:
        try:
            told[topic] = (await client.subscribe_(args=[topic])).conn_id
        except Unknown as error:
            told[topic] = str(error)

    with anyio.fail_after(BOUND):
        async with raw_server(handle, []) as port, venue.VenueClient.open(url(port)) as client:
            async with client.events.tickers() as tickers, anyio.create_task_group() as tasks:
                for topic in "ab":
                    tasks.start_soon(subscribe, client, topic)
                    await anyio.wait_all_tasks_blocked()
                await client.ping()
                assert (await anext(tickers)).last == 1.5
    assert told == {"a": "no", "b": "b"}
