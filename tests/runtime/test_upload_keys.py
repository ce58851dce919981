"""Uploads under one key: from several callers, again and again, in every order of what happens; and from rude peers."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup
from tests.runtime.files import FilesClient, FilesPeer, Named, Shelf, Stored, shelving
from tests.runtime.proxy import Direction, Proxy, proxied
from tests.runtime.support import until
from typing_extensions import override

from duologue import (
    Aborted,
    Answer,
    Call,
    CallError,
    CallOptions,
    DeadlineExceeded,
    FailedPrecondition,
    Ran,
    Server,
    Unknown,
    Upload,
)
from duologue.handling.answers import MemoryAnswers
from duologue.handling.uploads import HeldUpload

pytestmark = pytest.mark.anyio

BODY = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(6250))
KEY = CallOptions(key="k")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where uploads are held; after the test nothing is left there."""
    held = tmp_path / "held"
    held.mkdir()
    yield held
    assert list(held.iterdir()) == []


class Gated(MemoryAnswers):
    """Answers that take their time where a test wants them to.

    Attributes:
        looks: For each look for an answer what it has to wait for, after it has found what it will say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.claims = 0
        self.looks: list[anyio.Event] = []
        self.may_claim = anyio.Event()
        self.may_claim.set()

    @override
    async def recall(self, identity: str, key: str) -> Answer | None:
        found = await super().recall(identity, key)
        if self.looks:
            await self.looks.pop().wait()
        return found

    @override
    async def claim(self, identity: str, key: str, mark: str) -> Answer | None:
        self.claims += 1
        await self.may_claim.wait()
        return await super().claim(identity, key, mark)


class Counter(Shelf):
    """Its handlers wait until they may end; they count what they were given."""

    def __init__(self, **held: Any) -> None:
        super().__init__(**held)
        self.gate = Gated()
        self.may_end = anyio.Event()
        self.may_end.set()
        self.running = 0

    @override
    def answer_store(self) -> Gated:
        return self.gate

    @override
    async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
        self.running += 1
        try:
            await self.may_end.wait()
            return await super().put(call, params, body)
        finally:
            self.running -= 1


class Placed:
    """A call in a task of its own."""

    def __init__(self) -> None:
        self.result: Stored | None = None
        self.error: CallError | None = None
        self.scope = anyio.CancelScope()

    async def run(self, client: FilesClient, name: str = "x", body: bytes = BODY, **more: Any) -> None:
        with self.scope:
            try:
                self.result = await client.put(body, name=name, options=KEY, **more)
            except CallError as error:
                self.error = error

    @property
    def ended(self) -> bool:
        return self.result is not None or self.error is not None


class Room:
    """A shelf, and clients of it, each behind a proxy of its own."""

    def __init__(self, shelf: Counter, server: Server[FilesPeer], tasks: TaskGroup, stack: AsyncExitStack) -> None:
        self.shelf = shelf
        self.server = server
        self._tasks = tasks
        self._stack = stack

    @property
    def waiting(self) -> int:
        """How many calls wait for a handler's answer."""
        return sum(len(run.waiters) for run in self.shelf.keyed._runs.values())

    @property
    def held(self) -> int:
        """How many bytes of uploads are held."""
        return sum(held.received for held in self.shelf.uploads._held.values())

    async def client(self) -> tuple[FilesClient, Proxy]:
        proxy = await self._stack.enter_async_context(proxied(self.server.port))
        client = await self._stack.enter_async_context(FilesClient.open(f"ws://127.0.0.1:{proxy.port}"))
        return client, proxy

    def place(self, client: FilesClient, name: str = "x", body: bytes = BODY, **more: Any) -> Placed:
        placed = Placed()

        async def run() -> None:
            await placed.run(client, name, body, **more)

        self._tasks.start_soon(run)
        return placed


@asynccontextmanager
async def rooms(folder: Path, **held: Any) -> AsyncGenerator[Room]:
    shelf = Counter(folder=folder, **held)
    async with (
        shelving(shelf) as (server, _),
        anyio.create_task_group() as tasks,
        AsyncExitStack() as stack,
    ):
        yield Room(shelf, server, tasks, stack)
        tasks.cancel_scope.cancel()


# ----------------------------------------------------------------------------------------------- keys that were used
async def test_an_answered_upload_is_answered_again_without_a_byte(folder: Path) -> None:
    async with rooms(folder) as room:
        client, proxy = await room.client()
        first = await client.put(BODY, name="x", options=KEY)
        passed = proxy.passed[Direction.UP]
        assert await client.put(BODY, name="x", options=KEY) == first
        assert proxy.passed[Direction.UP] - passed < 500
        assert room.shelf.runs == ["x"]


