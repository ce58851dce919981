"""The agent: what it serves to the registry, and what it runs for it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from typing_extensions import override

from duologue import Call, NotFound, Sink
from service_registry_sdk import (
    AgentLease,
    CommandOutcome,
    CommandStage,
    CommandStep,
    ExecuteAction,
    ExecuteParams,
    InstallPackageParams,
    InstallPackageResult,
    LogLine,
    NotOwner,
    RegistryClient,
    RegistryPeerService,
    ServiceEntry,
    ServiceKind,
    ServiceState,
    TailLogsParams,
    UninstallPackageParams,
    Verification,
    VerifyServiceParams,
)

from ..packages.files import Files
from ..packages.signing import SignaturePolicy
from ..rules.agents import package_name
from ..tasks import background
from .executor import Executor, ExecutorError, Observed, Unit
from .health import watch
from .installing import Packages
from .records import ServiceRecord, forget_record, read_records
from .supervisor import REPLACE_GRACE, Patience, Supervisor
from .verifying import checks_of, verify
from .voice import Found, Voice

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
        files: Files | None = None,
    ) -> None:
        self.name = name
        self.voice = Voice(name, list(executors), self.found)
        self._root = root
        self._executors = executors
        self._patience = patience or Patience()
        self._packages = Packages(root, name, policy or SignaturePolicy.read(None), files)
        self._turns: dict[str, anyio.Lock] = {}
        self._supervisors: dict[str, Supervisor] = {}
        self._watching: dict[str, anyio.CancelScope] = {}
        self._checking: dict[str, anyio.CancelScope] = {}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Node]:
        """Look after the services while the block runs; leaving it leaves them as they are.

        Raises:
            OSError: Its folder cannot be made.
        """
        await anyio.to_thread.run_sync(self._packages.prepare)
        async with background() as self._tasks:
            for record in read_records(self._root):
                with suppress(ExecutorError):  # of a kind that it could run once
                    self._supervise(record)
            yield self

    def found(self) -> list[Found]:
        """Its services, as they were last seen."""
        return [
            Found(name, supervisor.unit.entry.version, supervisor.seen, self._packages.active(supervisor.unit.package))
            for name, supervisor in self._supervisors.items()
        ]

    # ------------------------------------------------------------------------------------------------------- handlers
    @override
    async def execute(
        self, call: Call[RegistryClient], params: ExecuteParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        await self._check_lease(params.agent)

        async def step(stage: CommandStage) -> None:
            now = datetime.now(UTC)
            await out.send(CommandStep(command=params.command, service=params.entry.name, at=now, stage=stage))

        await step(CommandStage.DELIVERED)
        wanted = ServiceState.RUNNING if params.action is ExecuteAction.START else ServiceState.STOPPED
        async with self._turn(params.entry.name):
            self._check_still(params.agent)
            await step(CommandStage.STARTED)
            seen = await self._execute(params)
        return CommandOutcome(
            command=params.command,
            service=params.entry.name,
            succeeded=seen.state is wanted,
            state=seen.state,
            message=seen.reason,
        )

    async def _execute(self, params: ExecuteParams) -> Observed:
        try:
            supervisor = self._supervisor(params.entry)
            if params.action is ExecuteAction.START:
                return await supervisor.start(params.entry)
            return await supervisor.stop(params.grace.total_seconds())
        except (ExecutorError, OSError) as error:
            seen = Observed(ServiceState.FAILED, str(error))
            self._tell(params.entry, seen)
            return seen

    @override
    async def install_package(self, call: Call[RegistryClient], params: InstallPackageParams) -> InstallPackageResult:
        await self._check_lease(params.agent)
        check = partial(self._check_still, params.agent)
        return await self._packages.install(call.peer, params.package, params.mode, check)

    @override
    async def uninstall_package(self, call: Call[RegistryClient], params: UninstallPackageParams) -> None:
        await self._check_lease(params.agent)
        async with self._turn(params.service):
            self._check_still(params.agent)
            supervisor = self._supervisors.get(params.service)
            if supervisor is not None:
                await supervisor.stop(REPLACE_GRACE)
                self._forget(params.service)
            await self._packages.clear(params.name, partial(self._check_still, params.agent))

    @override
    async def verify_service(self, call: Call[RegistryClient], params: VerifyServiceParams) -> Verification:
        await self._check_lease(params.agent)
        supervisor = self._supervisors.get(params.entry.name)
        if supervisor is None:
            return Verification(is_healthy=False, message=f"{self.name} does not run {params.entry.name}")
        return await verify(supervisor, params)

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

    async def _check_lease(self, lease: AgentLease) -> None:
        with anyio.move_on_after(LEASE_WITHIN):
            await self.voice.until_epoch(lease.lease_epoch)
        self._check_still(lease)

    def _check_still(self, lease: AgentLease) -> None:
        """What was asked for under an older lease is not done any more, however long it had to wait for its turn."""
        if lease != self.voice.lease:
            raise NotOwner(node=self.name)

    def _turn(self, name: str) -> anyio.Lock:
        return self._turns.setdefault(name, anyio.Lock())

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
        home = self._root / package_name(record.entry)
        for name, other in list(self._supervisors.items()):
            if other.unit.home == home and name != record.entry.name:
                if not other.is_given_up:
                    raise ExecutorError(f"{name} runs in the folder {home.name} on {self.name}, which cannot be shared")
                self._forget(name)
        home.mkdir(parents=True, exist_ok=True)
        supervisor = Supervisor(record, home, executor, self._tell, self._patience)
        self._supervisors[record.entry.name] = supervisor
        self._watching[record.entry.name] = scope = anyio.CancelScope()
        self._tasks.start_soon(self._watch, supervisor, scope)
        return supervisor

    async def _watch(self, supervisor: Supervisor, scope: anyio.CancelScope) -> None:
        with scope:
            await supervisor.run()

    def _forget(self, name: str) -> None:
        """Of a service that is stopped nothing is known any more."""
        forget_record(self._supervisors.pop(name).unit.home)
        self._watching.pop(name).cancel()

    def _tell(self, entry: ServiceEntry, seen: Observed) -> None:
        self.voice.tell(entry.name, entry.version, seen)
        checking = self._checking.pop(entry.name, None)
        if checking is not None:
            checking.cancel()
        supervisor = self._supervisors.get(entry.name)
        if supervisor is not None and seen.is_running:
            self._checking[entry.name] = scope = anyio.CancelScope()
            self._tasks.start_soon(self._check, supervisor.unit, scope)

    async def _check(self, unit: Unit, scope: anyio.CancelScope) -> None:
        with scope:
            async with anyio.create_task_group() as tasks:
                for check in checks_of(unit):
                    tasks.start_soon(watch, check, unit, self.voice.report)
