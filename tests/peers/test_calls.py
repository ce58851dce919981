"""What goes wrong elsewhere between a call and its answer."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Literal, cast

import anyio
import pytest
from tests.runtime.chat import AskParams, ChatClient, ChatPeer, Echo, EchoParams, Said, Waved
from tests.runtime.proxy import proxied
from tests.runtime.raw import Raw, raw_client
from tests.runtime.support import Guest, Room, connection_of, fill, serving, talking, until
from typing_extensions import override

from duologue import (
    Call,
    CallError,
    DeadlineExceeded,
    InvalidArgument,
    Limits,
    NotSent,
    Ran,
    Unimplemented,
)
from duologue.deadlines import Deadline
from duologue.session.answering import Answering
from duologue.testing import Simulation, simulate

pytestmark = pytest.mark.anyio


# ----------------------------------------------------------------------------------------- handlers beside the reading
class Meeting(Room):
    """Whoever echoes waits until all are there."""

    def __init__(self, guests: int) -> None:
        super().__init__()
        self.guests = guests
        self.met = anyio.Event()

    @override
    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
        self.calls.append(call)
        if len(self.calls) == self.guests:
            self.met.set()
        await self.met.wait()
        return Echo(text=params.text)


async def test_fastapi_websocket_rpc_48_handlers_of_one_connection_run_beside_each_other() -> None:
    async with talking(Meeting(20)) as (_, client), anyio.create_task_group() as tasks:
        for _ in range(20):  # one after the other, none would ever end
            tasks.start_soon(partial(client.echo, text="on", timeout=5))


class Curious(Room):
    """Asks whoever waves."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[int] = []

    @override
    async def on_waved(self, call: Call[ChatPeer], event: Waved) -> None:
        self.answers.append(await call.peer.ask_back(depth=3, timeout=5))


async def test_centrifuge_python_a_callback_of_an_event_may_call_its_peer() -> None:
    room = Curious()
    async with talking(room, guest=Guest()) as (_, client):
        for _ in range(10):
            await client.notify(Waved(who="me"))
        await until(lambda: len(room.answers) == 10)
        assert room.answers == [3] * 10


async def test_signalr_3147_who_reads_events_may_call_its_server() -> None:
    async with talking(Room()) as (server, client), client.events.said() as said:
        for number in range(10):
            await server.emit(Said(room="a", text="", number=number))
        heard = 0
        async for event in said:
            assert (await client.echo(text=str(event.number), timeout=5)).text == str(heard)
            heard += 1
            if heard == 10:
                break


# ------------------------------------------------------------------------------------------------- a peer that is slow
@asynccontextmanager
async def extended(room: Room, limits: Limits | None = None) -> AsyncGenerator[Raw]:
    """A client that speaks the extensions and does nothing unasked."""
    async with serving(room, limits) as server, raw_client(server.port) as peer:
        assert "hello" in await peer.hear()
        await peer.say(hello={"protocol": "chat", "version": "1.0.0", "api": 1, "session": "raw", "gen": 1})
        yield peer


async def test_tcl_lsp_1334_handlers_that_wait_for_the_peer_never_stop_the_reading() -> None:
    """Every place is taken by a handler that waits for an answer, and a burst stands before the answers."""
    places, burst = 4, 1000
    async with extended(Room(), Limits(in_flight=places)) as peer:
        for number in range(places):
            await peer.say(id=f"ask {number}", action="ask", params={"depth": 1})
        questions = [await peer.hear() for _ in range(places)]
        assert [question["action"] for question in questions] == ["ask_back"] * places
        for number in range(burst):
            await peer.say(id=f"more {number}", action="echo", params={"text": "x"})
        for question in questions:
            await peer.say(id=question["id"], data=0, error=None)
        refused = [await peer.hear() for _ in range(burst)]
        assert all(answer["error"]["ran"] is False for answer in refused), "each is refused at once, and none waits"
        answers = [await peer.hear() for _ in range(places)]
        assert {answer["id"]: answer["data"] for answer in answers} == {f"ask {n}": 1 for n in range(places)}
        await peer.say(id="on", action="echo", params={"text": "on"})
        assert (await peer.hear())["data"]["text"] == "on"


