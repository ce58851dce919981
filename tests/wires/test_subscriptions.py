"""Events that are addressed by the id of the call that asked for them, as Home Assistant sends them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Call, CallOptions

pytestmark = pytest.mark.anyio
assistant: Any = sdk("assistant")
AUTH = {"type": "auth", "access_token": "T"}
WATCH = {"id": 18, "type": "subscribe_events", "event_type": "state_changed"}


class Home(assistant.AssistantService):  # type: ignore[misc]
    async def subscribe_events(self, call: Call[Any], params: Any) -> None:
        await call.connection.notify(assistant.StateChanged(entity_id="light.bed"), route=call.wire_id)

    async def subscribe_trigger(self, call: Call[Any], params: Any) -> None:
        event = assistant.Trigger.from_wire(b'{"trigger": {"platform": "state"}}')
        await call.connection.notify(event, route=call.wire_id)

    async def unsubscribe_events(self, call: Call[Any], params: Any) -> None: ...

    async def get_states(self, call: Call[Any], params: Any) -> list[Any]:
        return []

    async def ping(self, call: Call[Any], params: Any) -> None: ...


def event(id: int, **event: Any) -> dict[str, Any]:
    return {"id": id, "type": "event", "event": event}


def done(id: int, result: Any = None) -> dict[str, Any]:
    return {"id": id, "type": "result", "success": True, "result": result}


def is_known(known: Any) -> bool:
    return bool(known["token"] == "T")


HOOKS: dict[str, Any] = {"version": "2026.1", "token": is_known}


async def test_a_client_learns_by_which_id_its_events_come() -> None:
    async with (
        serving(Home(), hooks=HOOKS) as server,
        assistant.AssistantClient.open(url(server.port), token="T") as client,
        client.events.trigger() as every,
    ):
        await client.get_states()
        ids: list[int | str] = []
        async with client.events.state_changed().on(2) as changed:
            await client.subscribe_events(event_type="state_changed", options=CallOptions(on_id=ids.append))
            assert (await anext(changed)).entity_id == "light.bed"
        await client.subscribe_trigger(trigger={}, options=CallOptions(on_id=ids.append))
        assert (await anext(every)).trigger.platform == "state"
        assert ids == [2, 3]


async def test_a_server_frames_as_others_do() -> None:
    async with serving(Home(), hooks=HOOKS) as server, raw_client(server.port, []) as client:
        assert await client.hear() == {"type": "auth_required", "ha_version": "2026.1"}
        await client.say(AUTH)
        assert await client.hear() == {"type": "auth_ok", "ha_version": "2026.1"}
        await client.say(WATCH)
        assert await client.hear() == event(18, event_type="state_changed", data={"entity_id": "light.bed"})
        assert await client.hear() == done(18)
        await client.say({"id": 19, "type": "ping"})
        assert await client.hear() == {"id": 19, "type": "pong"}
        await client.say({"id": 20, "type": "subscribe_trigger", "trigger": {"platform": "state"}})
        assert await client.hear() == event(20, variables={"trigger": {"platform": "state"}})


async def test_a_client_frames_as_others_do() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        await server.say({"type": "auth_required", "ha_version": "2026.1"})
        heard.append(await server.hear())
        await server.say({"type": "auth_ok", "ha_version": "2026.1"})
        heard.append(await server.hear())
        await server.say(event(7, event_type="state_changed", data={"entity_id": "another"}))
        await server.say(event(1, event_type="state_changed", data={"entity_id": "light.bed"}, origin="LOCAL"))
        await server.say(done(1))
        heard.append(await server.hear())
        await server.say({"id": 2, "type": "pong"})
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with (
            raw_server(handle, []) as port,
            assistant.AssistantClient.open(url(port), token="T") as client,
            client.events.state_changed().on(1) as changed,
        ):
            await client.subscribe_events(event_type="state_changed")
            assert (await anext(changed)).entity_id == "light.bed"
            await client.ping()
    assert heard == [AUTH, {**WATCH, "id": 1}, {"id": 2, "type": "ping"}]
