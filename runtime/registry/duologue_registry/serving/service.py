"""The registry as a service of the generated protocol: each handler is one question to the store."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskStatus
from typing_extensions import override

from duologue import (
    AnswerStore,
    ByteSink,
    Call,
    CallError,
    Event,
    EventLog,
    FailedPrecondition,
    HeldUploads,
    LogEntry,
    Position,
    Sink,
    Upload,
)
from service_registry_sdk import (
    AgentLease,
    AttachAgentParams,
    BackupInfo,
    BackUpParams,
    CommandOutcome,
    CommandStep,
    DeregisterServiceParams,
    DownloadPackageParams,
    GetRegistryStatusParams,
    GetServiceParams,
    HealthCheckResult,
    HeartbeatParams,
    HeartbeatResult,
    ListAgentsParams,
    ListAgentsResult,
    ListEndpointsParams,
    ListEndpointsResult,
    ListEventsParams,
    ListEventsResult,
    ListPackagesParams,
    ListPackagesResult,
    ListServicesParams,
    ListServicesResult,
    LogLine,
    PackageInfo,
    PruneParams,
    PruneResult,
    RegisterServiceParams,
    RegistryLoaded,
    RegistryPeer,
    RegistryStatus,
    RemovePackageParams,
    ReportHealthParams,
    Retention,
    ServiceActionParams,
    ServiceEntry,
    UpdateStateParams,
    UploadPackageParams,
    WatchLogsParams,
)

from ..clock import Clock, SystemClock
from ..rules.agents import node_at
from ..rules.deciding import find
from ..rules.model import Change, PauseExpiry, ResumeExpiry
from ..storing.answers import StoredAnswers
from ..storing.store import REGISTRY, Committed, Request, Store
from ..tasks import background
from .control import Control, check_name, check_owner
from .deployer import Deployer
from .deploying import DeploymentHandlers
from .leases import Leases
from .protection import Protection
from .queries import audit_page, audit_query, list_services, resolve
from .shelf import Shelf
from .upkeep import Upkeep

logger = logging.getLogger(__name__)

FORGET_AFTER: Final = 3600.0
"""Seconds after which a service is removed that stayed failed since its lease ended."""

SWEEP_EVERY: Final = 0.25
"""Seconds between two looks at the leases: so much later than its TTL a lease may end."""

_SWEEP_AT_ONCE: Final = 100  # of a mass expiry, in one transaction


class StoreLog(EventLog):
    """The store's log, for the publisher: entries come from commits alone."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    @override
    def position(self) -> Position:
        return self._store.position

    @override
    async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        return await self._store.tail(after, limit)

    @override
    async def append(self, event: Event) -> LogEntry:
        raise TypeError(f"{event.event_name} is logged by the change that causes it, and in no other way")