async def test_tcl_lsp_1334_both_ends_full_of_handlers_that_wait_for_each_other_go_on_by_their_deadlines() -> None:
    """At this depth every place of both ends is taken by one chain, and the next call of it needs another."""
    limits = Limits(in_flight=2)
    room, guest = Room(), Guest()
    async with talking(room, guest=guest, limits=limits, client_limits=limits) as (server, client):
        outcomes: list[str] = []

        async def ask() -> None:
            try:
                await client.ask(depth=9, timeout=0.3)
            except CallError as error:
                outcomes.append(error.code)

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(ask)
        assert len(outcomes) == 4, "none of them hangs"
        await until(lambda: not server.connections[0].session.incoming)
        assert await client.ask(depth=3, timeout=5) == 3


# ------------------------------------------------------------------------------------------------------- late answers
async def test_pygls_621_an_answer_after_its_caller_gave_up_is_dropped_and_the_reading_goes_on() -> None:
    """On whichever end the caller is, and however close the answer follows."""

    class Slow(Guest):
        @override
        async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
            await anyio.sleep(0.2)
            return await super().ask_back(call, params)

    async with talking(Room(), guest=Slow()) as (server, client):
        for connection, begin in (
            (connection_of(client), partial(client.nap, seconds=0.2)),
            (server.connections[0], partial(server.peers()[0].ask_back, depth=0)),
        ):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(begin)
                    await until(lambda: connection.session.outgoing)  # noqa: B023 - ends before the next round
                    [id] = connection.session.outgoing
                    scope.cancel()  # the task is cancelled, and has not run since
                    connection.on_message(b'{"id":"%b","data":null,"error":null}' % id.encode())
                    connection.on_message(b'{"id":"%b","data":null,"error":null}' % id.encode())
            assert scope.cancelled_caught
            assert connection.calls.dropped >= 1
            assert not connection.session.outgoing
        assert (await client.echo(text="on", timeout=2)).text == "on"
        assert await server.peers()[0].ask_back(depth=1, timeout=2) == 1


async def test_pygls_621_an_answer_after_the_deadline_of_a_handler_s_call_is_dropped() -> None:
    """Every answer comes too late: each ends one call, and not the reading."""
    async with extended(Room()) as peer:
        for number in range(3):
            await peer.say(id=f"ask {number}", action="ask", params={"depth": 1}, deadline=30)
            question = await peer.hear()
            told = {(await peer.hear()).get("id", "cancel") for _ in range(2)}
            assert told == {f"ask {number}", "cancel"}
            await peer.say(id=question["id"], data=0, error=None)
        await peer.say(id="on", action="echo", params={"text": "on"})
        assert (await peer.hear())["id"] == "on"


# --------------------------------------------------------------------------------------------------- cancelled in time
async def test_pygls_517_calls_that_were_cancelled_while_they_waited_are_never_sent() -> None:
    """Behind a slow call, dozens wait whose callers have given up."""
    room = Room()
    async with talking(room, limits=Limits(in_flight=1)) as (_, client), anyio.create_task_group() as tasks:
        tasks.start_soon(partial(client.nap, seconds=0.2))
        await until(lambda: room.running == 1)
        async with anyio.create_task_group() as waiting:
            for _ in range(60):
                waiting.start_soon(partial(client.nap, seconds=0.1))
            await until(lambda: len(connection_of(client).calls._places) == 60)
            waiting.cancel_scope.cancel()
        assert (await client.echo(text="on")).text == "on"
        assert [call.action for call in room.calls] == ["nap", "echo"]


