"""What goes wrong elsewhere when a connection comes to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest
from tests.runtime.chat import AskParams, ChatClient, ChatPeer
from tests.runtime.proxy import proxied
from tests.runtime.support import Guest, Room, connection_of, serving, talking, until
from typing_extensions import override

from duologue import Call, Limits, OutcomeUnknown, Server

pytestmark = pytest.mark.anyio


# -------------------------------------------------------------------------------------- calls of one's own at the end
class Pensive(Guest):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = anyio.Event()

    @override
    async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
        self.calls.append(call)
        await self.answer.wait()
        return 7


async def test_pygls_605_answers_that_a_handler_waits_for_still_count_once_shutdown_has_begun() -> None:
    class Asking(Room):
        @override
        async def ask(self, call: Call[ChatPeer], params: AskParams) -> int:
            before = await call.peer.ask_back(depth=0)
            return before + await call.peer.ask_back(depth=0)

    guest = Pensive()
    async with talking(Asking(), guest=guest) as (server, client), anyio.create_task_group() as tasks:
        answers: list[int] = []

        async def ask() -> None:
            answers.append(await client.ask(depth=1))

        tasks.start_soon(ask)
        await until(lambda: guest.calls)
        connection = connection_of(client)
        tasks.start_soon(server.aclose)
        await until(lambda: connection.session.peer_leaving)
        guest.answer.set()
        await until(lambda: answers)
        assert answers == [14]


async def test_pygls_605_answers_to_the_server_s_own_calls_still_count_once_shutdown_has_begun() -> None:
    guest = Pensive()
    async with talking(Room(), guest=guest) as (server, client), anyio.create_task_group() as tasks:
        answers: list[int] = []

        async def ask() -> None:
            answers.append(await server.peers()[0].ask_back(depth=0))

        tasks.start_soon(ask)
        await until(lambda: guest.calls)
        connection = connection_of(client)
        tasks.start_soon(server.aclose)
        await until(lambda: connection.session.peer_leaving)
        guest.answer.set()
        await until(lambda: answers)
        assert answers == [7]


# ------------------------------------------------------------------------------------------------------ dead peers
IMPATIENT = Limits(idle=0.6, close=60, drain=60, stream_window=4)
"""What a dead peer could be waited for: only the first of these may count."""


@pytest.mark.parametrize("talkative", [False, True], ids=["silent", "talkative"])
async def test_grpc_dart_829_a_dead_peer_is_cut_whatever_is_under_way_to_it(talkative: bool) -> None:
    """Not closed in all politeness, which waits for its answers. Both ends find out, each by itself."""
    room, guest = Room(), Pensive()
    async with serving(room, IMPATIENT) as server, proxied(server.port) as proxy:
        async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", serve=guest, limits=IMPATIENT) as client:
            async with client.count(upto=1000) as stream, anyio.create_task_group() as tasks:
                await anext(stream)
                ended: list[str] = []

                async def call(name: str, begin: Callable[[], Awaitable[object]]) -> None:
                    with pytest.raises(OutcomeUnknown):
                        await begin()
                    ended.append(name)

                tasks.start_soon(call, "client", partial(client.nap, seconds=60, timeout=60))
                tasks.start_soon(call, "server", partial(server.peers()[0].ask_back, depth=0, timeout=60))
                tasks.start_soon(call, "stream", stream.result)
                await until(lambda: room.running == 1 and guest.calls)
                first, [other] = connection_of(client), server.connections
                proxy.refusing = proxy.stalled = True
                if talkative:
                    tasks.start_soon(_chatter, client, server)
                with anyio.fail_after(IMPATIENT.idle * 2.5):
                    await first.until_closed()
                    await other.until_closed()
                    await until(lambda: len(ended) == 3 and room.stopped == 2)
                tasks.cancel_scope.cancel()
            proxy.cut()


async def _chatter(client: ChatClient, server: Server[ChatPeer]) -> None:
    """Say something now and then; that a connection takes it does not mean that anybody is there."""
    while True:
        for connection in (connection_of(client), *server.connections):
            connection.outlet.send_event(b'{"event":"waved","data":{"who":"me"}}')
        await anyio.sleep(0.05)
