"""What a registry keeps, and for how long: the log, and packages that nothing needs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.registry.archives import make_package
from tests.registry.callers import audit, register
from tests.registry.test_cli import in_process, ok, refused
from tests.registry.test_packages import TRUST_NOBODY

from duologue import HistoryLost, Position, serve
from duologue_registry.clock import ManualClock
from duologue_registry.rules.model import Installed
from duologue_registry.serving.app import open_shelf
from duologue_registry.serving.service import Registry
from duologue_registry.storing.checking import check_directory
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.schema import FILE_NAME
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import Request
from duologue_registry.tasks import background
from service_registry_sdk import (
    AgentService,
    Installation,
    RegistryClient,
    Remote,
    Retention,
    ServiceKind,
    ServiceState,
)

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


class Running:
    """A registry with a clock that stands still."""

    def __init__(self, store: JournaledStore, clock: ManualClock, url: str) -> None:
        self.store = store
        self.clock = clock
        self.url = url


@asynccontextmanager
async def serving(directory: Path, keep: Retention | None = None) -> AsyncGenerator[Running]:
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        stack.enter_context(anyio.fail_after(30))
        store = await stack.enter_async_context(JournaledStore.open(SqliteJournal(directory), clock))
        shelf = await stack.enter_async_context(open_shelf(directory, TRUST_NOBODY, store))
        service = Registry(store, clock=clock, shelf=shelf, keep=keep)
        tasks = await stack.enter_async_context(background())
        await tasks.start(service.run)
        server = await stack.enter_async_context(serve(service, "127.0.0.1", 0))
        yield Running(store, clock, f"ws://127.0.0.1:{server.port}")


async def states(registry: RegistryClient, count: int) -> None:
    """So many entries of the log."""
    for number in range(count):
        state = ServiceState.STARTING if number % 2 else ServiceState.FAILED
        await registry.update_state(name="api", state=state, reason="x")


async def test_the_newest_entries_are_kept(tmp_path: Path) -> None:
    async with serving(tmp_path) as running, RegistryClient.open(running.url) as registry:
        await register(registry)
        await states(registry, 10)
        epoch = running.store.position.epoch
        would = await registry.prune(keep=Retention(log_entries=4), dry_run=True)
        assert (would.log_entries, would.first) == (8, 9)
        assert running.store.first == 1
        assert await registry.prune(keep=Retention(log_entries=4)) == would
        records = await audit(registry)
        assert [record.seq for record in records] == [9, 10, 11, 12, 13]
        assert (records[-1].event, records[-1].actor) == ("log_pruned", "anonymous")
        assert records[-1].data == {"first": 9, "entries": 8, "revision": 12}
        with pytest.raises(HistoryLost):
            async with registry.events.service_state_changed(since=Position(epoch, 7)) as behind:
                await anext(behind)
        async with registry.events.service_state_changed(since=Position(epoch, 8)) as near:
            assert (await anext(near)).revision == 8
    assert check_directory(tmp_path).problems == []
    async with serving(tmp_path) as again, RegistryClient.open(again.url) as registry:
        assert (again.store.first, again.store.position) == (9, Position(epoch, 13))
        with pytest.raises(HistoryLost):
            async with registry.events.service_state_changed(since=Position(epoch, 7)) as behind:
                await anext(behind)


async def test_old_entries_go(tmp_path: Path) -> None:
    async with serving(tmp_path) as running, RegistryClient.open(running.url) as registry:
        await register(registry)
        running.clock.advance(3600)
        await states(registry, 2)
        keep = Retention(log_age=timedelta(minutes=30))
        assert (await registry.prune(keep=keep)).log_entries == 2
        running.clock.advance(7200)
        assert (await registry.prune(keep=keep)).first == 5  # the newest of all stays: its number goes on
        assert (await registry.prune(keep=keep)).log_entries == 0


async def test_nothing_is_older_than_time_itself(tmp_path: Path) -> None:
    async with serving(tmp_path, Retention(log_age=timedelta(days=999_999))) as running:
        async with RegistryClient.open(running.url) as registry:
            await register(registry)
            running.clock.advance(3600)
            await states(registry, 6)
            assert (await registry.prune(keep=Retention(log_age=timedelta.max))).log_entries == 0


async def test_both_say_what_is_kept(tmp_path: Path) -> None:
    async with serving(tmp_path) as running, RegistryClient.open(running.url) as registry:
        await register(registry)
        await states(registry, 6)
        keep = Retention(log_age=timedelta(days=1), log_entries=3)
        assert (await registry.prune(keep=keep)).first == 6
        assert (await registry.prune(keep=Retention(log_age=timedelta(days=1), log_entries=300))).log_entries == 0


async def test_a_long_log_goes_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JournaledStore, "FORGET_AT_ONCE", 3)
    async with serving(tmp_path) as running, RegistryClient.open(running.url) as registry:
        await register(registry)
        await states(registry, 20)
        await registry.prune(keep=Retention(log_entries=1))
        assert running.store.first == 22
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        assert db.execute("SELECT min(seq), count(*) FROM log").fetchone() == (22, 2)


async def upload(registry: RegistryClient, folder: Path, *versions: str) -> None:
    for version in versions:
        path = make_package(folder, version=version, config__x=version)
        await registry.upload_package(path, name="web-api", version=version)


async def left(registry: RegistryClient) -> list[str]:
    return [info.manifest.version for info in (await registry.list_packages()).packages]


async def test_packages_that_are_needed_stay(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as running, RegistryClient.open(running.url) as registry:
        await upload(registry, tmp_path, *(f"1.{number}.0" for number in range(8)))
        await register(registry, "web-api", version="1.2.0")
        await register(registry, "web-api@n2", version="1.3.0", location=Remote(host="h", node="n2"))
        await registry.attach_agent(node="n1", kinds=[ServiceKind.MANAGED_PROCESS], services=list[AgentService]())
        installed = Installed("n1", Installation(name="web-api", active="1.1.0", previous="1.0.0"))
        await running.store.commit([Request(command=installed, actor="registry")])
        gone = await registry.prune(keep=Retention(packages=2))
        assert [each.version for each in gone.packages] == ["1.4.0", "1.5.0"]
        assert await left(registry) == ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.6.0", "1.7.0"]
        removed = [record for record in await audit(registry) if record.event == "package_removed"]
        assert {record.reason for record in removed} == {"no longer to be kept"}
        assert len([path for path in (tmp_path / "data/packages/blobs").rglob("*") if path.is_file()]) == 6


async def test_it_prunes_by_itself(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as running, RegistryClient.open(running.url) as registry:
        await upload(registry, tmp_path, "1.0.0", "1.1.0")
        await register(registry)
        await states(registry, 5)
    keep = Retention(log_entries=3, packages=1)
    async with serving(tmp_path / "data", keep) as running, RegistryClient.open(running.url) as registry:
        while running.store.first == 1:
            await anyio.sleep(0.01)
        assert await left(registry) == ["1.1.0"]
        told = (await audit(registry))[-1]
        assert (told.event, told.actor) == ("log_pruned", "registry")


def test_the_command(start_registry: Any, data_directory: Path, anyio_backend: str) -> None:
    url = start_registry("--data", str(data_directory), "--keep-log", "30d", "--keep-log", "1000").url
    with RegistryClient.open_sync(url) as registry:
        assert registry.get_registry_status().log.first == 1
    assert "0 entries of the log would go" in ok(in_process("prune", "--keep-log", "5", "--dry-run", "--url", url))
    assert "say what to keep" in refused(in_process("prune", "--url", url), 2)
    assert "100000, or an age such as 30d" in refused(in_process("prune", "--keep-log", "soon", "--url", url), 2)
    assert "changes    taken" in ok(in_process("status", "--url", url))
