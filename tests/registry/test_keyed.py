"""Keyed calls, retried: through real sockets and the generated client, and through `kill -9`.

What is broken on purpose is broken in the registry's process before it starts; a test shows that each is seen.
"""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeAlias

import anyio
import anyio.to_thread
import pytest
from tests.registry.callers import Callers, audit, register
from tests.runtime.proxy import proxied

import duologue.client.backoff
from duologue import CallOptions, FailedPrecondition, OutcomeUnknown, Ran, Unknown, serve
from duologue_registry.clock import SystemClock
from duologue_registry.serving.service import Registry
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from duologue_registry.storing.port import Journal
from duologue_registry.storing.schema import FILE_NAME
from duologue_registry.storing.sqlite import SqliteJournal
from service_registry_sdk import (
    RegistryClient,
    ServiceEntry,
    ServiceNotFound,
    ServiceState,
)

pytestmark = pytest.mark.anyio

KEY = CallOptions(key="k")


@pytest.fixture(autouse=True)
def quick_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duologue.client.backoff, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(duologue.client.backoff, "LONGEST_DELAY", 0.1)


class Running:
    """A registry that serves, and clients of it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self.store = await self._stack.enter_async_context(JournaledStore.open(self.journal, SystemClock()))
        server = await self._stack.enter_async_context(serve(Registry(self.store), "127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{server.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def client(self) -> RegistryClient:
        return await self._stack.enter_async_context(RegistryClient.open(self.url))


@pytest.fixture(params=["memory", "sqlite"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Running]:
    journal = MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "data")
    with anyio.fail_after(20):
        async with Running(journal) as running:
            yield running


# ------------------------------------------------------------------------------------------------------ one registry
async def test_a_retry_gets_the_answer_of_the_first(running: Running) -> None:
    """On another connection, and after others have changed what a second run would find."""
    one, two = await running.client(), await running.client()
    entry = await register(one, options=CallOptions(key="register"))
    moved = await one.update_state(name="api", state=ServiceState.RUNNING, options=CallOptions(key="move"))
    await one.update_state(name="api", state=ServiceState.STOPPED)
    assert await register(two, options=CallOptions(key="register")) == entry
    again = await two.update_state(name="api", state=ServiceState.RUNNING, options=CallOptions(key="move"))
    assert again == moved
    await one.deregister_service(name="api", options=CallOptions(key="remove"))
    await two.deregister_service(name="api", options=CallOptions(key="remove"))
    events = [(record.event, record.revision) for record in await audit(one)]
    assert events == [
        ("service_registered", 1),
        ("endpoint_updated", 1),
        ("service_state_changed", 2),
        ("service_state_changed", 3),
        ("service_deregistered", 4),
        ("endpoint_updated", 4),
    ]


async def test_a_refusal_is_repeated(running: Running) -> None:
    one, two = await running.client(), await running.client()
    with pytest.raises(ServiceNotFound):
        await one.deregister_service(name="api", options=KEY)
    await register(one)
    with pytest.raises(ServiceNotFound) as repeated:
        await two.deregister_service(name="api", options=KEY)
    assert repeated.value.details.name == "api"
    await two.deregister_service(name="api")
    assert running.store.get("api") is None


async def test_a_key_belongs_to_one_call(running: Running) -> None:
    one, two = await running.client(), await running.client()
    await register(one, options=KEY)
    others: list[Callable[[], Any]] = [
        lambda: register(two, "other", options=KEY),
        lambda: register(two, tags=["blue"], options=KEY),
        lambda: two.update_state(name="api", state=ServiceState.RUNNING, options=KEY),
    ]
    for other in others:
        with pytest.raises(FailedPrecondition) as refused:
            await other()
        assert (refused.value.code, refused.value.ran) == ("key_reused", Ran.NO)
    assert running.store.revision == 1


async def test_many_at_once_have_one_effect(running: Running) -> None:
    clients = [await running.client() for _ in range(3)]
    entries: list[ServiceEntry] = []

    async def call(client: RegistryClient) -> None:
        entries.append(await register(client, options=KEY))

    async with anyio.create_task_group() as tasks:
        for client in clients * 5:
            tasks.start_soon(call, client)
    assert entries == [entries[0]] * 15
    assert [record.revision for record in await audit(clients[0])] == [1, 1]


async def test_who_gave_up_and_comes_again_finds_what_was_done(running: Running) -> None:
    """Its deadline stops the handler, and not the commit that the handler waits for."""
    client = await running.client()
    for number in range(30):
        options = CallOptions(key=f"k{number}")
        with anyio.move_on_after(0.0003 * (number % 10)):
            await register(client, f"s{number}", options=options)
        with suppress(Unknown):  # it joined the one that was being stopped
            await register(client, f"s{number}", options=options)
        await register(client, f"s{number}", options=options)
    effects = Counter(record.request_key for record in await audit(client) if record.event == "service_registered")
    assert effects == dict.fromkeys((f"k{number}" for number in range(30)), 1)


async def test_the_epoch_lives_as_long_as_the_file(tmp_path: Path) -> None:
    async def epoch(journal: Journal) -> str:
        async with Running(journal) as running:
            hello = (await running.client()).connection.session.peer
            assert hello is not None
            assert hello.keys
            assert hello.keys.ttl == 24 * 3600 * 1000
            return hello.keys.epoch

    first = await epoch(SqliteJournal(tmp_path / "a"))
    assert await epoch(SqliteJournal(tmp_path / "a")) == first
    others = [await epoch(SqliteJournal(tmp_path / "b")), *[await epoch(MemoryJournal()) for _ in range(2)]]
    assert len({first, *others}) == 4


# -------------------------------------------------------------------------------------------------------- `kill -9`
Start: TypeAlias = Callable[..., Any]

DIES = """
import os, signal
from duologue_registry.storing.sqlite import SqliteJournal
write = SqliteJournal.write
def die():
    os.kill(os.getpid(), signal.SIGKILL)
