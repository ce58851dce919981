"""What a server keeps for a connection that does nothing, counted and not weighed: the same in every run."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from contextlib import ExitStack
from types import CoroutineType, FrameType
from typing import Any, Final

import anyio
import anyio.to_thread
import pytest
from tests.runtime.chat import Said
from tests.runtime.hostile import OURS, Hostile
from tests.runtime.support import Room, serving
from websockets.protocol import Protocol

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("only_new_objects")]

CONNECTIONS: Final = 20
SELDOM: Final = {"AcceptedSocket", "ConnectionHandler", "Lingering", "Notifications", "BuiltIns", "Fragments"}
"""What is only there for the opening, for a keyed call, a notification, a message in parts."""
HELLO: Final = {"protocol": "chat", "version": "1.0.0", "api": 1, "session": "", "gen": 1}
BYTES: Final = {"asyncio": 12_800, "uvloop": 10_700, "trio": 21_500}
"""What the server's objects take, and those of one `Hostile`; a little above the figure of CPython 3.11."""


def subscriber(port: int) -> Hostile:
    peer = Hostile(port, OURS)
    peer.say(hello=HELLO)
    peer.say(id="1", action="subscribe", params={"events": [Said.event_name], "sub": "s1"})
    for _ in range(3):  # a `hello`, the answer, `live`
        peer.hear()
    peer._buffer = bytearray()
    return peer


def present() -> dict[int, Any]:
    """All objects that can be found, but for frames, among which is this one's, and numbers, which it makes itself."""
    gc.collect()
    tracked = gc.get_objects()
    found = {id(one): one for one in tracked}
    for one in tracked:
        found |= {id(other): other for other in gc.get_referents(one)}
    return {number: one for number, one in found.items() if one is not tracked and not isinstance(one, FrameType | int)}


async def test_it_is_little(request: pytest.FixtureRequest) -> None:
    executor = request.node.callspec.id
    async with serving(Room()) as server:
        with ExitStack() as stack:

            async def connect(count: int) -> None:
                for _ in range(count):
                    stack.enter_context(await anyio.to_thread.run_sync(subscriber, server.port))
                await anyio.wait_all_tasks_blocked()

            await connect(2)  # what is there once
            before = present().keys()
            await connect(CONNECTIONS)
            assert {one.server_address for one in server.connections} == {None}, "asking makes nothing"
            kept = [one for number, one in present().items() if number not in before]
    size = sum(map(sys.getsizeof, kept)) / CONNECTIONS
    assert not any(isinstance(one, Protocol) for one in kept), "the library's part of a handshake"
    assert not {type(one).__qualname__ for one in kept} & SELDOM
    coroutines = Counter(one.__qualname__ for one in kept if isinstance(one, CoroutineType))
    assert executor == "trio" or coroutines.total() // CONNECTIONS == 3, coroutines
    assert size <= BYTES[executor], Counter(type(one).__qualname__ for one in kept).most_common(40)
