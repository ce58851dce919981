"""What the runtime leaves alone: threads, contexts, and whatever else runs on the event loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Collection
from contextvars import ContextVar
from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest
from tests.runtime.chat import AskParams, ChatClient, ChatPeer, ChatServer, Said
from tests.runtime.proxy import proxied
from tests.runtime.support import BOUND, Guest, Recorder, Room, connection_of, serving, talking, until, url_of
from typing_extensions import override

from duologue import Call, LogEntry, serve
from duologue.drivers import current
from duologue.drivers.asyncio import AsyncioTransport
from duologue.drivers.port import Scope, Task

pytestmark = pytest.mark.anyio

USER: ContextVar[str] = ContextVar("user", default="nobody")


async def test_no_threads_are_started() -> None:
    started: list[str] = []
    start = threading.Thread.start

    def spy(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", spy)
        async with talking(Room(), guest=Guest()) as (server, client), client.events.said() as said:
            assert await client.ask(depth=5) == 5
            await server.emit(Said(room="a", text=""))
            await anext(said)
            async with client.count(upto=100) as numbers:
                await numbers.result()
    assert started == []


class Asking(Room):
    """Notes what its handlers find in their context, and in their cancel scopes."""

    def __init__(self) -> None:
        super().__init__()
        self.users: list[str] = []
        self.deadlines: list[float] = []

    @override
    async def ask(self, call: Call[ChatPeer], params: AskParams) -> int:
        self.users.append(USER.get())
        self.deadlines.append(anyio.current_effective_deadline())
        USER.set(f"handler {params.depth}")
        return await super().ask(call, params)


class AskedGuest(Guest):
    def __init__(self) -> None:
        super().__init__()
        self.users: list[str] = []

    @override
    async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
        self.users.append(USER.get())
        USER.set("guest")
        return await super().ask_back(call, params)


async def test_handlers_start_with_a_fresh_context() -> None:
    room, guest = Asking(), AskedGuest()
    token = USER.set("whoever serves")
    try:
        async with talking(room, guest=guest) as (_, client):
            USER.set("whoever calls")
            assert await client.ask(depth=4) == 4
            assert await client.ask(depth=2) == 2
            assert USER.get() == "whoever calls"
    finally:
        USER.reset(token)
    assert room.users == ["nobody"] * 5
    assert guest.users == ["nobody"] * 3


async def test_handlers_outlive_the_scope_in_which_their_connection_was_made() -> None:
    room = Asking()
    with anyio.fail_after(BOUND):
        async with serve(room, "127.0.0.1", 0) as server, anyio.create_task_group() as tasks:
            with anyio.fail_after(1):
                client = await ChatClient.connect(url_of(server))
            handle, handler = client.start_handler()
            tasks.start_soon(handler)
            for _ in range(3):
                with anyio.fail_after(0.5):
                    await handle.ask(depth=0)
                await anyio.sleep(0.3)
            assert connection_of(handle).closed is None
            await handle.aclose()


@pytest.mark.parametrize("form", ["bind", "open"])
async def test_nothing_is_left_when_all_is_closed(form: str) -> None:
    current()  # on trio, timers have one task for as long as the event loop runs
    await anyio.sleep(0.01)
    before = len(anyio.get_running_tasks())
    with anyio.fail_after(BOUND):
        for _ in range(5):
            if form == "open":
                async with talking(Room()) as (_, client):
                    await client.echo(text="on")
            else:
                server = await ChatServer.bind("127.0.0.1:0", Room())
                await server.aclose()
        await until(lambda: len(anyio.get_running_tasks()) <= before)


async def test_writing_to_who_has_just_gone_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio would log a warning for each write between the failure of one and the end of the connection."""
    room = Room()
    async with serving(room) as server, proxied(server.port) as proxy:
        async with ChatClient.open(f"ws://127.0.0.1:{proxy.port}") as client, client.events.said():
            await client.echo(text="on")
            proxy.cut()
            room.publisher.publish([LogEntry(seq, Said(room="a", text="")) for seq in range(1, 500)])
            await connection_of(client).until_closed()
    assert "socket.send" not in caplog.text


