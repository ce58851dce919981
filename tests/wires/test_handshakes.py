"""What is said before the first call of a user: a version, a login, and calls that all clients begin with."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.runtime.support import until
from tests.runtime.watchers import Notes
from tests.wires.support import BOUND, sdk, serving, url
from websockets.exceptions import ConnectionClosedError

from duologue import (
    Call,
    ConnectFailed,
    ConnectionClosed,
    Identity,
    Limits,
    PermissionDenied,
    ResourceExhausted,
    StaticTokens,
    Unavailable,
    Unimplemented,
    serve,
)
from duologue.client import backoff
from duologue.connection.ear import Ear
from duologue.drivers.memory import MemoryNetwork

pytestmark = pytest.mark.anyio
zwave: Any = sdk("zwave")
hearth: Any = sdk("hearth")
VERSION = {"type": "version", "driverVersion": "15", "homeId": 4, "maxSchemaVersion": 40}


class Driver(zwave.ZwaveService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def initialize(self, call: Call[Any], params: Any) -> None:
        self.asked.append(params.schema_version)
        if params.schema_version > 40:
            raise zwave.SchemaIncompatible("too new")

    async def start_listening(self, call: Call[Any], params: Any) -> Any:
        return zwave.StartListeningResult.from_wire(b'{"state":{"nodes":[1,2]}}')

    async def node_set_value(self, call: Call[Any], params: Any) -> Any:
        if params.node_id != 2:
            raise zwave.NodeNotFound(node_id=params.node_id)
        event = zwave.NodeValueUpdated.from_wire(b'{"nodeId":2,"args":{"property":"on","newValue":true}}')
        await call.connection.notify(event)
        return zwave.NodeSetValueResult(success=True)


HOOKS = {"driver": "15", "home": 4, "max_schema": 40}


def oldest(known: Any) -> int:
    """The newest schema that both know, as a client computes it from the server's first word."""
    return int(min(known["max_schema"], 35))


async def test_the_server_speaks_first_and_the_client_begins_with_calls() -> None:
    driver = Driver()
    async with (
        serving(driver, hooks=HOOKS) as server,
        zwave.ZwaveClient.open(url(server.port), hooks={"schema": oldest}) as client,
        client.events.node.value_updated() as updated,
    ):
        assert driver.asked == [35]
        assert (await client.node.set_value(node_id=2, value_id={}, value=True)).success
        event = await anext(updated)
        assert (event.node_id, event.args.new_value) == (2, True)
        with pytest.raises(zwave.NodeNotFound) as caught:
            await client.node.set_value(node_id=3, value_id={}, value=True)
        assert caught.value.details.node_id == 3


async def test_what_a_server_says_first_is_what_others_hear() -> None:
    async with serving(Driver(), hooks=HOOKS) as server, raw_client(server.port, []) as client:
        assert await client.hear() == VERSION
        await client.say({"messageId": "m1", "command": "initialize", "schemaVersion": 41})
        assert await client.hear() == {
            "type": "result",
            "success": False,
            "messageId": "m1",
            "errorCode": "schema_incompatible",
            "message": "too new",
        }
        await client.say({"messageId": "m2", "command": "node.set_value", "nodeId": 2, "valueId": {}, "value": 1})
        assert await client.hear() == {
            "type": "event",
            "event": {
                "source": "node",
                "event": "value updated",
                "nodeId": 2,
                "args": {"property": "on", "newValue": True},
            },
        }
        assert await client.hear() == {
            "type": "result",
            "success": True,
            "messageId": "m2",
            "result": {"success": True},
        }
        await client.say({"messageId": "m3", "command": "nonsense"})
        assert (await client.hear())["errorCode"] == "unknown_command"


