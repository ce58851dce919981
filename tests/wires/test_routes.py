"""Calls and events of one among many sessions, or objects: browsers, as two protocols have them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.runtime.chat import Waved
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.runtime.support import Room, talking
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Call, CallOptions, InvalidArgument

pytestmark = pytest.mark.anyio
playwright: Any = sdk("playwright")
devtools: Any = sdk("devtools")


class Driver(playwright.PlaywrightService):  # type: ignore[misc]
    async def initialize(self, call: Call[Any], params: Any) -> Any:
        created = playwright.Create(type="Playwright", guid="playwright", initializer={})
        await call.connection.notify(created, route=call.route)
        return playwright.InitializeResult.from_wire(b'{"playwright":{"guid":"playwright"}}')

    async def goto(self, call: Call[Any], params: Any) -> Any:
        if params.wait:
            raise playwright.TimedOut("timed out at " + params.url)
        for route in ("page@2", call.route):
            await call.connection.notify(playwright.Navigated(url=params.url, name=str(route)), route=route)
        return playwright.GotoResult()

    async def close_(self, call: Call[Any], params: Any) -> None: ...


async def test_events_of_one_object_are_told_apart() -> None:
    async with (
        serving(Driver()) as server,
        playwright.PlaywrightClient.open(url(server.port)) as client,
        client.events.navigated().on("page@1") as navigated,
        client.events.create() as created,
    ):
        assert (await client.initialize(sdk_language="python")).playwright.guid == "playwright"
        assert ((await anext(created)).guid, created.route) == ("playwright", "")
        await client.goto(url="u", options=CallOptions(route="page@1"))
        assert ((await anext(navigated)).name, navigated.route) == ("page@1", "page@1")
        with pytest.raises(playwright.TimedOut, match="timed out at u"):
            await client.goto(url="u", wait=1.5, options=CallOptions(route="page@1"))


async def test_a_guid_is_always_sent() -> None:
    heard: list[Any] = []

    async def handle(driver: Raw) -> None:
        heard.append(await driver.hear())
        await driver.say({"id": 1, "result": {"playwright": {"guid": "p"}}})
        heard.append(await driver.hear())
        await driver.say({"id": 2, "error": {"error": {"name": "TimeoutError", "message": "late", "stack": "at x"}}})
        await driver.until_closed()

    async with raw_server(handle, []) as port, playwright.PlaywrightClient.open(url(port)) as client:
        with anyio.fail_after(BOUND):
            await client.initialize(sdk_language="python")
            options = CallOptions(route="page@1", meta={"title": "t"})
            with pytest.raises(playwright.TimedOut, match="late") as caught:
                await client.goto(url="u", options=options)
    assert (caught.value.wire_code, caught.value.data) == ("TimeoutError", "at x")
    assert heard == [
        {"id": 1, "guid": "", "method": "initialize", "params": {"sdkLanguage": "python"}},
        {"id": 2, "guid": "page@1", "method": "goto", "params": {"url": "u"}, "metadata": {"title": "t"}},
    ]


class Browser(devtools.DevtoolsService):  # type: ignore[misc]
    async def page_enable(self, call: Call[Any], params: Any) -> None: ...

    async def page_navigate(self, call: Call[Any], params: Any) -> Any:
        if call.route is None:
            raise devtools.NotAttached
        await call.connection.notify(devtools.PageLoadEventFired(timestamp=1.5), route=call.route)
        return devtools.PageNavigateResult(frame_id=f"F-{call.route}")

    async def target_attach_to_target(self, call: Call[Any], params: Any) -> Any:
        return devtools.TargetAttachToTargetResult(session_id=f"S-{params.target_id}")


async def test_the_developer_tools_speak_to_a_session() -> None:
    async with (
        serving(Browser()) as server,
        devtools.DevtoolsClient.open(url(server.port)) as client,
        client.events.page.load_event_fired() as loaded,
    ):
        session = (await client.target.attach_to_target(target_id="T", flatten=True)).session_id
        options = CallOptions(route=session)
        await client.page.enable(options=options)
        assert (await client.page.navigate(url="u", options=options)).frame_id == "F-S-T"
        assert ((await anext(loaded)).timestamp, loaded.route) == (1.5, "S-T")
        with pytest.raises(devtools.NotAttached):
            await client.page.navigate(url="u")
        with pytest.raises(InvalidArgument, match="no place for meta"):
            await client.page.enable(options=CallOptions(meta={"a": "b"}))


async def test_the_developer_tools_frames() -> None:
    async with serving(Browser()) as server, raw_client(server.port, []) as client:
        await client.say({"id": 1, "method": "Page.enable", "sessionId": "S"})
        assert await client.hear() == {"id": 1, "result": {}, "sessionId": "S"}
        await client.say({"id": 2, "method": "Page.navigate", "params": {"url": "u"}, "sessionId": "S"})
        assert await client.hear() == {"method": "Page.loadEventFired", "params": {"timestamp": 1.5}, "sessionId": "S"}
        assert await client.hear() == {"id": 2, "result": {"frameId": "F-S"}, "sessionId": "S"}
        await client.say({"id": 3, "method": "Page.navigate", "params": {"url": "u"}})
        assert await client.hear() == {"id": 3, "error": {"code": -32001, "message": "there is no such session"}}
        await client.say({"id": 4, "method": "Page.fly"})
        assert (await client.hear())["error"]["code"] == -32601


async def test_the_native_format_has_no_place_for_routes() -> None:
    async with talking(Room()) as (_, client):
        with pytest.raises(InvalidArgument, match="no place for routes"):
            await client.connection.calls.ask("echo", b'{"text":"a"}', options=CallOptions(route="r"))
        with pytest.raises(InvalidArgument, match=r"waved: .* no place for routes"):
            await client.connection.notify(Waved(who="me"), route="r")
        assert (await client.echo(text="on")).text == "on"