async def test_what_was_spawned_takes_its_first_step_before_it_is_cancelled() -> None:
    """One that never began could not put away what it was given."""
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")
        try:
            await anyio.sleep_forever()
        finally:
            steps.append("ended")

    async with current().scope() as scope:
        scope.spawn(work)
    assert steps == ["begun", "ended"]


async def test_what_is_spawned_later_knows_nothing_of_what_ended_before() -> None:
    """Neither its context nor that it was cancelled, wherever it may run."""
    told: list[str] = []

    async def work(number: int, done: anyio.Event) -> None:
        told.append(USER.get())
        USER.set(f"{number}")
        with anyio.CancelScope(shield=number % 2 == 0):
            await anyio.lowlevel.checkpoint()
        done.set()

    async def stubborn(begun: anyio.Event, done: anyio.Event) -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        except BaseException:  # noqa: BLE001 - as users' code may
            done.set()

    async def worked(scope: Scope, number: int) -> Task:
        done = anyio.Event()
        task = scope.spawn(work, number, done)
        await done.wait()
        await anyio.lowlevel.checkpoint()
        return task

    with anyio.fail_after(BOUND):
        async with current().scope() as scope:
            for number in range(40):
                _ = await worked(scope, number)
                ended = await worked(scope, number)
                begun, done = anyio.Event(), anyio.Event()
                running = scope.spawn(stubborn, begun, done)
                await begun.wait()
                ended.cancel()
                await anyio.lowlevel.checkpoint()
                assert not done.is_set(), "what had ended was cancelled, and with it what ran there then"
                running.cancel()
                await done.wait()
    assert told == ["nobody"] * 80


@pytest.mark.parametrize("anyio_backend", ["trio"])  # where both come as one; asyncio's loop is told of the failure
async def test_what_fails_while_it_is_cancelled_is_nobody_else_s_failure(caplog: pytest.LogCaptureFixture) -> None:
    begun, goes_on = anyio.Event(), anyio.Event()

    async def child() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("it could not be put away")

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child)
            await anyio.lowlevel.checkpoint()
            begun.set()
            await anyio.sleep_forever()

    async def another() -> None:
        goes_on.set()

    with anyio.fail_after(BOUND):
        async with current().scope() as scope:
            task = scope.spawn(work)
            await begun.wait()
            task.cancel()
            await until(lambda: "it could not be put away" in caplog.text)
            scope.spawn(another)
            await goes_on.wait()


@pytest.fixture
async def as_by_default(anyio_backend_name: str) -> AsyncGenerator[None]:
    """Let asyncio log what fails, as it does where nobody else asks to be told; trio has nothing of the kind."""
    if anyio_backend_name == "trio":
        yield
        return
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(None)
    yield
    loop.set_exception_handler(before)


