"""Calls from the server to its clients, whatever becomes of their connections."""

from __future__ import annotations

import anyio
import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import Guest, Room, connection_of, serving, talking, until, url_of

from duologue import NotSent, Ran
from duologue.wire import Goaway

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_back_off")]


class TestGoodbye:
    async def test_a_peer_that_takes_no_more_calls_is_not_asked_again_and_again(self) -> None:
        async with talking(Room(), guest=Guest()) as (server, client):
            (peer,) = server.peers()
            connection_of(client).leave(Goaway("closing down"))
            await until(lambda: peer.connection.session.peer_leaving)
            with pytest.raises(NotSent, match="closing down") as caught, anyio.fail_after(1):
                await peer.ask_back(depth=0)
            assert caught.value.ran is Ran.NO

    async def test_a_peer_without_a_session_is_gone_with_its_connection(self) -> None:
        async with serving(Room()) as server, anyio.create_task_group() as tasks:
            handle, handler = (await ChatClient.connect(url_of(server))).start_handler()
            tasks.start_soon(handler)
            await until(server.peers)
            (peer,) = server.peers()
            await handle.aclose()
            with pytest.raises(NotSent), anyio.fail_after(1):
                await peer.ask_back(depth=0)
