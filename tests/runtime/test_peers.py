"""Calls from the server to its clients, whatever becomes of their connections."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import anyio
import pytest
from tests.runtime.banking import Banking, banking
from tests.runtime.chat import ChatClient, ChatPeer
from tests.runtime.raw import raw_client
from tests.runtime.support import BOUND, Guest, Room, connection_of, serving, talking, until, url_of

from duologue import (
    CallError,
    CloseCode,
    Connection,
    Identity,
    Limits,
    NotSent,
    OutcomeUnknown,
    Ran,
    StaticTokens,
    new_token,
    serve,
)
from duologue.handling.answers import MemoryAnswers
from duologue.handling.keyed import KeyedCalls
from duologue.server.clients import Clients
from duologue.wire import Goaway, Hello

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_back_off")]


class Outcome:
    """A call in a task of its own, and what it ended in."""

    def __init__(self, tasks: anyio.abc.TaskGroup, call: Awaitable[Any]) -> None:
        self.result: Any = None
        self.error: CallError | None = None
        self.took = 0.0
        self._done = anyio.Event()
        tasks.start_soon(self._wait, call)

    async def _wait(self, call: Awaitable[Any]) -> None:
        started = anyio.current_time()
        try:
            self.result = await call
        except CallError as error:
            self.error = error
        self.took = anyio.current_time() - started
        self._done.set()

    async def failed(self) -> CallError:
        await self._done.wait()
        assert self.error is not None, f"it gave {self.result!r}"
        return self.error

    async def mark(self) -> str:
        await self._done.wait()
        assert self.error is None, repr(self.error)
        return str(self.result.mark)


async def away(here: Banking) -> None:
    """Cut the client, and keep it out."""
    here.proxy.refusing = True
    await here.cut()
    await until(lambda: not here.server.connections)


class TestAfterACut:
    async def test_a_safe_call_is_sent_again(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            call = Outcome(tasks, here.peer.read(mark="safe", before=0.3, after=0))
            await here.running("safe")
            await here.cut()
            assert await call.mark() == "safe"
            first, second = here.ledger.runs_of("safe")
            assert first.stopped
            assert not second.stopped

    async def test_a_keyed_call_gets_the_answer_of_the_one_run(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            call = Outcome(tasks, here.peer.book(mark="keyed", before=0.2, after=0.2))
            await here.running("keyed")
            for _ in range(3):
                await here.cut()
                await until(here.server.peers)
            assert await call.mark() == "keyed"
            (run,) = here.ledger.runs_of("keyed")
            assert not run.stopped
            assert here.ledger.effects["keyed"] == 1

    async def test_a_keyed_call_that_was_answered_meanwhile_gets_the_recorded_answer(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            call = Outcome(tasks, here.peer.book(mark="keyed", before=0.05, after=0))
            await here.running("keyed")
            await away(here)
            await until(lambda: here.ledger.runs[0].ended)
            here.proxy.refusing = False
            assert await call.mark() == "keyed"
            assert len(here.ledger.runs) == here.ledger.effects["keyed"] == 1

    async def test_a_keyed_call_is_not_repeated_where_the_client_has_lost_its_keys(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            call = Outcome(tasks, here.peer.book(mark="keyed", before=0.1, after=0.1))
            await here.running("keyed")
            await away(here)
            here.client._keyed = KeyedCalls(MemoryAnswers())
            here.proxy.refusing = False
            error = await call.failed()
            assert isinstance(error, OutcomeUnknown)
            assert "no longer knows" in error.message
            assert len(here.ledger.runs) == 1

    async def test_an_unsafe_call_ends_unknown_at_once(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            call = Outcome(tasks, here.peer.fire(mark="unsafe", before=3, after=0))
            await here.running("unsafe")
            await away(here)
            error = await call.failed()
            assert isinstance(error, OutcomeUnknown)
            assert error.ran is Ran.UNKNOWN
            assert call.took < 1
            here.proxy.refusing = False
            assert (await here.client.read(mark="on", before=0, after=0)).mark == "on"
            assert len(here.ledger.runs_of("unsafe")) == 1

    @pytest.mark.parametrize("action", ["read", "book", "fire"])
    async def test_a_call_made_while_the_client_is_away_waits_for_it(self, action: str) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            peer = here.peer
            await away(here)
            call = Outcome(tasks, getattr(peer, action)(mark="waits", before=0, after=0))
            await anyio.sleep(0.1)
            assert here.ledger.runs == []
            here.proxy.refusing = False
            assert await call.mark() == "waits"
            assert here.ledger.effects["waits"] == 1

    async def test_who_does_not_know_that_it_was_replaced_is_called_on_the_new_connection(self) -> None:
        async with banking(Limits(close=0.2)) as here, anyio.create_task_group() as tasks:
            call = Outcome(tasks, here.peer.book(mark="keyed", before=0.3, after=0))
            await here.running("keyed")
            first = here.client.connection
            here.proxy.half_open()
            await first.until_closed()
            await until(lambda: [peer.connection.generation for peer in here.server.peers()] == [2])
            assert (await here.peer.read(mark="new", before=0, after=0)).mark == "new"
            assert await call.mark() == "keyed"
            assert here.ledger.effects["keyed"] == 1

    async def test_the_peer_is_the_same_over_all_connections(self) -> None:
        async with talking(Room(), guest=Guest()) as (server, client):
            await client.echo(text="on")  # the server knows who it is
            (peer,) = server.peers()
            for _ in range(3):
                connection = connection_of(client)
                server.connections[0].abort()
                await connection.until_closed()
                await client.ask(depth=1)
                assert server.peers() == [peer]
                assert peer.connection is server.connections[0]

    async def test_who_is_called_before_it_has_told_its_name_is_followed_all_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begin = Clients.begin
        early: list[ChatPeer] = []

        def look_first(self: Clients, connection: Connection, hello: Hello) -> None:
            early.extend(server.peers())
            begin(self, connection, hello)

        monkeypatch.setattr(Clients, "begin", look_first)
        async with serving(Room()) as server, ChatClient.open(url_of(server), serve=Guest()) as client:
            for count in (1, 2, 3):
                await until(lambda: len(early) == count)  # noqa: B023 - it is done within the round
                assert await early[-1].ask_back(depth=0) == 0
                connection = connection_of(client)
                server.connections[0].abort()
                await connection.until_closed()
            for peer in early:
                assert await peer.ask_back(depth=0) == 0
                assert peer.connection is server.connections[0]


class TestWhoDoesNotComeBack:
    async def test_it_is_waited_for_so_long_and_then_forgotten(self) -> None:
        async with banking(Limits(reconnect=0.3)) as here, anyio.create_task_group() as tasks:
            peer = here.peer
            await away(here)
            waiting = [Outcome(tasks, peer.fire(mark="waits", before=0, after=0)) for _ in range(3)]
            for call in waiting:
                error = await call.failed()
                assert isinstance(error, NotSent)
                assert "did not come back" in error.message
                assert 0.1 < call.took < 1
            assert len(here.server._clients) == 0
            with pytest.raises(NotSent), anyio.fail_after(0.1):
                await peer.fire(mark="late", before=0, after=0)
            here.proxy.refusing = False
            await until(here.server.peers)
            assert here.peer is not peer, "it begins anew"
            assert here.ledger.runs == []

    async def test_a_call_that_was_sent_ends_unknown_then(self) -> None:
        async with banking(Limits(reconnect=0.2)) as here, anyio.create_task_group() as tasks:
            call = Outcome(tasks, here.peer.read(mark="sent", before=1, after=0))
            await here.running("sent")
            await away(here)
            error = await call.failed()
            assert isinstance(error, OutcomeUnknown)
            assert "did not come back" in error.message

    async def test_the_call_s_own_timeout_counts_meanwhile(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            peer = here.peer
            await away(here)
            call = Outcome(tasks, peer.read(mark="waits", before=0, after=0, timeout=0.2))
            assert isinstance(await call.failed(), NotSent)
            assert 0.15 < call.took < 1

    async def test_a_server_that_stops_waits_for_nobody(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            peer = here.peer
            await away(here)
            call = Outcome(tasks, peer.read(mark="waits", before=0, after=0))
            await anyio.sleep(0.05)
            await here.server.aclose()
            error = await call.failed()
            assert isinstance(error, NotSent)
            assert "the server stops" in error.message
            assert call.took < 1

    async def test_a_client_that_is_lost_while_the_server_stops_is_not_waited_for(self) -> None:
        async with banking() as here, anyio.create_task_group() as tasks:
            Outcome(tasks, here.client.fire(mark="long", before=1, after=0))
            call = Outcome(tasks, here.peer.read(mark="back", before=1, after=0))
            await here.running("long")
            await here.running("back")
            tasks.start_soon(here.server.aclose)
            await until(lambda: here.client.connection.session.peer_leaving)
            here.proxy.cut()
            await call.failed()
            assert call.took < 1
            assert len(here.server._clients) == 0

    async def test_who_came_back_is_not_forgotten(self) -> None:
        async with banking(Limits(reconnect=0.2)) as here:
            await here.cut()
            await until(lambda: [peer.connection.generation for peer in here.server.peers()] == [2])
            peer = here.peer
            await anyio.sleep(0.3)
            await here.cut()
            assert (await peer.read(mark="on", before=0, after=0)).mark == "on"

    async def test_no_more_are_waited_for_than_there_may_be_connections(self) -> None:
        async with serving(Room(), Limits(connections=2)) as server:
            peers: list[Any] = []
            for _ in range(4):
                async with ChatClient.open(url_of(server)) as client:
                    await client.echo(text="on")  # the server knows who it is
                    peers += server.peers()
                    server.connections[0].abort()
                    await connection_of(client).until_closed()
                    client._channel.end(NotSent("it is not to come back"))
                    assert client._keeper is not None
                    client._keeper.cancel()
                await until(lambda: not server.connections)
            assert len(server._clients) == 2
            for peer in peers[:2]:
                with pytest.raises(NotSent, match="did not come back"), anyio.fail_after(0.1):
                    await peer.ask_back(depth=0)


class TestGoodbye:
    async def test_a_peer_that_takes_no_more_calls_is_not_asked_again_and_again(self) -> None:
        async with talking(Room(), guest=Guest()) as (server, client):
            (peer,) = server.peers()
            connection_of(client).leave(Goaway("closing down"))
            await until(lambda: peer.connection.session.peer_leaving)
            with pytest.raises(NotSent, match="closing down") as caught, anyio.fail_after(1):
                await peer.ask_back(depth=0)
            assert caught.value.ran is Ran.NO

    async def test_who_takes_no_more_calls_is_not_waited_for_either(self) -> None:
        async with serving(Room()) as server, anyio.create_task_group() as tasks:
            handle, handler = (await ChatClient.connect(url_of(server))).start_handler()
            tasks.start_soon(handler)
            connection = connection_of(handle)
            connection.leave(Goaway("closing down"))
            await until(lambda: len(server._clients) and server.peers()[0].connection.session.peer_leaving)
            connection.abort()
            with anyio.fail_after(1):
                await until(lambda: len(server._clients) == 0)

    @pytest.mark.parametrize("code", [CloseCode.NORMAL, CloseCode.GOING_AWAY])
    async def test_a_client_that_closes_is_not_waited_for(self, code: CloseCode) -> None:
        async with serving(Room()) as server, anyio.create_task_group() as tasks:
            handle, handler = (await ChatClient.connect(url_of(server), serve=Guest())).start_handler()
            tasks.start_soon(handler)
            await until(server.peers)
            (peer,) = server.peers()
            call = Outcome(tasks, peer.ask_back(depth=10**9))
            await anyio.sleep(0.02)
            connection_of(handle).close(code)
            with anyio.fail_after(1):
                await call.failed()
                with pytest.raises(NotSent, match=str(int(code))):
                    await peer.ask_back(depth=0)
            assert len(server._clients) == 0


class Nameless(ChatClient):
    """Tells no session."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._session = ""


