"""Servers that answer what they should not: whoever asked is told, and all else on the connection goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from tests.runtime.chat import ChatClient, Said
from tests.runtime.raw import EXTENSIONS, Raw, raw_client, raw_server
from tests.runtime.support import BOUND, Guest, Room, serving, until
from websockets.exceptions import ConnectionClosed, InvalidState

from duologue import EventStream, HistoryLost, Internal, InvalidArgument, Limits, PermissionDenied, Unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_back_off")]

HELLO = {"hello": {"protocol": "chat", "version": "1.0.0", "api": 1, "session": "raw", "gen": 1}}
START = {"epoch": "e", "seq": 0}


class Script:
    """A server that does for each request of an action what it was told to.

    Without `hello` it knows the plain shapes alone.
    """

    def __init__(self, *, hello: bool = True, **answers: Callable[[Raw, dict[str, Any]], Awaitable[None]]) -> None:
        self.heard: list[dict[str, Any]] = []
        self.connections = 0
        self.news: list[dict[str, Any]] = []
        self.answers = {"echo": self.echo, "subscribe": begin, "unsubscribe": done, **answers}
        self.hello = hello

    def asked(self, action: str) -> list[dict[str, Any]]:
        return [message for message in self.heard if message.get("action") == action]

    async def tell(self, client: ChatClient, *news: dict[str, Any]) -> None:
        """Let a client hear this; returns when it has."""
        self.news = list(news)
        await client.echo(text="behind it")

    async def echo(self, raw: Raw, request: dict[str, Any]) -> None:
        news, self.news = self.news, []
        await raw.say(*news, {"id": request["id"], "data": {"text": request["params"]["text"]}, "error": None})

    async def handle(self, raw: Raw) -> None:
        self.connections += 1
        if self.hello:
            await raw.say(HELLO)
        try:
            while True:
                message = await raw.hear()
                self.heard.append(message)
                if "action" in message:
                    await self.answers[message["action"]](raw, message)
        except (ConnectionClosed, InvalidState):  # it has left, perhaps while it was answered
            pass


async def answer(raw: Raw, request: dict[str, Any], data: Any) -> None:
    await raw.say(id=request["id"], data=data, error=None)


async def refuse(raw: Raw, request: dict[str, Any], status: str) -> None:
    error = {"code": status, "status": status, "message": "not now", "ran": False}
    await raw.say(id=request["id"], data=None, error=error)


async def done(raw: Raw, request: dict[str, Any]) -> None:
    await answer(raw, request, None)


async def begin(raw: Raw, request: dict[str, Any]) -> None:
    """A subscription that goes on from where it is asked to, or from the beginning."""
    sub, since = request["params"]["sub"], request["params"].get("since")
    await answer(raw, request, {"sub": sub, **(since or START), "resumed": since is not None})
    await raw.say(sub=sub, live=since or START)


def said(seq: int, **data: Any) -> dict[str, Any]:
    return {"event": "said", "data": {"room": "a", "text": "", "number": seq, **data}, "seq": seq}


@asynccontextmanager
async def scripted(script: Script, limits: Limits | None = None) -> AsyncGenerator[tuple[Script, ChatClient]]:
    with anyio.fail_after(BOUND):
        async with (
            raw_server(script.handle, (EXTENSIONS,) if script.hello else ()) as port,
            ChatClient.open(f"ws://127.0.0.1:{port}", limits=limits) as client,
        ):
            yield script, client
            assert (await client.echo(text="on")).text == "on", "all else goes on"


async def numbers(stream: EventStream[Said], count: int) -> list[int]:
    return [(await anext(stream)).number for _ in range(count)]


async def test_an_item_that_does_not_fit_ends_its_stream_and_the_handler() -> None:
    async def count(raw: Raw, request: dict[str, Any]) -> None:
        await raw.say(*({"id": request["id"], "item": {"value": value}, "n": n} for n, value in enumerate([1, "two"])))

    async with scripted(Script(count=count)) as (script, client):
        async with client.count(upto=3) as stream:
            assert (await anext(stream)).value == 1
            with pytest.raises(Internal, match="count: an item does not fit the protocol"):
                await anext(stream)
            await until(lambda: any("cancel" in message for message in script.heard))


async def test_an_answer_to_subscribe_that_is_none() -> None:
    async def begin_wrongly(raw: Raw, request: dict[str, Any]) -> None:
        await answer(raw, request, {"sub": 5})

    async with scripted(Script(subscribe=begin_wrongly)) as (_, client):
        with pytest.raises(InvalidArgument, match="subscribe: the answer does not fit"):
            await client.events.said().start()


async def test_an_event_that_does_not_fit_is_a_hole_for_those_who_want_it() -> None:
    async with scripted(Script()) as (script, client), client.events.said() as stream, client.events.typing() as other:
        await script.tell(client, said(1), said(2, room=5), {"event": "typing", "data": {"who": "me"}})
        assert await numbers(stream, 1) == [1]
        with pytest.raises(HistoryLost, match="said does not fit the protocol"):
            await anext(stream)
        assert (await anext(other)).who == "me"


async def test_after_a_hole_nothing_is_read_any_more() -> None:
    async with scripted(Script()) as (script, client), client.events.said() as stream:
        [request] = script.asked("subscribe")
        reset = {"sub": request["params"]["sub"], "reset": {"reason": "history_cut", "epoch": "e", "seq": 4}}
        await script.tell(client, said(1), reset, said(5))
        assert await numbers(stream, 1) == [1]
        for _ in range(2):
            with pytest.raises(HistoryLost, match="history_cut"):
                await anext(stream)


async def test_a_stream_that_is_refused_on_the_next_connection_ends() -> None:
    async def begin_once(raw: Raw, request: dict[str, Any]) -> None:
        await (begin(raw, request) if script.connections == 1 else refuse(raw, request, "permission_denied"))

    script = Script(subscribe=begin_once)
    async with scripted(script) as (_, client), client.events.said() as stream:
        client.connection.abort()
        with pytest.raises(PermissionDenied):
            await anext(stream)
        assert script.connections == 2


async def test_a_reader_that_may_not_catch_up_at_once_can_do_so_later() -> None:
    async def begin_but_once(raw: Raw, request: dict[str, Any]) -> None:
        times = len(script.asked("subscribe"))
        await (refuse(raw, request, "unavailable") if times == 2 else begin(raw, request))
        if times == 3:
            await raw.say(said(3), said(4))

    script = Script(subscribe=begin_but_once)
    async with scripted(script, limits=Limits(event_queue=2)) as (_, client), client.events.said() as stream:
        await script.tell(client, *(said(seq) for seq in range(1, 5)))
        assert await numbers(stream, 2) == [1, 2]
        with pytest.raises(Unavailable):
            await anext(stream)
        assert await numbers(stream, 2) == [3, 4]
        assert script.asked("subscribe")[-1]["params"]["since"] == {"epoch": "e", "seq": 2}


async def test_a_stream_is_asked_for_once_on_a_connection() -> None:
    async with scripted(Script()) as (script, client), client.events.said() as stream:
        await stream.resume(client.connection)
        await stream.start()
        await client.echo(text="behind it")
        assert len(script.asked("subscribe")) == 1


async def test_a_plain_server_is_asked_for_the_names_alone() -> None:
    async def begin_plainly(raw: Raw, request: dict[str, Any]) -> None:
        await answer(raw, request, {"sub": "", **START})

    script = Script(hello=False, subscribe=begin_plainly)
    async with scripted(script) as (_, client), client.events.said(room="a") as stream:
        assert script.asked("subscribe")[0]["params"] == {"events": ["said"]}
        news = [{"event": "said", "data": said(seq, room=room)["data"]} for room, seq in (("b", 1), ("a", 2))]
        await script.tell(client, *news)
        assert await numbers(stream, 1) == [2]


async def test_what_follows_the_hello_at_once_waits_for_its_handlers() -> None:
    heard: list[dict[str, Any]] = []

    async def ask_at_once(raw: Raw) -> None:
        await raw.say(HELLO, {"id": "7", "action": "ask_back", "params": {"depth": 0}})
        with suppress(ConnectionClosed):
            while True:
                heard.append(await raw.hear())

    guest = Guest()
    with anyio.fail_after(BOUND):
        async with raw_server(ask_at_once) as port, ChatClient.open(f"ws://127.0.0.1:{port}", serve=guest):
            await until(lambda: any(message.get("id") == "7" for message in heard))
    [answered] = [message for message in heard if message.get("id") == "7"]
    assert (answered["data"], answered["error"]) == (0, None)
    assert len(guest.calls) == 1


async def test_a_client_s_notes_and_goodbyes_cost_a_server_nothing() -> None:
    async with serving(Room()) as server, raw_client(server.port) as raw:
        await raw.hear()
        await raw.say(HELLO, {"sub": "s1", "live": START}, {"goaway": {"reason": "bye"}})
        await raw.say(id="1", action="echo", params={"text": "on"})
        assert (await raw.hear())["data"]["text"] == "on"


async def test_a_stream_that_is_left_twice_is_left_once() -> None:
    async with scripted(Script()) as (script, client):
        async with client.events.said() as stream:
            [request] = script.asked("subscribe")
            await stream.aclose()
            client.hub.remove(request["params"]["sub"])
        assert len(script.asked("unsubscribe")) == 1
        assert client.hub.streams == []
