"""Interceptors stand around handlers and calls, the first outermost; nothing stands there when there are none."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.chat import ChatClient, Echo, EchoParams, Said, Waved
from tests.runtime.files import FilesClient, Shelf
from tests.runtime.support import BOUND, Guest, Room, until, url_of

from duologue import (
    Call,
    CallError,
    CallNext,
    CallOptions,
    CallRequest,
    Cancelled,
    DeadlineExceeded,
    HandlerNext,
    Interceptors,
    NotFound,
    PermissionDenied,
    Ran,
    serve,
)
from duologue.handling.interceptors import around_handler

pytestmark = pytest.mark.anyio


class Trail:
    """Interceptors that write down where they were, in order."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def handler(self, name: str) -> Any:
        async def intercept(call: Call[Any], params: Any, proceed: HandlerNext) -> Any:
            self.steps.append(f"{name} before {call.action}")
            try:
                return await proceed(call, params)
            except CallError as error:
                self.steps.append(f"{name} {error.code}")
                raise
            finally:
                self.steps.append(f"{name} after")

        return intercept

    def call(self, name: str) -> Any:
        async def intercept(request: CallRequest, params: Any, proceed: CallNext) -> Any:
            self.steps.append(f"{name} before {request.action}")
            try:
                return await proceed(request, params)
            except CallError as error:
                self.steps.append(f"{name} {error.code}")
                raise
            finally:
                self.steps.append(f"{name} after")

        return intercept


@asynccontextmanager
async def around(
    room: Room | None = None,
    *,
    server: Interceptors | None = None,
    client: Interceptors | None = None,
    guest: Guest | None = None,
) -> AsyncGenerator[ChatClient]:
    """A client and a server, each with its interceptors."""
    none = Interceptors()
    with anyio.fail_after(BOUND):
        async with (
            serve(room or Room(), interceptors=server or none) as listening,
            ChatClient.open(url_of(listening), serve=guest, interceptors=client or none) as one,
        ):
            yield one


async def test_the_first_of_each_is_the_outermost() -> None:
    trail = Trail()
    handlers = Interceptors(handlers=[trail.handler("h1"), trail.handler("h2")])
    calls = Interceptors(calls=[trail.call("c1"), trail.call("c2")])
    async with around(server=handlers, client=calls) as client:
        assert (await client.echo(text="a")).text == "a"
    assert trail.steps == [
        "c1 before echo", "c2 before echo", "h1 before echo", "h2 before echo",
        "h2 after", "h1 after", "c2 after", "c1 after",
    ]  # fmt: skip


async def test_errors_flow_through_them_as_they_are() -> None:
    trail = Trail()
    handlers, calls = Interceptors(handlers=[trail.handler("h")]), Interceptors(calls=[trail.call("c")])
    async with around(server=handlers, client=calls) as client:
        with pytest.raises(NotFound) as caught:
            await client.echo(text="none")
    assert caught.value.code == "no_room"
    assert trail.steps == ["c before echo", "h before echo", "h no_room", "h after", "c no_room", "c after"]


