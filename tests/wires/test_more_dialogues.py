"""Protocols of topics and kernels, as others speak them; see `test_dialogues.py`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.wires.dialogue import Case, our_client_holds_it, our_ends_hold_it, our_server_holds_it
from tests.wires.support import sdk

from duologue import Call, CallOptions, NotFound, Unknown

pytestmark = pytest.mark.anyio
relay: Any = sdk("relay")
robots: Any = sdk("robots")
bidi: Any = sdk("bidi")
kernel: Any = sdk("kernel")


class Relay(relay.RelayService):  # type: ignore[misc]
    async def on_req(self, call: Call[Any], event: Any) -> None:
        notify = call.connection.notify
        note = relay.Note.from_wire(b'{"event": {"id": "e1", "kind": 1, "content": "hello"}}')
        await notify(note, route=call.route)
        await notify(relay.Eose(), route=call.route)

    async def on_close_(self, call: Call[Any], event: Any) -> None:
        await call.connection.notify(relay.Notice(message=f"closed {call.route}"))


async def follow(client: Any) -> None:
    events = client.events
    async with events.note().on("s1") as notes, events.eose() as ends, events.notice() as notices:
        await client.notify(relay.Req(filter={"kinds": [1]}), route="s1")
        assert (await anext(notes)).event.content == "hello"
        await anext(ends)
        await client.notify(relay.Close(), route="s1")
        assert (await anext(notices)).message == "closed s1"


class Robots(robots.RobotsService):  # type: ignore[misc]
    async def rosapi_get_time(self, call: Call[Any], params: Any) -> Any:
        return robots.RosapiGetTimeResult(secs=5)

    async def rosapi_fail(self, call: Call[Any], params: Any) -> None:
        raise NotFound(f"no {params.name}")

    async def on_subscribe_(self, call: Call[Any], event: Any) -> None:
        await call.connection.notify(robots.Chatter(data=f"welcome to {event.topic}"))

    async def on_chatter(self, call: Call[Any], event: Any) -> None:
        await call.connection.notify(robots.Chatter(data=event.data.upper()))


async def drive_robots(client: Any) -> None:
    async with client.events.chatter() as chatter:
        assert (await client.rosapi.get_time()).secs == 5
        with pytest.raises(Unknown, match="no lamp"):
            await client.rosapi.fail(name="lamp")
        await client.notify(robots.Subscribe(topic="chatter", type="std_msgs/String"))
        assert (await anext(chatter)).data == "welcome to chatter"
        await client.notify(robots.Chatter(data="hi"))
        assert (await anext(chatter)).data == "HI"


class Browser(bidi.BidiService):  # type: ignore[misc]
    async def session_new(self, call: Call[Any], params: Any) -> Any:
        return bidi.SessionNewResult.from_wire(b'{"sessionId": "S", "capabilities": {}}')

    async def browsing_context_navigate(self, call: Call[Any], params: Any) -> Any:
        if params.url == "none":
            raise bidi.NoSuchFrame(context=params.context)
        await call.connection.notify(bidi.BrowsingContextLoad(context=params.context, url=params.url))
        return bidi.BrowsingContextNavigateResult(url=params.url)


async def browse(client: Any) -> None:
    async with client.events.browsing_context.load() as loads:
        assert (await client.session_.new(capabilities={})).session_id == "S"
        assert (await client.browsing_context.navigate(context="C", url="u")).url == "u"
        assert (await anext(loads)).context == "C"
        with pytest.raises(bidi.NoSuchFrame, match="no frame C"):
            await client.browsing_context.navigate(context="C", url="none")


class Kernel(kernel.KernelService):  # type: ignore[misc]
    async def execute_request(self, call: Call[Any], params: Any) -> Any:
        notify = call.connection.notify
        await notify(kernel.Printed(name="stdout", text="3\n"), route=call.wire_id)
        if params.code != "print(3)":
            raise kernel.Undefined(name=params.code)
        return kernel.ExecuteRequestResult(execution_count=1)


async def execute(client: Any) -> None:
    ids: list[Any] = []
    async with client.events.printed() as streams:
        options = CallOptions(on_id=ids.append)
        assert (await client.execute_request(code="print(3)", options=options)).execution_count == 1
        assert ((await anext(streams)).text, streams.route) == ("3\n", ids[0])
        with pytest.raises(kernel.Undefined, match="x is not defined"):
            await client.execute_request(code="x")


CASES = {
    "relay": Case(package=relay, service=Relay, drive=follow),
    "robots": Case(package=robots, service=Robots, drive=drive_robots),
    "bidi": Case(package=bidi, service=Browser, drive=browse),
    "kernel": Case(
        package=kernel,
        service=Kernel,
        drive=execute,
        opens={"hooks": {"session": "s"}},
        offer=["v1.kernel.websocket.jupyter.org"],
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_our_server_holds_it(name: str) -> None:
    await our_server_holds_it(CASES[name], name)


@pytest.mark.parametrize("name", CASES)
async def test_our_client_holds_it(name: str) -> None:
    await our_client_holds_it(CASES[name], name)


@pytest.mark.parametrize("name", CASES)
async def test_our_ends_hold_it_with_each_other(name: str) -> None:
    await our_ends_hold_it(CASES[name])
