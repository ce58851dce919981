"""The agent: what it serves to the registry, and what it runs for it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from typing_extensions import override

from duologue import Call, NotFound, Sink
from service_registry_sdk import (
    BadPackage,
    CommandOutcome,
    CommandStage,
    CommandStep,
    ExecuteAction,
    ExecuteParams,
    HealthCheck,
    Installation,
    InstallPackageParams,
    LogLine,
    NotOwner,
    PackageInfo,
    RegistryClient,
    RegistryPeerService,
    ServiceEntry,
    ServiceKind,
    ServiceState,
    TailLogsParams,
)

from ..packages.blobs import typed_space
from ..packages.installer import STAGING, Installer
from ..packages.manifest import FILE_NAME, parse_manifest
from ..packages.signing import SignaturePolicy, Subject
from ..tasks import background
from .executor import Executor, ExecutorError, Observed, Unit
from .health import watch
from .records import ServiceRecord, read_records
from .supervisor import Patience, Supervisor
from .voice import Voice

logger = logging.getLogger(__name__)

LEASE_WITHIN: Final = 5.0
"""Seconds for which a call of the registry may be ahead of the answer that gives the agent its lease."""


class Node(RegistryPeerService):
    """The services of one machine, and what the registry may ask of them.

    Args:
        root: Its folder, with a folder in it for each service. One agent uses it at a time.
        executors: What it can run.
        policy: Whose packages it installs, whatever the registry says.

    Attributes:
        voice: Where it tells what happens.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        executors: Mapping[ServiceKind, Executor],
        *,
        policy: SignaturePolicy | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self.voice = Voice(name, list(executors), self.found)
        self._root = root
        self._executors = executors
        self._policy = policy or SignaturePolicy.read(None)
        self._patience = patience or Patience()
        self._installer = Installer(root, node=name)
        self._installing = anyio.Lock()
        self._supervisors: dict[str, Supervisor] = {}
        self._checking: dict[str, anyio.CancelScope] = {}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Node]:
        """Look after the services while the block runs; leaving it leaves them as they are.

        Raises:
            OSError: Its folder cannot be made.
        """
        await anyio.to_thread.run_sync(self._installer.prepare)
        async with background() as self._tasks:
            for record in read_records(self._root):
                with suppress(ExecutorError):  # of a kind that it could run once
                    self._supervise(record)
            yield self

    def found(self) -> dict[str, Observed]:
        """Its services, as they were last seen."""
        return {name: supervisor.seen for name, supervisor in self._supervisors.items()}

    # ------------------------------------------------------------------------------------------------------- handlers
    @override
    async def execute(
        self, call: Call[RegistryClient], params: ExecuteParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        await self._check_lease(params)

        async def step(stage: CommandStage) -> None:
            now = datetime.now(UTC)
            await out.send(CommandStep(command=params.command, service=params.entry.name, at=now, stage=stage))

        await step(CommandStage.DELIVERED)
        wanted = ServiceState.RUNNING if params.action is ExecuteAction.START else ServiceState.STOPPED
        try:
            supervisor = self._supervisor(params.entry)
            await step(CommandStage.STARTED)
            if params.action is ExecuteAction.START:
                seen = await supervisor.start(params.entry)
            else:
                seen = await supervisor.stop(params.grace.total_seconds())
        except (ExecutorError, OSError) as error:
            seen = Observed(ServiceState.FAILED, str(error))
            self._tell(params.entry.name, seen)
        return CommandOutcome(
            command=params.command,
            service=params.entry.name,
            succeeded=seen.state is wanted,
            state=seen.state,
            message=seen.reason,
        )

    @override
    async def install_package(self, call: Call[RegistryClient], params: InstallPackageParams) -> Installation:
        await self._check_lease(params)
        info = params.package
        name, version = info.manifest.name, info.manifest.version
        self._policy.check(Subject(name, version, info.size, info.sha256), info.signature)
        async with self._installing:
            if self._installer.current(name) != version:
                if not self._installer.folder(name, version).is_dir():
                    await self._fetch(call.peer, info)
                await anyio.to_thread.run_sync(self._installer.activate, name, version)
                await anyio.to_thread.run_sync(self._installer.collect, name)
        return Installation(name=name, active=version, previous=self._installer.previous(name))

    async def _fetch(self, registry: RegistryClient, info: PackageInfo) -> None:
        name, version = info.manifest.name, info.manifest.version
        archive = self._root / STAGING / f"{name}-{version}.tar.gz"
        try:
            with typed_space(self.name):
                async with registry.download_package(name=name, version=version) as download:
                    await download.save(archive)
            await anyio.to_thread.run_sync(self._installer.stage, archive, info)
        finally:
            await anyio.to_thread.run_sync(lambda: archive.unlink(missing_ok=True))

    @override
    async def tail_logs(self, call: Call[RegistryClient], params: TailLogsParams, out: Sink[LogLine]) -> None:
        supervisor = self._supervisors.get(params.name)
        if supervisor is None:
            raise NotFound(f"{self.name} does not run {params.name}")
        try:
            async for line in supervisor.read_logs(params.tail, follow=params.follow):
                await out.send(line)
        except ExecutorError as error:
            raise NotFound(str(error)) from None

    async def _check_lease(self, params: ExecuteParams | InstallPackageParams) -> None:
        with anyio.move_on_after(LEASE_WITHIN):
            await self.voice.until_epoch(params.agent.lease_epoch)
        if params.agent != self.voice.lease:
            raise NotOwner(node=self.name)

    # --------------------------------------------------------------------------------------------------- its services
    def _supervisor(self, entry: ServiceEntry) -> Supervisor:
        found = self._supervisors.get(entry.name)
        if found is None or found.unit.entry.execution.kind != entry.execution.kind:
            if found is not None and found.seen.is_running:
                raise ExecutorError(f"{entry.name} runs as {found.unit.entry.execution.kind}: stop it first")
            found = self._supervise(ServiceRecord(entry, is_wanted=False))
        return found

    def _supervise(self, record: ServiceRecord) -> Supervisor:
        kind = record.entry.execution.kind
        executor = self._executors.get(ServiceKind(kind)) if kind in set(ServiceKind) else None
        if executor is None:
            raise ExecutorError(f"this agent runs no services of the kind {kind}")
        home = self._root / record.entry.name
        home.mkdir(parents=True, exist_ok=True)
        supervisor = Supervisor(record, home, executor, self._tell, self._patience)
        self._supervisors[record.entry.name] = supervisor
        self._tasks.start_soon(supervisor.run)
        return supervisor

    def _tell(self, name: str, seen: Observed) -> None:
        self.voice.tell(name, seen)
        checking = self._checking.pop(name, None)
        if checking is not None:
            checking.cancel()
        supervisor = self._supervisors.get(name)
        if supervisor is not None and seen.is_running:
            self._checking[name] = scope = anyio.CancelScope()
            self._tasks.start_soon(self._check, supervisor.unit, scope)

    async def _check(self, unit: Unit, scope: anyio.CancelScope) -> None:
        with scope:
            async with anyio.create_task_group() as tasks:
                for check in checks_of(unit):
                    tasks.start_soon(watch, check, unit, self.voice.report)


def checks_of(unit: Unit) -> list[HealthCheck]:
    """What a service is asked: as it is registered, else as its package says."""
    if unit.entry.checks:
        return unit.entry.checks
    try:
        health = parse_manifest((unit.folder / FILE_NAME).read_bytes()).health
    except (OSError, BadPackage):
        return []
    return [] if health is None else [health]