class Registry(DeploymentHandlers):
    """The registry over a store.

    `run` has to run beside the server: it ends leases, and tells what was loaded.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        forget_after: float = FORGET_AFTER,
        shelf: Shelf | None = None,
        keep: Retention | None = None,
    ) -> None:
        super().__init__(store)
        self._clock = clock or SystemClock()
        self._shelf_or_none = shelf
        self._control = Control(store, self._clock)
        self._deployer = Deployer(store, self._control, self._clock)
        self._upkeep = Upkeep(store, self._clock, shelf, keep or Retention())
        self._leases = Leases(self._clock, forget_after=forget_after)
        self._leases.load(store.snapshot())
        self._checks: dict[str, set[str]] = {}
        self._states: deque[HealthCheckResult] = deque()
        store.on_commit(self._on_commit)

    @override
    def event_log(self) -> EventLog:
        return StoreLog(self._store)

    @override
    def answer_store(self) -> AnswerStore:
        return StoredAnswers(self._store)

    @override
    def hold_uploads(self) -> HeldUploads:
        return super().hold_uploads() if self._shelf_or_none is None else self._shelf_or_none.hold_uploads()

    @property
    def protection(self) -> Protection:
        """Whether the ends of leases are held back."""
        return self._leases.protection

    @property
    def _shelf(self) -> Shelf:
        if self._shelf_or_none is None:
            raise FailedPrecondition("this registry was started without a place for packages")
        return self._shelf_or_none

    # -------------------------------------------------------------------------------------------------------- reading
    @override
    async def list_services(self, call: Call[RegistryPeer], params: ListServicesParams) -> ListServicesResult:
        return list_services(self._store.snapshot(), params, self._store.revision)

    @override
    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        return find(self._store, params.name).present(include_health=params.include_health)

    @override
    async def list_endpoints(self, call: Call[RegistryPeer], params: ListEndpointsParams) -> ListEndpointsResult:
        found = resolve(find(self._store, params.name), params, self._store.revision)
        return found.model_copy(update={"protected": self.protection.active})

    @override
    async def list_events(self, call: Call[RegistryPeer], params: ListEventsParams) -> ListEventsResult:
        return audit_page(await self._store.audit(audit_query(params)), params)

    # ------------------------------------------------------------------------------------------------------- changing
    @override
    async def register_service(self, call: Call[RegistryPeer], params: RegisterServiceParams) -> ServiceEntry:
        check_owner(call.identity, node_at(params.location))
        self._check_owner(call, params.name)
        # Now, lest the lease be found due while this waits for the disk; and again when it is done.
        self._leases.touch(params.name)
        outcome = await self._change(call, params)
        self._leases.touch(params.name)
        return outcome.entry

    @override
    async def deregister_service(self, call: Call[RegistryPeer], params: DeregisterServiceParams) -> None:
        self._check_owner(call, params.name)
        await self._change(call, params)

    @override
    async def update_state(self, call: Call[RegistryPeer], params: UpdateStateParams) -> ServiceEntry:
        if params.agent is not None:
            check_name(call.identity, params.agent.node)
        self._check_owner(call, params.name)
        return (await self._change(call, params)).entry

    @override
    async def report_health(self, call: Call[RegistryPeer], params: ReportHealthParams) -> None:
        if params.agent is not None:
            check_name(call.identity, params.agent.node)
        self._check_owner(call, params.name)
        await self._change(call, params)
        await self._tell_states()

    @override
    async def heartbeat(self, call: Call[RegistryPeer], params: HeartbeatParams) -> HeartbeatResult:
        self._check_owner(call, params.name)
        return HeartbeatResult(expires_at=self._leases.heartbeat(find(self._store, params.name)))

    # ------------------------------------------------------------------------------------------------------- packages
    @override
    async def upload_package(self, call: Call[RegistryPeer], params: UploadPackageParams, body: Upload) -> PackageInfo:
        return await self._shelf.upload(params, body, call.identity.name, self._clock, partial(self._change, call))

    @override
    async def download_package(
        self, call: Call[RegistryPeer], params: DownloadPackageParams, out: ByteSink
    ) -> PackageInfo:
        return await self._shelf.download(params, out)

    @override
    async def list_packages(self, call: Call[RegistryPeer], params: ListPackagesParams) -> ListPackagesResult:
        return self._shelf.list(params)

    @override
    async def remove_package(self, call: Call[RegistryPeer], params: RemovePackageParams) -> None:
        await self._shelf.remove(params, partial(self._change, call))

    # --------------------------------------------------------------------------------------------- agents, and control
    @override
    async def attach_agent(self, call: Call[RegistryPeer], params: AttachAgentParams) -> AgentLease:
        lease = await self._control.attach(call, params)
        self._deployer.changed()
        return lease

    @override
    async def list_agents(self, call: Call[RegistryPeer], params: ListAgentsParams) -> ListAgentsResult:
        return ListAgentsResult(agents=self._control.agents())

    @override
    async def service_action(
        self, call: Call[RegistryPeer], params: ServiceActionParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        return await self._control.act(params, out, partial(self._order, call), call.time_left())

    @override
    async def watch_logs(self, call: Call[RegistryPeer], params: WatchLogsParams, out: Sink[LogLine]) -> None:
        await self._control.watch_logs(params, out)

    # --------------------------------------------------------------------------------------------------------- upkeep
    @override
    async def get_registry_status(self, call: Call[RegistryPeer], params: GetRegistryStatusParams) -> RegistryStatus:
        return self._upkeep.status(sum(info.is_attached for info in self._control.agents()), self.protection)

    @override
    async def back_up(self, call: Call[RegistryPeer], params: BackUpParams, out: ByteSink) -> BackupInfo:
        return await self._shelf.back_up(out)

    @override
    async def prune(self, call: Call[RegistryPeer], params: PruneParams) -> PruneResult:
        return await self._upkeep.prune(params, partial(self._order, call))

    # --------------------------------------------------------------------------------------------------- by ourselves
    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Tell what was loaded, then look after the leases and the deployments until cancelled."""
        records = self._store.snapshot()
        for record in records:
            self._remember_checks(record.entry.name, record.health)
            for report in record.health.values():
                await self.publisher.emit(HealthCheckResult(service=record.entry.name, report=report))
        await self.publisher.emit(
            RegistryLoaded(epoch=self._store.position.epoch, services=len(records), revision=self._store.revision)
        )
        async with background() as tasks:
            tasks.start_soon(self._deployer.run)
            tasks.start_soon(self._upkeep.run)
            task_status.started()
            while True:
                await self.sweep()
                await self._tell_states()  # those of handlers that were cancelled before they could
                await anyio.sleep(SWEEP_EVERY)

    async def sweep(self) -> None:
        """End the leases that are due, and remove who has been without one for too long."""
        due = self._leases.take_due()
        try:
            for change in self.protection.take_changes():
                logger.warning(*_told(change))
                await self._store.commit([Request(command=change, actor=REGISTRY)])
            for start in range(0, len(due), _SWEEP_AT_ONCE):
                part = due[start : start + _SWEEP_AT_ONCE]
                await self._store.commit([Request(command=command, actor=REGISTRY) for command in part])
        except CallError:
            pass  # the store has said why, and takes nothing any more
        finally:
            for command in due:
                self._leases.settle(command.name, self._store.get(command.name))

    def _on_commit(self, committed: Committed) -> None:
        """What was committed goes to the subscribers, in order, before those who asked for it get their answer."""
        self.publisher.publish(committed.entries)
        self._control.changed()
        self._followers.committed(committed)
        if any(outcome.documents for outcome in committed.outcomes):
            self._deployer.changed()
        for outcome in committed.outcomes:
            if outcome.change is Change.DOCUMENT:
                continue
            self._leases.sync(outcome.name, outcome.record)
            if outcome.change is Change.HEALTH and outcome.report is not None:
                self._remember_checks(outcome.name, [outcome.report.check])
                self._states.append(HealthCheckResult(service=outcome.name, report=outcome.report))
            elif outcome.record is None or not outcome.record.health:
                for check in self._checks.pop(outcome.name, ()):
                    self.publisher.forget_state(HealthCheckResult, outcome.name, check)

    def _remember_checks(self, name: str, checks: Iterable[str]) -> None:
        self._checks.setdefault(name, set()).update(checks)

    async def _tell_states(self) -> None:
        while self._states:
            event = self._states.popleft()
            record = self._store.get(event.service)
            if record is not None and record.health.get(event.report.check) == event.report:  # still the latest
                await self.publisher.emit(event)


def _told(change: PauseExpiry | ResumeExpiry) -> tuple[object, ...]:
    """What the log says of it."""
    if isinstance(change, PauseExpiry):
        said = "%d of %d leases have run out at once: none is ended until %s"
        return said, change.overdue, change.leases, change.until.isoformat(timespec="seconds")
    return "Leases end again; %d of %d are overdue", change.overdue, change.leases