async def test_they_may_change_params_and_results_answer_themselves_or_refuse() -> None:
    async def handler(call: Call[Any], params: Any, proceed: HandlerNext) -> Any:
        if params.text == "cached":
            return Echo(text="from the interceptor")
        if params.text == "forbidden":
            raise PermissionDenied("not here")
        answer = await proceed(call, params.model_copy(update={"text": params.text.upper()}))
        return answer.model_copy(update={"text": answer.text + "!"})

    async def call(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        answer = await proceed(request, params.model_copy(update={"times": 2}) if params.text == "ab" else params)
        return answer.model_copy(update={"text": answer.text + "?"})

    room = Room()
    async with around(room, server=Interceptors(handlers=[handler]), client=Interceptors(calls=[call])) as client:
        assert (await client.echo(text="ab")).text == "ABAB!?"
        assert (await client.echo(text="cached")).text == "from the interceptor?"
        with pytest.raises(PermissionDenied) as caught:
            await client.echo(text="forbidden")
    assert caught.value.ran is Ran.YES
    assert len(room.calls) == 1


async def test_a_call_goes_out_with_the_timeout_and_the_options_that_it_was_given_on_the_way() -> None:
    async def call(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        meta = {**(request.options.meta or {}), "tag": request.action}
        return await proceed(replace(request, timeout=0.05, options=CallOptions(meta=meta)), params)

    room = Room()
    async with around(room, client=Interceptors(calls=[call])) as client:
        await client.echo(text="a", options=CallOptions(meta={"mine": "1"}))
        with pytest.raises(DeadlineExceeded):
            await client.nap(seconds=10, timeout=10)
    assert [dict(one.meta) for one in room.calls] == [{"mine": "1", "tag": "echo"}, {"tag": "nap"}]


async def test_a_call_may_be_made_again() -> None:
    async def twice(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        try:
            return await proceed(request, params)
        except NotFound:
            return await proceed(request, EchoParams(text="other"))

    async with around(client=Interceptors(calls=[twice])) as client:
        assert (await client.echo(text="none")).text == "other"


async def test_what_an_interceptor_breaks_is_told_as_of_a_handler(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(call: Call[Any], params: Any, proceed: HandlerNext) -> Any:
        raise RuntimeError("broken")

    async with around(server=Interceptors(handlers=[broken])) as client:
        with pytest.raises(CallError, match="incident"):
            await client.echo(text="a")
    assert "broken" in caplog.text


async def test_streams_are_within_those_of_handlers_and_begin_within_those_of_calls() -> None:
    trail, given = Trail(), list[Any]()

    async def opening(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        given.append(await proceed(request, params.model_copy(update={"upto": 3})))

    handlers, calls = Interceptors(handlers=[trail.handler("h")]), Interceptors(calls=[opening, trail.call("c")])
    async with around(server=handlers, client=calls) as client:
        async with client.count(upto=1) as numbers:
            assert trail.steps[:2] == ["c before count", "c after"]
            assert [number.value async for number in numbers] == [0, 1, 2]
            assert (await numbers.result()).text == "done"
    assert given == [None]
    assert trail.steps[2:] == ["h before count", "h after"]


async def test_a_stream_that_is_not_let_begin_says_so() -> None:
    async def idle(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        return None

    async def refusing(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        raise PermissionDenied("not now", ran=Ran.NO)

    room = Room()
    async with around(room, client=Interceptors(calls=[idle])) as client:
        with pytest.raises(Cancelled, match="did not proceed") as caught:
            await client.count(upto=1).result()
        assert caught.value.ran is Ran.NO
    async with around(room, client=Interceptors(calls=[refusing])) as client:
        with pytest.raises(PermissionDenied):
            async with client.count(upto=1):
                pass
    assert room.calls == []


@pytest.mark.parametrize("proceeds", [True, False])
async def test_a_stream_that_was_refused_is_not_begun_when_it_is_used_again(*, proceeds: bool) -> None:
    asked: list[str] = []

    async def refusing(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        asked.append(request.action)
        if proceeds:
            await proceed(request, params)
        raise PermissionError("not now")

    room = Room()
    async with around(room, client=Interceptors(calls=[refusing])) as client:
        numbers = client.count(upto=100_000)
        for _ in range(2):
            with pytest.raises(PermissionError):
                await numbers.result()
        with pytest.raises(PermissionError):
            await anext(numbers)
        await until(lambda: room.stopped == len(room.calls))
        assert not client.connection.session.outgoing
    assert asked == ["count"] * 3
    assert len(room.calls) <= proceeds


@pytest.mark.parametrize("kind", ["bytes", "file", "generator"])
async def test_an_upload_may_be_made_again(kind: str, tmp_path: Path) -> None:
    async def generated() -> AsyncGenerator[bytes]:
        yield b"x" * 1000

    async def twice(request: CallRequest, params: Any, proceed: CallNext) -> Any:
        await proceed(request, params)
        return await proceed(request, params)

    path, shelf = tmp_path / "body", Shelf()
    path.write_bytes(b"x" * 1000)
    with anyio.fail_after(BOUND), path.open("rb") as file:
        async with (
            serve(shelf) as server,
            FilesClient.open(f"ws://127.0.0.1:{server.port}", interceptors=Interceptors(calls=[twice])) as client,
        ):
            bodies: dict[str, Any] = {"bytes": b"x" * 1000, "file": file, "generator": generated()}
            assert (await client.put(bodies[kind], name="a")).size == 1000
    assert shelf.runs == ["a", "a"]


async def test_uploads_and_downloads_pass_through_them() -> None:
    trail = Trail()
    both = Interceptors(handlers=[trail.handler("h")], calls=[trail.call("c")])
    with anyio.fail_after(BOUND):
        async with (
            serve(Shelf(), interceptors=both) as server,
            FilesClient.open(f"ws://127.0.0.1:{server.port}", interceptors=both) as client,
        ):
            await client.put(b"x" * 1000, name="a")
            assert trail.steps == ["c before put", "h before put", "h after", "c after"]
            trail.steps.clear()
            async with client.get(name="a") as download:
                assert b"".join([part async for part in download]) == b"x" * 1000
    assert trail.steps == ["c before get", "c after", "h before get", "h after"]


async def test_calls_from_the_server_and_events_from_the_client_have_theirs_too() -> None:
    trail, room = Trail(), Room()
    server = Interceptors(handlers=[trail.handler("server")], calls=[trail.call("to client")])
    client = Interceptors(handlers=[trail.handler("client")], calls=[trail.call("to server")])
    async with around(room, server=server, client=client, guest=Guest()) as one:
        assert await one.ask(depth=1) == 1
        assert trail.steps[:4] == [
            "to server before ask", "server before ask", "to client before ask_back", "client before ask_back",
        ]  # fmt: skip
        trail.steps.clear()
        await one.notify(Waved(who="me"))
        await until(lambda: len(trail.steps) == 2)
    assert trail.steps == ["server before waved", "server after"]
    assert [event.who for event in room.waved] == ["me"]


async def test_built_in_actions_have_none() -> None:
    trail, room = Trail(), Room()
    both = Interceptors(handlers=[trail.handler("h")], calls=[trail.call("c")])
    async with around(room, server=both, client=both) as client:
        async with client.events.said() as said:
            await room.publisher.emit(Said(room="a", text="x"))
            assert (await anext(said)).text == "x"
    assert trail.steps == []


def test_without_any_nothing_stands_around() -> None:
    for bound in Room().handlers():
        assert around_handler(bound, ()) is bound
    assert ChatClient._around == ()