"""
BEFORE = (
    DIES
    + """
SqliteJournal.write = lambda self, batch: die() if batch.kept else write(self, batch)
"""
)
AFTER = (
    DIES
    + """
SqliteJournal.write = lambda self, batch: (write(self, batch), batch.kept and die())
"""
)
CRASHES = {"before the commit": BEFORE, "after the commit": AFTER}


@asynccontextmanager
async def crashing(
    start: Start, directory: Path, fault: str, *, between: Callable[[], object] = lambda: None, again: str | None = None
) -> AsyncGenerator[RegistryClient]:
    """A client of a registry that kills itself at the first keyed call, and is started again in the same place."""
    with anyio.fail_after(25):
        first = start("--data", str(directory), fault=fault)
        async with (
            proxied(int(first.url.rpartition(":")[2])) as proxy,
            RegistryClient.open(f"ws://127.0.0.1:{proxy.port}") as client,
            anyio.create_task_group() as tasks,
        ):

            async def restart() -> None:
                await anyio.to_thread.run_sync(first.process.communicate)
                between()
                second = await anyio.to_thread.run_sync(lambda: start("--data", str(directory), fault=again))
                proxy.target = int(second.url.rpartition(":")[2])

            tasks.start_soon(restart)
            yield client


async def one_effect(start: Start, directory: Path, fault: str, again: str | None = None) -> None:
    """The registry dies while a service is being removed; the caller is told of its end, and it ended once."""
    filled = start("--data", str(directory))
    async with RegistryClient.open(filled.url) as client:
        await register(client, endpoints=[])
    filled.kill()
    async with crashing(start, directory, fault, again=again) as client:
        await client.deregister_service(name="api", reason="retired")
        records = await audit(client)
    assert [(record.event, record.revision) for record in records] == [
        ("service_registered", 1),
        ("service_deregistered", 2),
    ]


@pytest.mark.parametrize("fault", CRASHES.values(), ids=CRASHES)
async def test_a_crash_around_the_commit(start_registry: Start, data_directory: Path, fault: str) -> None:
    """On every event loop, of the caller's; what a registry finds at its start is the same whoever asks it."""
    await one_effect(start_registry, data_directory, fault)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("fault", CRASHES.values(), ids=CRASHES)
async def test_it_has_the_entry_of_the_first(start_registry: Start, data_directory: Path, fault: str) -> None:
    async with crashing(start_registry, data_directory, fault) as client:
        entry = await register(client)
        assert entry.revision == 1
        assert await client.get_service(name="api") == entry
        assert [record.revision for record in await audit(client)] == [1, 1]