def posing_as(client: ChatClient, generation: int) -> type[ChatClient]:
    """What tells the session of another client."""

    class Posing(ChatClient):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self._session = client._session
            self._generation = generation - 1

    return Posing


class TestSessions:
    async def test_who_tells_none_is_gone_with_its_connection_and_in_nobody_s_way(self) -> None:
        async with serving(Room()) as server:
            async with Nameless.open(url_of(server)) as one, Nameless.open(url_of(server)) as other:
                await until(lambda: len(server.peers()) == 2)
                assert (await one.echo(text="on")).text == (await other.echo(text="on")).text
                first, second = server.peers()
                connection = first.connection
                connection.abort()
                await connection.until_closed()
                with pytest.raises(NotSent), anyio.fail_after(0.1):
                    await first.ask_back(depth=0)
                assert second.connection.closed is None
                assert len(server._clients) == 0

    async def test_a_connection_that_comes_too_late_takes_nobody_s_place(self) -> None:
        async with talking(Room(), guest=Guest()) as (server, client), anyio.create_task_group() as tasks:
            await until(server.peers)
            (peer,) = server.peers()
            handle, handler = (await posing_as(client, generation=0).connect(url_of(server))).start_handler()
            tasks.start_soon(handler)
            late = connection_of(handle)
            await late.until_closed()
            assert late.closed is not None
            assert late.closed.close_code == CloseCode.FENCED
            assert server.peers() == [peer]
            assert await peer.ask_back(depth=0) == 0

    async def test_nobody_goes_on_with_the_session_of_somebody_else(self) -> None:
        tokens = {name: new_token() for name in ("ann", "eve")}
        known = StaticTokens.of({token: Identity(name=name, unrestricted=True) for name, token in tokens.items()})
        with anyio.fail_after(BOUND):
            async with serve(Room(), authenticator=known) as server:
                async with ChatClient.open(url_of(server), token=tokens["ann"], serve=Guest()) as ann:
                    await until(server.peers)
                    (peer,) = server.peers()
                    async with posing_as(ann, generation=9).open(url_of(server), token=tokens["eve"]):
                        await until(lambda: len(server.peers()) == 2)
                        assert await peer.ask_back(depth=0) == 0, "and not by Eve, who serves nothing"
                        assert peer.connection.identity.name == "ann"


async def test_a_call_in_the_same_read_as_the_word_of_who_is_back_comes_from_the_peer_that_was_there() -> None:
    room = Room()
    async with serving(room) as server, raw_client(server.port) as before, raw_client(server.port) as after:
        for gen, client in enumerate((before, after)):
            hello = {"protocol": "chat", "version": "1.0.0", "api": 1, "session": "its own", "gen": gen}
            await client.say({"hello": hello}, {"id": "1", "action": "echo", "params": {"text": "a"}})
            assert "hello" in await client.hear()
            assert (await client.hear())["data"]["text"] == "a"
    first, second = room.calls
    assert first.connection is not second.connection
    assert first.peer is second.peer