async def test_pygls_517_calls_that_are_cancelled_in_the_same_read_never_run() -> None:
    room = Room()
    async with extended(room) as peer:
        for number in range(60):
            nap = {"id": f"nap {number}", "action": "nap", "params": {"seconds": 5}}
            await peer.say(nap, {"cancel": f"nap {number}"})
        answers = [await peer.hear() for _ in range(60)]
        assert {answer["error"]["status"] for answer in answers} == {"cancelled"}
        assert {answer["error"].get("ran") for answer in answers} == {False}
        assert room.calls == []


# ------------------------------------------------------------------------------------------------------------ counters
def is_over(entry: object) -> bool:
    """Whether this is an entry of a heap that was cancelled: those are taken out when they come up, or are many."""
    parts = cast("Any", entry if isinstance(entry, tuple) else (entry,) if isinstance(entry, Deadline) else ())
    return any(getattr(part, name, part) is None for part in parts for name in ("item", "callback"))


def contents(*roots: object) -> dict[str, int]:
    """How much is in each container that the runtime reaches from here, by its place."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [(type(root).__name__, root) for root in roots]
    while waiting:
        place, thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (dict, list, deque)):
            values = list(cast("Any", thing).values() if isinstance(thing, dict) else cast("list[Any]", thing))
            found[place] = found.get(place, 0) + sum(not is_over(value) for value in values)
            waiting += [(f"{place}[]", value) for value in values]
        elif isinstance(thing, tuple):
            waiting += [(f"{place}[]", value) for value in cast("Any", thing)]
        elif type(thing).__module__.startswith(("duologue", "tests")):
            slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting += [
                (f"{place}.{name}", getattr(thing, name, None)) for name in [*getattr(thing, "__dict__", ()), *slots]
            ]
    return found


async def everything_once(client: ChatClient, room: Room) -> None:
    """One call of each way in which a call can end."""
    await client.echo(text="x")
    for text in ("none", "boom"):
        with suppress(CallError):
            await client.echo(text=text)
    with pytest.raises(InvalidArgument):
        await connection_of(client).calls.ask("echo", b"{}")
    with pytest.raises(Unimplemented):
        await connection_of(client).calls.ask("sing", b"{}")
    with pytest.raises(NotSent):
        await client.echo(text="x" * 60_000)
    with pytest.raises(NotSent):
        await client.echo(text="x", timeout=0)
    with suppress(DeadlineExceeded, NotSent):  # the latter where the machine is slow
        await client.nap(seconds=5, timeout=0.002)
    with anyio.move_on_after(0.002):
        await client.nap(seconds=5)
    async with client.count(upto=5) as whole:
        await whole.result()
    async with client.count(upto=500) as left:
        await anext(left)
    with suppress(CallError):
        async with client.count(upto=5, fail_at=2) as failed:
            await failed.result()
    await client.ask(depth=2)
    await client.notify(Waved(who="me"))
    async with client.events.said(), client.events.typing():
        pass
    await until(lambda: not connection_of(client).session.outgoing and not room.running)


async def test_nats_py_113_what_is_counted_for_a_call_is_given_back_when_it_ends() -> None:
    """With bounds far below the number of calls: whatever one of them kept would refuse, or hold up, a later one."""
    limits = Limits(in_flight=3, calls=3, subscriptions=2, stream_window=4, event_queue=4)
    cycles = 10
    room = Room()
    async with talking(room, guest=Guest(), limits=limits, client_limits=limits) as (server, client):
        sizes: list[dict[str, int]] = []
        for _ in range(3):
            for _ in range(cycles):
                await everything_once(client, room)
            await until(lambda: len(room.waved) == cycles and not server.connections[0].session.incoming)
            room.waved.clear()
            room.calls.clear()
            sizes.append(contents(client, server))
        grown = {place: (sizes[0].get(place, 0), size) for place, size in sizes[2].items()}
        assert {place: size for place, size in grown.items() if size[1] >= size[0] + cycles} == {}


async def test_nats_py_113_waits_that_were_given_up_are_forgotten() -> None:
    """For room on a connection that takes nothing, by callers at one end and handlers at the other."""

    class Wide(Room):
        @override
        async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
            await call.connection.outlet.room()
            raise AssertionError("there was none")

    limits = Limits(outbound=16 * 1024, write_deadline=60)
    async with serving(Wide(), limits) as server, proxied(server.port) as proxy:
        async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}", limits=limits) as client:
            await client.nap(seconds=0)
            proxy.stalled = True
            connection, other = connection_of(client), server.connections[0]
            for end, waved in ((connection, b"waved"), (other, b"typing")):
                await fill(end, b'{"event":"%b","data":{"who":"%b"}}' % (waved, b"x" * 60_000))
            for number in range(20):
                with pytest.raises(NotSent):
                    await client.echo(text="x", timeout=0.002)
                other.on_message(b'{"id":"%d","action":"echo","params":{"text":"x"},"deadline":2}' % number)
                other.on_pass_end()
            await until(lambda: not other.session.incoming and not other.outlet.waiters)
            assert connection.outlet.waiters == {}
            proxy.cut()


# ------------------------------------------------------------------------------------------------ a peer that is silent
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cdp_use_a_call_without_a_timeout_ends_though_the_peer_never_answers(
    backend: Literal["asyncio", "trio"],
) -> None:
    def keep_silent(*answer: object) -> None: ...

    async def scenario(simulation: Simulation) -> None:
        async with simulation.serving(Room(), port=1) as host, ChatClient.open(host.url) as client:
            [connection] = host.server.connections
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Answering, "_respond", keep_silent)
                for stream in (None, client.count):
                    started = simulation.now()
                    with pytest.raises(DeadlineExceeded) as caught:
                        await (client.echo(text="x") if stream is None else stream(upto=3).result())
                    assert caught.value.ran is Ran.UNKNOWN
                    assert simulation.now() - started == pytest.approx(30, abs=1)
            assert (await client.echo(text="on")).text == "on"
            assert connection.closed is None

    simulate(scenario, seed=1, backend=backend)


# ------------------------------------------------------------------------------------------------- handlers that fail
class Failing(Room):
    @override
    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
        match params.text:
            case "deep":
                return await self.echo(call, params)
            case "wrong":
                return Echo.model_construct(text=5)
            case "group":
                raise ExceptionGroup("several", [KeyError("a"), ValueError("b")])
            case _:
                return await super().echo(call, params)


async def test_fastapi_websocket_rpc_on_request_a_handler_that_raises_costs_its_own_call_alone() -> None:
    texts = {
        "a": "a",
        "boom": "internal",
        "none": "no_room",
        "deep": "internal",
        "wrong": "internal",
        "group": "internal",
    }
    outcomes: list[tuple[str, str]] = []
    room = Failing()

    async def call(client: ChatClient, text: str) -> None:
        try:
            outcomes.append((text, (await client.echo(text=text)).text))
        except CallError as error:
            outcomes.append((text, error.code))

    async with talking(room) as (server, client):
        connection = connection_of(client)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(client.nap, seconds=0.3))  # is under way all the time, and ends well
            await until(lambda: room.running == 1)
            for text in [*texts] * 5:
                tasks.start_soon(call, client, text)
        assert sorted(outcomes) == sorted([*texts.items()] * 5)
        assert connection_of(client) is connection
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    "name", ["sing", "handlers", "keyed", "on_waved", "__init__", "__class__", "", "echo ", "Echo"]
)
async def test_fastapi_websocket_rpc_on_request_what_is_no_action_is_answered_whatever_attribute_it_names(
    name: str,
) -> None:
    async with talking(Room(), guest=Guest()) as (server, client):
        for connection in (connection_of(client), server.connections[0]):
            with pytest.raises(Unimplemented) as caught:
                await connection.calls.ask(name, b"{}")
            assert caught.value.ran is Ran.NO
        assert await client.ask(depth=2) == 2
