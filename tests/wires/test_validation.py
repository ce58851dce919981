"""What clients do with servers that break their own protocol."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_server
from tests.wires.support import BOUND, sdk, url
from websockets.exceptions import ConnectionClosed

from duologue import CallOptions, HistoryLost, Internal

pytestmark = pytest.mark.anyio
devtools: Any = sdk("devtools")


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as a process does: no path was told of."""
    monkeypatch.setattr("duologue.session.lenient._TOLD", set[tuple[str, str]]())


async def sloppy(server: Raw) -> None:
    """Answers everything with what does not fit, after an event that does not."""
    while True:
        said = await server.hear()
        await server.say({"method": "Page.loadEventFired", "params": {"timestamp": None}})
        await server.say({"id": said["id"], "result": {"frameId": None, "errorText": 3, "more": 1}})


@asynccontextmanager
async def talking(**options: Any) -> AsyncGenerator[Any]:
    async def handle(server: Raw) -> None:
        with suppress(ConnectionClosed):
            await sloppy(server)

    async with raw_server(handle, []) as port, devtools.DevtoolsClient.open(url(port), **options) as client:
        with anyio.fail_after(BOUND):
            yield client


async def test_a_profile_may_warn_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "duologue"):
        async with talking() as client, client.events.page.load_event_fired() as loaded:
            for _ in range(2):
                result = await client.page.navigate(url="u")
                assert isinstance(result, devtools.PageNavigateResult)
                assert (result.frame_id, result.error_text) == (None, 3)
                assert (await anext(loaded)).timestamp is None
    lines = [record.getMessage() for record in caplog.records if "does not fit" in record.getMessage()]
    assert len(lines) == len({*lines}) == 3


async def test_off_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "duologue"):
        async with talking(validation="off") as client:
            assert (await client.page.navigate(url="u")).error_text == 3
            await client.page.enable()
    assert not [record for record in caplog.records if "does not fit" in record.getMessage()]


async def test_strict_refuses_and_a_call_may_say_otherwise() -> None:
    async with talking(validation="strict") as client:
        async with client.events.page.load_event_fired() as loaded:
            with pytest.raises(Internal, match="does not fit the protocol: frameId"):
                await client.page.navigate(url="u")
            with pytest.raises(HistoryLost):
                await anext(loaded)
        assert (await client.page.navigate(url="u", options=CallOptions(validation="off"))).frame_id is None