async def no_second_effect(start: Start, directory: Path, fault: str = AFTER, again: str | None = None) -> None:
    """The directory is another one when the registry is back: what the first one did is unknown."""
    async with crashing(start, directory, fault, between=lambda: shutil.rmtree(directory), again=again) as client:
        with pytest.raises(OutcomeUnknown) as unknown:
            await register(client)
        assert unknown.value.ran is Ran.UNKNOWN
        assert await audit(client) == []
        await register(client)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_new_directory_in_the_same_place(start_registry: Start, data_directory: Path) -> None:
    await no_second_effect(start_registry, data_directory)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_older_copy_put_back(start_registry: Start, data_directory: Path) -> None:
    """The effect is gone with the newer file; whether the call comes again is for its caller to decide."""
    start_registry("--data", str(data_directory)).kill()
    file = data_directory / FILE_NAME
    copy = shutil.copy(file, data_directory / "copy")

    def put_back() -> None:
        file.with_name(f"{FILE_NAME}-wal").unlink()
        shutil.copy(copy, file)

    async with crashing(start_registry, data_directory, AFTER, between=put_back) as client:
        with pytest.raises(OutcomeUnknown):
            await register(client)
        assert await audit(client) == []


ACKNOWLEDGED_TOO_EARLY = (
    DIES
    + """
import time, anyio
from duologue_registry.storing.journal import JournaledStore
async def commit_group(self, group):
    batch, answers = await self._decide(group.waiting)
    self._keys.turn_over(batch.kept, ())
    for waiting, given in zip(group.waiting, answers, strict=True):
        waiting.answers = given
    group.written.set()
    if batch.kept:
        await anyio.sleep(0.5)  # the answers leave
        die()
JournaledStore._commit_group = commit_group
"""
)
RECORDED_IN_ANOTHER_TRANSACTION = (
    DIES
    + """
from dataclasses import replace
def split(self, batch):
    write(self, replace(batch, kept=()))
    if batch.kept:
        die()
SqliteJournal.write = split
"""
)
EPOCH_IGNORED = """
from duologue_registry.storing.answers import StoredAnswers
StoredAnswers.epoch = property(lambda self: "always the same")
"""


async def is_seen(scenario: Awaitable[None]) -> bool:
    """Whether a check of the scenario fails, or the caller is told of a failure; a timeout is neither."""
    seen = False
    try:
        await scenario
    except* (AssertionError, ServiceNotFound, pytest.fail.Exception):
        seen = True
    return seen


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("fault", [ACKNOWLEDGED_TOO_EARLY, RECORDED_IN_ANOTHER_TRANSACTION])
async def test_a_broken_commit_is_seen(start_registry: Start, data_directory: Path, fault: str) -> None:
    assert await is_seen(one_effect(start_registry, data_directory, fault))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_ignored_epoch_is_seen(start_registry: Start, data_directory: Path) -> None:
    assert await is_seen(no_second_effect(start_registry, data_directory, AFTER + EPOCH_IGNORED, EPOCH_IGNORED))


# ------------------------------------------------------------------------------------------------- `kill -9` under load
async def under_load(start: Start, directory: Path, seed: int, kills: int, fault: str | None = None) -> Callers:
    callers = Callers(seed)
    registry = start("--data", str(directory), fault=fault)
    with anyio.fail_after(60 + 5 * kills):
        async with proxied(int(registry.url.rpartition(":")[2])) as proxy:
            async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
                for number in range(3):
                    client = await stack.enter_async_context(RegistryClient.open(f"ws://127.0.0.1:{proxy.port}"))
                    for each in range(6):
                        tasks.start_soon(callers.call, client, f"c{number}-{each}")
                for _ in range(kills):
                    await anyio.sleep(callers.chance.uniform(0.05, 0.3))
                    registry.process.send_signal(signal.SIGKILL)
                    await anyio.to_thread.run_sync(registry.process.communicate)
                    registry = await anyio.to_thread.run_sync(lambda: start("--data", str(directory), fault=fault))
                    proxy.target = int(registry.url.rpartition(":")[2])
                await anyio.sleep(0.1)
                callers.over = True
            async with RegistryClient.open(registry.url) as client:
                callers.check(await audit(client))
    return callers


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_every_call_ends_once_under_load(start_registry: Start, data_directory: Path) -> None:
    callers = await under_load(start_registry, data_directory, 0, 3)
    assert len(callers.done) > 75, "there was hardly any load"


@pytest.mark.long
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("seed", range(1, 11))
async def test_every_call_ends_once_in_200_crashes(start_registry: Start, data_directory: Path, seed: int) -> None:
    await under_load(start_registry, data_directory, seed, 20)