async def test_what_a_client_begins_with_is_what_others_hear() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        await server.say(VERSION)
        results: list[dict[str, Any]] = [{}, {"state": {"nodes": [7]}}]
        for result in results:
            heard.append(await server.hear())
            id = heard[-1]["messageId"]
            await server.say({"type": "result", "success": True, "messageId": id, "result": result})
        await server.say({"type": "event", "event": {"source": "driver", "event": "all nodes ready"}})
        heard.append(await server.hear())
        await server.say(
            {
                "type": "result",
                "success": False,
                "messageId": heard[-1]["messageId"],
                "errorCode": "unknown_command",
                "message": "no",
            }
        )
        await server.until_closed()

    async with raw_server(handle, []) as port, zwave.ZwaveClient.open(url(port), hooks={"schema": 32}) as client:
        with anyio.fail_after(BOUND), pytest.raises(Unimplemented):
            await client.node.set_value(node_id=2, value_id={}, value=None)
    ids = [message.pop("messageId") for message in heard]
    assert len({*ids}) == 3
    assert all(len(id) == 36 for id in ids)
    assert heard == [
        {"command": "initialize", "schemaVersion": 32},
        {"command": "start_listening"},
        {"command": "node.set_value", "nodeId": 2, "valueId": {}, "value": None},
    ]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ('{"type": "event"}', 'expected a message with {"type":"version"}, and not {"type": "event"}'),
        ("nonsense", "what was said is not JSON"),
    ],
)
async def test_a_server_that_says_something_else_is_told_of(first: str, told: str) -> None:
    async def handle(server: Raw) -> None:
        await server.say_text(first.encode())
        await server.until_closed()

    async with raw_server(handle, []) as port:
        with anyio.fail_after(BOUND), pytest.raises(ConnectFailed, match="the handshake did not succeed") as caught:
            async with zwave.ZwaveClient.open(url(port), hooks={"schema": 32}):
                raise AssertionError
        assert told in str(caught.value)


async def test_a_value_that_nobody_gives_is_asked_for() -> None:
    async with serving(Driver(), hooks=HOOKS) as server:
        with pytest.raises(ConnectFailed, match="asks for a value of `schema`"):
            async with zwave.ZwaveClient.open(url(server.port)):
                raise AssertionError


async def test_a_first_call_that_is_refused_ends_the_attempt() -> None:
    async with serving(Driver(), hooks=HOOKS) as server:
        with pytest.raises(ConnectFailed, match="initialize: too new"):
            async with zwave.ZwaveClient.open(url(server.port), hooks={"schema": 99}):
                raise AssertionError


# ------------------------------------------------------------------------------------------------------------- logins
class Hub(hearth.HearthService):  # type: ignore[misc]
    async def get_states(self, call: Call[Any], params: Any) -> list[str]:
        return [call.identity.name]

    def __init__(self) -> None:
        self.turned_off = 0

    async def turn_off(self, call: Call[Any], params: Any) -> None:
        self.turned_off += 1
        await call.connection.notify(hearth.StateChanged(entity=params.entity))


GUESTS = StaticTokens.of(
    {
        "guest-token-0123456789": Identity(name="Ann", roles=frozenset({"guest"})),
        "owner-token-0123456789": Identity(name="Bob", roles=frozenset({"owner"})),
    }
)
LOGIN: dict[str, Any] = {"authenticator": GUESTS, "hooks": {"version": "1"}}


async def test_a_token_is_shown_in_the_protocols_own_words() -> None:
    async with serving(Hub(), **LOGIN) as server:
        async with hearth.HearthClient.open(url(server.port), token="guest-token-0123456789") as client:
            assert await client.get_states() == ["Ann"]
            with pytest.raises(PermissionDenied):
                await client.turn_off(entity="lamp")
        async with (
            hearth.HearthClient.open(url(server.port), token="owner-token-0123456789") as client,
            client.events.state_changed() as changed,
        ):
            await client.turn_off(entity="lamp")
            assert (await anext(changed)).entity == "lamp"
        with pytest.raises(ConnectFailed, match="the other end refuses") as refused:
            async with hearth.HearthClient.open(url(server.port), token="nobody"):
                raise AssertionError
        assert refused.value.close_code == 4401
        with pytest.raises(ConnectFailed, match="asks for a token"):
            async with hearth.HearthClient.open(url(server.port)):
                raise AssertionError


async def test_a_server_lets_in_whom_its_handshake_has_checked() -> None:
    async with serving(Hub(), **LOGIN) as server:
        async with raw_client(server.port, []) as client:
            assert await client.hear() == {"type": "auth_required", "version": "1"}
            await client.say({"type": "auth", "access_token": "owner-token-0123456789"})
            assert await client.hear() == {"type": "auth_ok", "version": "1"}
            await client.say({"id": 1, "type": "turn_off", "entity": "lamp"})
            assert await client.hear() == {
                "type": "event",
                "event": {"event_type": "state_changed", "data": {"entity": "lamp"}},
            }
            assert await client.hear() == {"id": 1, "type": "result", "success": True, "result": None}
        async with raw_client(server.port, []) as client:
            await client.hear()
            await client.say({"type": "auth", "access_token": "nobody"})
            assert (await client.hear())["type"] == "auth_invalid"
            assert await client.until_closed() == 4401
        async with raw_client(server.port, []) as client:
            await client.hear()
            await client.say({"id": 1, "type": "get_states"})
            assert await client.until_closed() == 4401