@pytest.mark.parametrize(("name", "body"), [("y", BODY), ("x", BODY[:-1]), ("x", BODY[:-1] + b"!")])
@pytest.mark.parametrize("when", ["answered", "handled", "under way"])
async def test_a_key_belongs_to_one_upload(when: str, name: str, body: bytes, folder: Path) -> None:
    async with rooms(folder) as room:
        shelf = room.shelf
        (client, proxy), (other, _) = await room.client(), await room.client()
        shelf.may_end = anyio.Event()
        if when == "under way":
            proxy.rate = 100_000
        first = room.place(client)
        await until(lambda: shelf.running if when != "under way" else list(folder.iterdir()))
        if when == "answered":
            shelf.may_end.set()
            await until(lambda: first.ended)
        with pytest.raises(FailedPrecondition) as caught:
            await other.put(body, name=name, options=KEY)
        assert (caught.value.code, caught.value.ran) == ("key_reused", Ran.NO)
        proxy.rate = None
        shelf.may_end.set()
        await until(lambda: first.ended)
        assert (shelf.runs, first.error) == (["x"], None)


async def test_a_key_whose_upload_was_broken_off_can_be_used_for_another(folder: Path) -> None:
    async with rooms(folder) as room:
        (client, proxy), (other, _) = await room.client(), await room.client()
        proxy.rate = 100_000
        room.place(client)
        await until(lambda: list(folder.iterdir()))
        proxy.refusing = True
        proxy.cut()
        await until(lambda: [held for held in room.shelf.uploads._held.values() if held.holder is None])
        await other.put(BODY, name="y", options=KEY)
        assert room.shelf.runs == ["y"]


# ------------------------------------------------------------------------------------------------------- two callers
async def test_of_two_callers_under_one_key_the_later_goes_on(folder: Path) -> None:
    async with rooms(folder) as room:
        (client, proxy), (other, other_proxy) = await room.client(), await room.client()
        proxy.rate = 200_000
        first = room.place(client)
        await until(lambda: room.held > 50_000)
        brought = room.held
        await other.put(BODY, name="x", options=KEY)
        assert other_proxy.passed[Direction.UP] < len(BODY) - brought + 2000, "what the first had brought was held"
        await until(lambda: first.ended)
        assert isinstance(first.error, Aborted)
        assert (first.error.ran, room.shelf.runs) == (Ran.NO, ["x"])
        proxy.rate = None
        assert (await client.put(BODY, name="x", options=KEY)).name == "x"
        assert room.shelf.runs == ["x"]


async def test_whoever_comes_while_the_handler_runs_waits_for_its_answer(folder: Path) -> None:
    async with rooms(folder) as room:
        shelf = room.shelf
        (client, _), (other, _) = await room.client(), await room.client()
        shelf.may_end = anyio.Event()
        first = room.place(client)
        await until(lambda: shelf.running)
        joined = room.place(other)
        await until(lambda: room.waiting == 2)
        first.scope.cancel()
        await until(lambda: room.waiting == 1)
        assert shelf.running == 1, "the other one waits for it"
        shelf.may_end.set()
        await until(lambda: joined.ended)
        assert (joined.error, shelf.runs) == (None, ["x"])


async def test_whoever_joined_a_handler_does_not_hear_that_none_ran(folder: Path) -> None:
    async with rooms(folder) as room:
        shelf = room.shelf
        (client, _), (other, _) = await room.client(), await room.client()
        shelf.may_end = anyio.Event()
        room.place(client)
        await until(lambda: shelf.running)
        with pytest.raises(DeadlineExceeded) as caught:
            await other.put(BODY, name="x", options=KEY, timeout=0.2)
        assert caught.value.ran is not Ran.NO
        shelf.may_end.set()


# ------------------------------------------------------------------------------- between the last byte and the handler
async def test_a_cut_before_the_handler_starts_lets_it_start_once(quick_back_off: None, folder: Path) -> None:
    """The connection is lost when all is there and the key is being claimed; more uploads want the room."""
    async with rooms(folder, capacity=len(BODY) + 10) as room:
        shelf, (client, proxy), (other, _) = room.shelf, await room.client(), await room.client()
        shelf.gate.may_claim = anyio.Event()
        first = room.place(client)
        await until(lambda: shelf.gate.claims)
        proxy.cut()
        await until(lambda: proxy.accepted == 2)
        with pytest.raises(CallError, match="under way already"):
            await other.put(b"x" * 11, name="more")
        shelf.gate.may_claim.set()
        await until(lambda: first.ended)
        assert (first.error, shelf.runs, shelf.kept) == (None, ["x"], {"x": BODY})