def told_to(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What failed, as the log tells it."""
    return [str(record.exc_info[1]) for record in caplog.records if record.exc_info is not None]


@pytest.mark.usefixtures("as_by_default")
async def test_a_task_that_fails_is_told_and_its_neighbours_go_on(caplog: pytest.LogCaptureFixture) -> None:
    goes_on = anyio.Event()

    async def fail() -> None:
        raise ValueError("a task's own")

    async def go_on() -> None:
        goes_on.set()

    with anyio.fail_after(BOUND):
        async with current().scope() as scope:
            scope.spawn(fail)
            await until(lambda: told_to(caplog))
            scope.spawn(go_on)
            await goes_on.wait()
    assert told_to(caplog) == ["a task's own"]
    assert "a task of a connection failed" in caplog.text


@pytest.mark.usefixtures("as_by_default")
async def test_a_callback_that_fails_is_told_and_those_behind_it_have_their_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    called = anyio.Event()

    def fail() -> None:
        raise ValueError("a callback's own")

    with anyio.fail_after(BOUND):
        executor = current()
        executor.call_together(fail)
        executor.call_together(called.set)
        await called.wait()
    assert told_to(caplog) == ["a callback's own"]
    assert "a callback of a connection failed" in caplog.text


async def test_what_comes_while_reading_is_paused_waits() -> None:
    link, before = Recorder(), ""
    with anyio.fail_after(BOUND), socket.create_server(("127.0.0.1", 0)) as listening:
        connected = await current().connect(*listening.getsockname(), tls=None, server_hostname=None, limit=BOUND)
        there, _ = listening.accept()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connected.run, link, 1000)
            await until(lambda: link.transport)
            assert link.transport is not None
            for _ in range(2):
                link.transport.pause_reading()
            await anyio.wait_all_tasks_blocked()
            there.sendall(b"hello")
            await anyio.sleep(0.02)  # a read that was under way may take this one
            there.sendall(b"again")
            await anyio.sleep(0.02)
            before = "".join(link.told)
            link.transport.resume_reading()
            await until(lambda: "".join(link.told).endswith("again"))
            there.close()
            await until(lambda: "lost" in link.told)
    assert before in ("connected", "connectedhello")


class Turning(Recorder):
    """Notes in which turn of the event loop it is told what came.

    Args:
        pauses: Whether it pauses at the first read, or soon after it, and leaves it at that.
    """

    def __init__(self, pauses: str) -> None:
        super().__init__()
        self.turn = 0
        self.turns: list[int] = []
        self.pauses = pauses
        self._executor = current()
        self._go_on()

    def _go_on(self) -> None:
        self.turn += 1
        if "lost" not in self.told:
            self._executor.call_soon(self._go_on)

    @override
    def receive(self, data: bytes) -> None:
        super().receive(data)
        self.turns.append(self.turn)
        assert self.transport is not None
        if self.pauses == "at once":
            self.transport.pause_reading()
        elif self.pauses == "soon":
            self._executor.call_soon(self.transport.pause_reading)


@pytest.mark.parametrize(("pauses", "reads"), [("", range(3, 1 << 20)), ("at once", {1}), ("soon", {1, 2})])
async def test_who_sends_much_is_read_once_in_a_turn(pauses: str, reads: Collection[int]) -> None:
    """uvloop would read up to 32 times, and nobody else would be heard meanwhile."""
    much, link = b"x" * (1 << 20), Turning(pauses)
    with anyio.fail_after(BOUND), socket.create_server(("127.0.0.1", 0)) as listening:
        connected = await current().connect(*listening.getsockname(), tls=None, server_hostname=None, limit=BOUND)
        there, _ = listening.accept()
        with there:
            there.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(much))
            there.setblocking(False)
            sent = there.send(much)
            assert sent > 1 << 18, "more than a read"
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connected.run, link, 1000)
                if pauses:
                    await until(lambda: link.turns)
                    await anyio.sleep(0.02)
                else:
                    await until(lambda: len("".join(link.told)) >= len("connected") + sent)
                there.close()
                if pauses:
                    tasks.cancel_scope.cancel()
    assert len(link.turns) in reads
    assert max(Counter(link.turns).values()) <= 2, (
        "a callback may come before a read in one turn, and behind it in another"
    )


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})])
@pytest.mark.parametrize("ends", [False, True])
async def test_what_comes_before_there_is_a_link_is_kept_for_it(*, ends: bool) -> None:
    """uvloop reads though it was told to pause: here the loop is told to read."""
    here, there = socket.socketpair()
    with anyio.fail_after(BOUND), there:
        loop, link, waiting = asyncio.get_running_loop(), Recorder(), AsyncioTransport()
        transport, _ = await loop.create_connection(lambda: waiting, sock=here)
        transport.resume_reading()
        there.sendall(b"hello")
        await until(lambda: waiting.early)
        if ends:
            transport.resume_reading()
            there.close()
            await until(lambda: waiting.gone)
        else:
            loop.call_later(0.01, there.close)
        await waiting.run(link, 1000)
    assert link.told == ["connected", "hello", *([] if ends else ["eof"]), "lost"]


async def test_its_clock_tells_how_long_a_pass_took() -> None:
    """uvloop's own counts whole milliseconds, of which a pass may take one."""
    told = [current().now() for _ in range(10_000)]
    steps = [later - earlier for earlier, later in pairwise(told) if later > earlier]
    assert 0 < min(steps) < 0.0001


async def test_the_executor_is_found() -> None:
    assert type(current()).__module__.startswith("duologue.drivers.")


def test_without_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="asyncio, uvloop or trio"):
        current()
