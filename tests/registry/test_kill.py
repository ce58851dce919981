"""`kill -9` under load: whatever was acknowledged is there after a restart, and the log has no gap.

What a killed process has handed to the kernel survives; that it is on disk too is not seen here, only that nothing is
acknowledged before it was committed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest

from duologue import ConnectFailed, DuologueError
from service_registry_sdk import (
    AuditRecord,
    Endpoint,
    EndpointProtocol,
    Local,
    ManagedProcess,
    RegistryClient,
    ServiceEntry,
    ServiceState,
)

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

CLIENTS, WORKERS = 3, 6
ENDPOINT = Endpoint(name="public", address="10.0.0.7:80", protocol=EndpointProtocol.HTTP)

State: TypeAlias = str | None
"""The state of a service, None when there is none of that name."""


class Ledger:
    """What the callers know: the last acknowledged state of each service, and what was asked for since."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, State] = {}
        self.asked: dict[str, State] = {}
        self.revisions: dict[int, str] = {}
        self.changes = 0

    def ask(self, name: str, state: State) -> None:
        self.asked[name] = state

    def acknowledge(self, name: str, entry: ServiceEntry | None) -> None:
        self.acknowledged[name] = self.asked.pop(name)
        self.changes += 1
        if entry is not None:
            self.revisions[entry.revision] = name

    def settle(self, found: dict[str, str]) -> None:
        """Compare with what is there; what was in doubt is known from now on."""
        for name in self.acknowledged.keys() | self.asked.keys():
            possible = {self.acknowledged.get(name)}
            if name in self.asked:
                possible.add(self.asked.pop(name))
            assert found.get(name) in possible, f"{name} is {found.get(name)}, and can only be {possible}"
            self.acknowledged[name] = found.get(name)
        assert found.keys() <= self.acknowledged.keys(), "there is a service that nobody asked for"


async def work(registry: RegistryClient, ledger: Ledger, prefix: str) -> None:
    """Register, start and remove services until the registry is gone."""
    number = 0
    while True:
        number += 1
        name = f"{prefix}-{number}"
        ledger.ask(name, "registered")
        entry = await registry.register_service(
            name=name,
            version="1.0.0",
            execution=ManagedProcess(command=["x"]),
            location=Local(),
            endpoints=[ENDPOINT],
        )
        ledger.acknowledge(name, entry)
        ledger.ask(name, "running")
        ledger.acknowledge(name, await registry.update_state(name=name, state=ServiceState.RUNNING))
        if number % 3 == 0:
            ledger.ask(name, None)
            await registry.deregister_service(name=name)
            ledger.acknowledge(name, None)


async def load(url: str, ledger: Ledger, prefix: str, changes: int, seconds: float, kill: Callable[[], None]) -> None:
    """Many callers at once; so many changes and seconds later the registry is killed, and they are told to stop."""
    enough = ledger.changes + changes

    async def worker(registry: RegistryClient, name: str) -> None:
        with suppress(DuologueError):  # what was asked for last is in doubt
            await work(registry, ledger, name)

    async def client(number: int) -> None:
        with suppress(ConnectFailed):  # it was killed before
            async with RegistryClient.open(url) as registry, anyio.create_task_group() as workers:
                for each in range(WORKERS):
                    workers.start_soon(worker, registry, f"{prefix}-{number}-{each}")

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for number in range(CLIENTS):
                tasks.start_soon(client, number)
            while ledger.changes < enough:
                await anyio.sleep(0.001)
            await anyio.sleep(seconds)
            kill()
            await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()


async def everything(registry: RegistryClient) -> tuple[list[ServiceEntry], list[AuditRecord]]:
    """The services, and the log from its beginning."""
    services = await registry.list_services(limit=500)
    entries = services.services
    while services.next_cursor is not None:
        services = await registry.list_services(limit=500, cursor=services.next_cursor)
        entries += services.services
    log = await registry.list_events(limit=500)
    records = log.records
    while log.next_cursor is not None:
        log = await registry.list_events(limit=500, cursor=log.next_cursor)
        records += log.records
    return entries, records[::-1]


def replay(records: list[AuditRecord]) -> dict[str, str]:
    """The services as the log tells of them."""
    services: dict[str, str] = {}
    for record in records:
        data: Any = record.data
        match record.event:
            case "service_registered":
                services[data["entry"]["name"]] = data["entry"]["state"]
            case "service_state_changed":
                assert services[data["name"]] == data["old"]
                services[data["name"]] = data["new"]
            case "service_deregistered":
                del services[data["name"]]
            case _:
                pass
    return services


async def check(url: str, ledger: Ledger) -> None:
    """State, log and what the callers know are one."""
    async with RegistryClient.open(url) as registry:
        entries, records = await everything(registry)
    found = {entry.name: str(entry.state) for entry in entries}
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert replay(records) == found
    revisions = [record.revision for record in records]
    assert revisions == sorted(revisions)
    assert set(revisions) == set(range(1, max(revisions, default=0) + 1))
    named: dict[int, Any] = {record.revision: record.data for record in records if record.event != "endpoint_updated"}
    for revision, name in ledger.revisions.items():
        data = named[revision]
        assert name == (data["entry"]["name"] if "entry" in data else data["name"])
    ledger.settle(found)


async def rounds(start_registry: Any, directory: Path, seed: int, count: int) -> Ledger:
    chance = random.Random(seed)
    ledger = Ledger()
    registry = start_registry("--data", str(directory))
    for number in range(count):
        changes, seconds = chance.randrange(60), chance.uniform(0, 0.02)  # with none, it may be killed in a handshake
        await load(registry.url, ledger, f"r{number}", changes, seconds, registry.process.kill)
        registry.process.communicate()
        registry = start_registry("--data", str(directory))
        await check(registry.url, ledger)
    return ledger


async def test_nothing_acknowledged_is_lost(start_registry: Any, data_directory: Path) -> None:
    ledger = await rounds(start_registry, data_directory, 0, 6)
    assert ledger.changes > 100, "there was hardly any load"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
async def test_nothing_acknowledged_is_lost_in_200_rounds(start_registry: Any, data_directory: Path, seed: int) -> None:
    ledger = await rounds(start_registry, data_directory, seed, 20)
    assert ledger.changes > 300
