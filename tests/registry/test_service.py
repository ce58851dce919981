"""The service through real sockets and the generated client, on each event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import anyio
import pytest
from typing_extensions import override

from duologue import CallOptions, Event, EventStream, InvalidArgument, NotSent, Position, serve
from duologue_registry.clock import ManualClock
from duologue_registry.serving.service import Registry
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from duologue_registry.storing.port import Batch, Journal
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.tasks import background
from service_registry_sdk import (
    Endpoint,
    EndpointProtocol,
    EndpointUpdated,
    EventType,
    HealthCheckResult,
    HealthReport,
    HealthStatus,
    InvalidTransition,
    LeaseLost,
    Local,
    ManagedProcess,
    ReadOnly,
    RegistryClient,
    RegistryLoaded,
    ServiceDeregistered,
    ServiceEntry,
    ServiceExists,
    ServiceNotFound,
    ServiceRegistered,
    ServiceState,
    ServiceStateChanged,
)

pytestmark = pytest.mark.anyio

HTTP = Endpoint(name="public", address="10.0.0.7:8080", protocol=EndpointProtocol.HTTP)


class Running:
    """A registry that serves; it can be restarted."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.clock = ManualClock()

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self.store = await self._stack.enter_async_context(JournaledStore.open(self.journal, self.clock))
        self.service = Registry(self.store, clock=self.clock, forget_after=60)
        tasks = await self._stack.enter_async_context(background())
        await tasks.start(self.service.run)
        server = await self._stack.enter_async_context(serve(self.service, "127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{server.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


@pytest.fixture
async def running() -> AsyncGenerator[Running]:
    async with Running(MemoryJournal()) as running:
        yield running


@pytest.fixture
async def registry(running: Running) -> AsyncGenerator[RegistryClient]:
    with anyio.fail_after(10):
        async with RegistryClient.open(running.url) as registry:
            yield registry


async def register(registry: RegistryClient, name: str = "api", **changes: Any) -> ServiceEntry:
    fields: dict[str, Any] = {
        "version": "1.0.0",
        "execution": ManagedProcess(command=["bin/api"]),
        "location": Local(),
        "endpoints": [HTTP],
    }
    return await registry.register_service(name=name, **{**fields, **changes})


def report(status: HealthStatus = HealthStatus.PASSING, check: str = "http") -> HealthReport:
    return HealthReport(check=check, status=status, checked_at=ManualClock().now())


async def take(events: EventStream[Any], count: int) -> list[Event]:
    return [await anext(events) for _ in range(count)]


async def test_a_life(registry: RegistryClient) -> None:
    entry = await register(registry)
    assert entry.state is ServiceState.REGISTERED
    assert (await registry.list_endpoints(name="api")).endpoints == []
    await registry.update_state(name="api", state=ServiceState.RUNNING)
    (resolved,) = (await registry.list_endpoints(name="api")).endpoints
    assert (resolved.endpoint, resolved.health) == (HTTP, HealthStatus.UNKNOWN)
    await registry.report_health(name="api", report=report(HealthStatus.CRITICAL))
    assert (await registry.list_endpoints(name="api")).endpoints == []
    shown = await registry.get_service(name="api", include_health=True)
    assert shown.health == [report(HealthStatus.CRITICAL)]
    assert (await registry.get_service(name="api")).health is None
    listed = await registry.list_services(state=[ServiceState.RUNNING])
    assert ([entry.name for entry in listed.services], listed.revision) == (["api"], 2)
    await registry.deregister_service(name="api", reason="done")
    with pytest.raises(ServiceNotFound):
        await registry.get_service(name="api")
    with pytest.raises(ServiceNotFound):
        await registry.list_endpoints(name="api")


async def test_declared_errors_arrive_typed(registry: RegistryClient) -> None:
    await register(registry)
    with pytest.raises(ServiceExists) as exists:
        await register(registry, tags=["blue"])
    assert exists.value.details.revision == 1
    with pytest.raises(InvalidTransition) as refused:
        await registry.update_state(name="api", state=ServiceState.STOPPING)
    assert refused.value.details.allowed == [ServiceState.STARTING, ServiceState.RUNNING, ServiceState.FAILED]
    with pytest.raises(InvalidArgument, match="cursor"):
        await registry.list_services(cursor="nonsense")


async def test_an_entry_that_would_fit_nowhere_is_refused(registry: RegistryClient) -> None:
    with pytest.raises(NotSent, match="at most 65536"):
        await register(registry, metadata={"notes": "x" * 70_000})
    await register(registry, metadata={"notes": "x" * 60_000})


async def test_many_large_entries_can_be_listed(registry: RegistryClient) -> None:
    for number in range(20):
        await register(registry, f"s{number}", metadata={"notes": "x" * 60_000})
    page = await registry.list_services(limit=500)
    assert 0 < len(page.services) < 20
    assert page.next_cursor is not None
    log = await registry.list_events(limit=500)
    assert 0 < len(log.records) < 20


async def test_pages(registry: RegistryClient) -> None:
    for number in range(5):
        await register(registry, f"s{number}")
    names: list[str] = []
    page = await registry.list_services(limit=2)
    names += [entry.name for entry in page.services]
    while page.next_cursor is not None:
        page = await registry.list_services(limit=2, cursor=page.next_cursor)
        names += [entry.name for entry in page.services]
    assert names == ["s0", "s1", "s2", "s3", "s4"]


async def test_the_audit_log(registry: RegistryClient) -> None:
    options = CallOptions(key="k-1")
    await register(registry, endpoints=[])
    await registry.update_state(name="api", state=ServiceState.FAILED, reason="burnt", options=options)
    await register(registry, "other", endpoints=[])
    page = await registry.list_events(service="api", limit=1)
    (newest,) = page.records
    assert (newest.event, newest.reason, newest.request_key) == ("service_state_changed", "burnt", "k-1")
    assert newest.actor == "anonymous"
    assert page.next_cursor is not None
    (oldest,) = (await registry.list_events(service="api", limit=1, cursor=page.next_cursor)).records
    assert oldest.event == "service_registered"
    assert isinstance(oldest.data, dict)
    assert isinstance(oldest.data["entry"], dict)
    assert oldest.data["entry"]["name"] == "api"


async def test_every_change_is_told_in_order(registry: RegistryClient) -> None:
    async with registry.events(ServiceRegistered, ServiceDeregistered, ServiceStateChanged, EndpointUpdated) as events:
        entry = await register(registry)
        await registry.update_state(name="api", state=ServiceState.RUNNING)
        await registry.deregister_service(name="api")
        assert await take(events, 5) == [
            ServiceRegistered(entry=entry),
            EndpointUpdated(service="api", endpoints=[HTTP], revision=1),
            ServiceStateChanged(name="api", old=ServiceState.REGISTERED, new=ServiceState.RUNNING, revision=2),
            ServiceDeregistered(name="api", revision=3),
            EndpointUpdated(service="api", endpoints=[], revision=3),
        ]
        assert events.position is not None
        assert events.position.seq == 5


async def test_an_event_is_there_before_the_answer(running: Running, registry: RegistryClient) -> None:
    """What a call caused has been sent to the caller's own subscriptions before its answer."""
    await register(registry)
    stream = await registry.subscribe([EventType.SERVICE_STATE_CHANGED])
    await registry.update_state(name="api", state=ServiceState.RUNNING)
    with anyio.fail_after(0.5):
        assert isinstance(await anext(stream), ServiceStateChanged)


async def test_the_log_can_be_read_from_a_position(running: Running, registry: RegistryClient) -> None:
    for number in range(5):
        await register(registry, f"s{number}", endpoints=[])
    since = Position(running.store.position.epoch, 3)
    async with registry.events.service_registered(since=since) as events:
        names = [event.entry.name for event in await take(events, 2) if isinstance(event, ServiceRegistered)]
    assert names == ["s3", "s4"]


async def test_health_is_a_state(registry: RegistryClient) -> None:
    """A late subscriber begins with the latest of each check; what ended is not among them."""
    await register(registry, "gone")
    await register(registry)
    for name, status in (("gone", HealthStatus.PASSING), ("api", HealthStatus.WARNING), ("api", HealthStatus.PASSING)):
        await registry.report_health(name=name, report=report(status))
    await registry.report_health(name="api", report=report(check="tcp"))
    await registry.deregister_service(name="gone")
    async with registry.events.health_check_result() as events:
        seen = [event for event in await take(events, 2) if isinstance(event, HealthCheckResult)]
        assert {(event.service, event.report.check, event.report.status) for event in seen} == {
            ("api", "http", HealthStatus.PASSING),
            ("api", "tcp", HealthStatus.PASSING),
        }
        await registry.report_health(name="api", report=report(HealthStatus.CRITICAL))
        assert await take(events, 1) == [HealthCheckResult(service="api", report=report(HealthStatus.CRITICAL))]


async def test_a_new_version_begins_without_health(registry: RegistryClient) -> None:
    await register(registry)
    await registry.report_health(name="api", report=report())
    await register(registry, version="2.0.0")
    await register(registry, "last")
    await registry.report_health(name="last", report=report())
    async with registry.events.health_check_result() as events:
        (first,) = await take(events, 1)
    assert isinstance(first, HealthCheckResult)
    assert first.service == "last"


async def test_everybody_is_told_what_was_loaded(running: Running, registry: RegistryClient) -> None:
    async with registry.events.registry_loaded() as events:
        loaded = await take(events, 1)
    assert loaded == [RegistryLoaded(epoch=running.store.position.epoch, services=0, revision=0)]


# ------------------------------------------------------------------------------------------------------------- leases
LEASE = timedelta(seconds=10)


async def state_of(registry: RegistryClient, name: str = "api") -> str:
    return (await registry.get_service(name=name)).state


async def test_a_lease_that_ends(running: Running, registry: RegistryClient) -> None:
    async with registry.events(ServiceStateChanged, ServiceDeregistered) as events:
        await register(registry, lease=LEASE)
        running.clock.advance(9)
        beat = await registry.heartbeat(name="api")
        assert beat.expires_at == running.clock.now() + LEASE
        running.clock.advance(9.9)
        await running.service.sweep()
        assert await state_of(registry) == "registered"
        running.clock.advance(0.1)
        await running.service.sweep()
        (changed,) = await take(events, 1)
        assert isinstance(changed, ServiceStateChanged)
        assert (changed.new, changed.reason) == (ServiceState.FAILED, "lease expired")
        with pytest.raises(LeaseLost):
            await registry.heartbeat(name="api")
        (record, *_) = (await registry.list_events(limit=1)).records
        assert record.actor == "registry"
        running.clock.advance(60)
        await running.service.sweep()
        (gone,) = await take(events, 1)
        assert isinstance(gone, ServiceDeregistered)
        assert gone.reason == "lease expired"


async def test_registering_the_same_again_renews_the_lease(running: Running, registry: RegistryClient) -> None:
    await register(registry, lease=LEASE)
    running.clock.advance(9)
    await register(registry, lease=LEASE)
    running.clock.advance(9)
    await running.service.sweep()
    assert await state_of(registry) == "registered"


async def test_leases_end_without_being_asked(running: Running, registry: RegistryClient) -> None:
    """The sweeper itself runs: nobody calls it here."""
    async with registry.events.service_state_changed() as events:
        await register(registry, lease=LEASE)
        running.clock.advance(10)
        assert len(await take(events, 1)) == 1


async def test_without_a_lease_there_is_nothing_to_keep_alive(registry: RegistryClient) -> None:
    await register(registry)
    with pytest.raises(LeaseLost):
        await registry.heartbeat(name="api")
    with pytest.raises(ServiceNotFound):
        await registry.heartbeat(name="none")


# ------------------------------------------------------------------------------------------------- restarts, bad disks
async def test_a_restart_keeps_everything_and_gives_leases_grace(tmp_path: Path) -> None:
    async with Running(SqliteJournal(tmp_path)) as before:
        async with RegistryClient.open(before.url) as registry:
            await register(registry, lease=LEASE)
            await registry.report_health(name="api", report=report())
            before.clock.advance(9)
            listed = await registry.list_services()
        position = before.store.position
    async with Running(SqliteJournal(tmp_path)) as after:
        assert after.store.position == position
        async with RegistryClient.open(after.url) as registry:
            assert await registry.list_services() == listed
            after.clock.advance(9.9)
            await after.service.sweep()
            assert await state_of(registry) == "registered"
            after.clock.advance(0.1)
            await after.service.sweep()
            assert await state_of(registry) == "failed"
            async with registry.events.health_check_result() as events:
                assert await take(events, 1) == [HealthCheckResult(service="api", report=report())]
            async with registry.events.registry_loaded() as loaded:
                assert await take(loaded, 1) == [RegistryLoaded(epoch=position.epoch, services=1, revision=1)]
            since = Position(position.epoch, 0)
            async with registry.events.service_registered(since=since) as registered:
                assert len(await take(registered, 1)) == 1


class FullDisk(MemoryJournal):
    """A journal that can be told to fail."""

    full = False

    @override
    def write(self, batch: Batch) -> None:
        if self.full:
            raise OSError("No space left on device")
        super().write(batch)


async def test_a_registry_that_cannot_write_can_still_be_read() -> None:
    journal = FullDisk()
    async with Running(journal) as running, RegistryClient.open(running.url) as registry:
        await register(registry, lease=LEASE)
        journal.full = True
        with pytest.raises(Exception, match="The disk failed"):
            await register(registry, "b")
        with pytest.raises(ReadOnly, match="No space left"):
            await register(registry, "c")
        assert [entry.name for entry in (await registry.list_services()).services] == ["api"]
        await registry.heartbeat(name="api")
        running.clock.advance(60)
        await running.service.sweep()
        await registry.heartbeat(name="api")
        assert await state_of(registry) == "registered"


async def test_a_disk_that_fails_during_a_mass_expiry_ends_no_lease() -> None:
    journal = FullDisk()
    async with Running(journal) as running, RegistryClient.open(running.url) as registry:
        for number in range(150):
            await register(registry, f"s{number}", lease=LEASE)
        journal.full = True
        running.clock.advance(10)
        await running.service.sweep()
        for number in range(150):
            await registry.heartbeat(name=f"s{number}")