async def test_a_caller_who_gives_up_while_the_key_is_claimed_takes_nothing_from_those_who_wait(folder: Path) -> None:
    async with rooms(folder) as room:
        shelf, (client, _), (other, _) = room.shelf, await room.client(), await room.client()
        shelf.gate.may_claim = anyio.Event()
        first = room.place(client)
        await until(lambda: shelf.gate.claims)
        joined = room.place(other)
        await until(lambda: room.waiting == 2)
        first.scope.cancel()
        await until(lambda: room.waiting == 1)
        shelf.gate.may_claim.set()
        await until(lambda: joined.ended)
        assert (joined.error, shelf.runs, shelf.kept) == (None, ["x"], {"x": BODY})


async def test_a_cut_when_all_is_there_and_nobody_has_looked_yet(
    quick_back_off: None, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The next attempt finds the upload complete, and brings nothing."""
    finish = HeldUpload.finish
    async with rooms(folder) as room:
        shelf, (client, proxy) = room.shelf, await room.client()

        def finish_and_be_cut(held: HeldUpload) -> None:
            finish(held)
            for connection in room.server.connections:
                connection.abort()

        monkeypatch.setattr(HeldUpload, "finish", finish_and_be_cut)
        await client.put(BODY, name="x", options=KEY)
        assert (proxy.accepted, shelf.runs, shelf.kept) == (2, ["x"], {"x": BODY})
        assert proxy.passed[Direction.UP] < len(BODY) + 4000


@pytest.mark.parametrize("end", ["waits", "gives up"])
async def test_a_look_for_an_answer_that_takes_long_finds_the_handler(end: str, folder: Path) -> None:
    """The second caller has looked before there was an answer, and asks for bytes when the handler has them."""
    async with rooms(folder) as room:
        shelf, (client, proxy), (other, other_proxy) = room.shelf, await room.client(), await room.client()
        shelf.may_end = anyio.Event()
        proxy.rate = 200_000
        first = room.place(client)
        await until(lambda: list(folder.iterdir()))
        looked = anyio.Event()
        shelf.gate.looks.append(looked)
        second = room.place(other)
        await until(lambda: not shelf.gate.looks)
        proxy.rate = None
        await until(lambda: shelf.running)
        looked.set()
        await until(lambda: room.waiting == 2)
        if end == "gives up":
            second.scope.cancel()
            await until(lambda: room.waiting == 1)
        assert shelf.running == 1
        shelf.may_end.set()
        await until(lambda: first.ended and (second.ended or end == "gives up"))
        assert other_proxy.passed[Direction.UP] < 2000
        assert (first.error, second.error, shelf.runs, shelf.kept) == (None, None, ["x"], {"x": BODY})


async def test_an_answer_that_is_forgotten_just_now_is_said_to_be(folder: Path) -> None:
    class Forgetful(Gated):
        @override
        async def recall(self, identity: str, key: str) -> Answer | None:
            return Answer("mark", data=b"null") if self.claims == 0 else None

    async with rooms(folder) as room:
        room.shelf.gate = Forgetful()
        room.shelf.keyed.store = room.shelf.gate
        client, _ = await room.client()
        with pytest.raises(Aborted, match="the answer under this key was forgotten just now") as caught:
            await client.put(BODY, name="x")
        assert (caught.value.ran, room.shelf.runs) == (Ran.NO, [])


async def test_a_result_too_large_to_be_kept_reaches_its_caller_and_a_retry_runs_nothing(folder: Path) -> None:
    class Forgetful(Shelf):
        @override
        def answer_store(self) -> MemoryAnswers:
            return MemoryAnswers(size=10)

    shelf = Forgetful(folder=folder)
    async with shelving(shelf) as (_, client):
        assert (await client.put(BODY, name="x", options=KEY)).size == len(BODY)
        with pytest.raises(Unknown, match="the handler left an answer for this key, and there was no room") as caught:
            await client.put(BODY, name="x", options=KEY)
    assert caught.value.code == "outcome_unknown"
    assert shelf.runs == ["x"]
