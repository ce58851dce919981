"""Events that look like calls: their names tell, and at an end that nobody calls there are no calls at all."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Call, Undeclared

pytestmark = pytest.mark.anyio
gauge: Any = sdk("gauge")


class Meter(gauge.GaugeService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.told: list[float] = []

    async def measure(self, call: Call[Any], params: Any) -> float:
        return 7.5

    async def on_changed(self, call: Call[Any], event: Any) -> None:
        self.told.append(event.value)


async def test_a_server_does_not_answer_an_event_that_has_an_id() -> None:
    meter = Meter()
    async with serving(meter) as server, raw_client(server.port, []) as client:
        await client.say({"id": 1, "type": "changed", "with": {"value": 2.5}})
        await client.say({"id": 2, "type": "measure"})
        assert await client.hear() == {"re": 2, "ok": 7.5}
        assert meter.told == [2.5]
        await client.say({"id": 3, "type": "nonsense"})
        assert await client.hear() == {"re": 3, "no": "unimplemented", "why": "no action is called nonsense"}


async def test_a_client_that_nobody_calls_answers_nothing() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        await server.say({"id": 1, "type": "changed", "with": {"value": 2.5}})
        await server.say({"id": 2, "type": "unheard", "with": {}})
        heard.append(await server.hear())
        await server.say({"re": heard[-1]["id"], "ok": 1})
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with raw_server(handle, []) as port, gauge.GaugeClient.open(url(port)) as client:
            async with client.events.changed() as changed, client.undeclared() as others:
                assert await client.measure() == 1
                assert (await anext(changed)).value == 2.5
                assert (await anext(others)).name == "unheard"
    assert heard == [{"id": "1", "type": "measure"}]


async def test_a_protocol_without_errors_says_none() -> None:
    """What is no message is not answered with something that its peers would not know."""
    relay: Any = sdk("relay")
    told: list[Any] = []

    class Relay(relay.RelayService):  # type: ignore[misc]
        async def on_req(self, call: Call[Any], event: Any) -> None:
            await call.connection.notify(relay.Eose(), route=call.route)

        async def on_close_(self, call: Call[Any], event: Any) -> None: ...

        async def undeclared(self, call: Call[Any], message: Undeclared) -> None:
            told.append(message.data)

    async with serving(Relay()) as server, raw_client(server.port, []) as client:
        await client.say_text(b"nonsense")
        await client.say_text(b"{}")
        await client.say_text(b'["REQ", "s1", {}]')
        heard: Any = await client.hear()
        assert heard == ["EOSE", "s1"]
        assert told == [{}]