async def test_a_limit_that_refuses_somebody_who_has_logged_in_is_told_by_its_name() -> None:
    notes = Notes()
    login = {"type": "auth", "access_token": "owner-token-0123456789"}
    async with serving(Hub(), observers=[notes], limits=Limits(connections_per_identity=1), **LOGIN) as server:
        async with raw_client(server.port, []) as first, raw_client(server.port, []) as second:
            for client in (first, second):
                await client.hear()
                await client.say(login)
                assert (await client.hear())["type"] == "auth_ok"
            assert await second.until_closed() == 1008, "what it has shown is as good as before"
        await until(lambda: bool(notes.of("refused")))
    assert [limit for limit, *_ in notes.of("refused")] == ["connections_per_identity"]


async def test_a_connection_that_breaks_with_the_last_word_of_the_handshake_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with MemoryNetwork().use() as network, anyio.fail_after(BOUND):
        take = Ear.take

        def take_and_break(ear: Ear, data: bytes) -> None:
            take(ear, data)
            if b"auth_ok" in data:
                network.cut()

        monkeypatch.setattr(Ear, "take", take_and_break)
        async with serve(Hub(), "memory", 0, **LOGIN) as server:
            with pytest.raises(ConnectFailed) as caught:
                async with hearth.HearthClient.open(url(server.port), token="guest-token-0123456789"):
                    raise AssertionError
            assert isinstance(caught.value.__cause__, ConnectionClosed)


OWNER = {"type": "auth", "access_token": "owner-token-0123456789"}


class Slow:
    """A hook that is asked for the last word of a handshake when who connects has long shown a token."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = anyio.Event()

    async def __call__(self, known: Any) -> str:
        self.asked += 1
        if self.asked == 2:
            await self.answer.wait()
        return "1"


@pytest.mark.parametrize("whom", ["Bob", "the-token"])
async def test_who_is_revoked_before_the_handshake_is_over_is_not_let_in(whom: str) -> None:
    bob = Identity(name="Bob", roles=frozenset({"owner"}), token_id="the-token")
    version = Slow()
    people = StaticTokens.of({OWNER["access_token"]: bob})
    async with (
        serving(Hub(), authenticator=people, hooks={"version": version}) as server,
        raw_client(server.port, []) as client,
    ):
        await client.hear()
        await client.say(OWNER)
        await until(lambda: version.asked == 2)
        assert server.revoke("somebody else") == 0
        assert server.revoke(whom) == 1
        version.answer.set()
        with pytest.raises(ConnectionClosedError) as closed:
            await client.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
        assert not server.connections


class Directory:
    """An authenticator that cannot say anything for a while."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
        self.asked = 0

    async def authenticate(self, credentials: Any) -> Identity:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return await GUESTS.authenticate(credentials)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("the directory is down"), 1013),
        (ResourceExhausted("the directory has enough of it"), 1008),
        (RuntimeError("the directory is broken"), 1011),
        (PermissionDenied("the directory does not want it"), 4401),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_only_a_refusal_is_told_as_one(error: Exception, code: int) -> None:
    async with (
        serving(Hub(), authenticator=Directory(error), hooks={"version": "1"}) as server,
        raw_client(server.port, []) as client,
    ):
        await client.hear()
        await client.say(OWNER)
        if code == 4401:
            assert await client.hear() == {"type": "auth_invalid", "message": "the directory does not want it"}
        with pytest.raises(ConnectionClosedError) as closed:
            await client.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


async def test_a_client_comes_back_when_somebody_can_say_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_DELAY", 0.005)
    monkeypatch.setattr(backoff, "LONGEST_DELAY", 0.02)
    directory = Directory(Unavailable("the directory is down"))
    directory.error, error = None, directory.error
    async with serving(Hub(), authenticator=directory, hooks={"version": "1"}) as server:
        async with hearth.HearthClient.open(url(server.port), token="guest-token-0123456789") as client:
            directory.error = error
            client.connection.abort()
            await until(lambda: directory.asked == 3)
            directory.error = None
            assert await client.get_states() == ["Ann"]


async def test_what_follows_a_fatal_mistake_is_not_heard_either_if_it_came_ahead_of_the_handshake_s_end() -> None:
    hub, version = Hub(), Slow()
    async with serving(hub, authenticator=GUESTS, hooks={"version": version}) as server:
        async with raw_client(server.port, []) as client:
            await client.hear()
            await client.say(OWNER)
            await until(lambda: version.asked == 2)
            call = {"type": "turn_off", "entity": "lamp"}
            await client.say({"id": 1, **call}, {"id": 1, **call}, {"id": 2, **call})
            await until(lambda: [len(one._ear.heard) for one in server._receptions] == [3])
            version.answer.set()
            assert await client.until_closed() == 4400
    assert hub.turned_off == 1
