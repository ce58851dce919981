"""What is done at a node, for each state that it can be in. Everything here may be done twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid5

import anyio

from duologue import CallError
from service_registry_sdk import (
    Deployment,
    DeploymentState,
    ExecuteAction,
    Installation,
    InstallMode,
    NodeProgress,
    PackageInfo,
    ServiceEntry,
)

from ..rules.documents import package
from ..rules.model import Command, Installed, SyncService, Uninstalled
from ..rules.packages import find_package
from ..rules.progress import wanted_version
from ..storing.store import REGISTRY, Request, Store
from .control import Attached, Control, check_outcome

STOP_GRACE: Final = timedelta(seconds=10)
"""From asking a process to stop until it is killed."""

LONGER: Final = 5.0
"""Seconds that a verification may take beyond what the service has."""


class StepFailed(Exception):
    """A step did not succeed; the message says why."""


@dataclass(frozen=True, slots=True)
class NodeWork:
    """One step of one node, done through its agent.

    Raises:
        StepFailed: It did not succeed, and would not if it were tried again at once.
        CallError: The agent refuses it, or was lost on the way.
    """

    store: Store
    control: Control
    deployment: Deployment
    node: NodeProgress
    attached: Attached

    async def do(self) -> None:
        """Do what the state of the node asks for."""
        steps: Mapping[str, Callable[[], Awaitable[None]]] = {
            DeploymentState.UPLOADED: self._stage,
            DeploymentState.STAGED: self._wait_for_dependencies,
            DeploymentState.STOPPING: self._stop,
            DeploymentState.STARTING: self._start,
            DeploymentState.VERIFYING: self._verify,
            DeploymentState.ROLLING_BACK: self._restore,
            DeploymentState.FAILED: self._restore,
        }
        await steps[self.node.state]()

    # -------------------------------------------------------------------------------------------------------- forward
    async def _stage(self) -> None:
        await self._install(self._package(), InstallMode.STAGE)

    async def _wait_for_dependencies(self) -> None:
        missing: list[str] = []

        def are_healthy() -> bool:
            found = {name: self.store.get(name) for name in self._package().manifest.depends_on}
            missing[:] = [n for n, record in found.items() if record is None or not self.control.is_healthy(record)]
            return not missing

        with anyio.move_on_after(self.deployment.within.total_seconds()):
            await self.control.until_so(are_healthy)
        if missing:
            raise StepFailed(f"it depends on {', '.join(map(self._told, missing))}")

    def _told(self, name: str) -> str:
        record = self.store.get(name)
        if record is None:
            return f"{name}, which is not registered"
        return f"{name}, which is {record.entry.state} and not known to be healthy"

    async def _stop(self) -> None:
        record = self.store.get(self.node.service)
        if record is not None:
            await self._execute(record.entry, ExecuteAction.STOP)

    async def _start(self) -> None:
        await self._commit(SyncService(self.deployment.id, self.node.node))
        await self._install(self._package(), InstallMode.ACTIVATE)
        await self._execute(self._entry(), ExecuteAction.START)

    async def _verify(self) -> None:
        info = self._package()
        found = await self.attached.peer.verify_service(
            agent=self.attached.lease,
            entry=self._entry(),
            sha256=info.sha256,
            healthy=self.deployment.healthy,
            within=self.deployment.within,
            timeout=self.deployment.within.total_seconds() + LONGER,
        )
        if not found.is_healthy:
            raise StepFailed(found.message or "it is not healthy")

    # ----------------------------------------------------------------------------------------------------------- back
    async def _restore(self) -> None:
        """Put back what is to be on the node. What was not touched goes on running meanwhile.

        It is registered as it was first: it may be another version, or have been deregistered meanwhile.
        """
        await self._commit(SyncService(self.deployment.id, self.node.node))
        node, record = self.node, self.store.get(self.node.service)
        version = wanted_version(self.deployment, node)
        is_touched = node.is_touched or node.state == DeploymentState.FAILED
        if is_touched and record is not None:
            await self._execute(record.entry, ExecuteAction.STOP)
        before = None if version is None else package(self.store, self.deployment.name, version)
        if before is None:
            await self._uninstall()
        else:
            await self._install(before, InstallMode.GO_BACK)
        is_to_run = node.was_running or version == self.deployment.version
        if is_touched and record is not None and version is not None and is_to_run:
            await self._execute(record.entry, ExecuteAction.START)

    # -------------------------------------------------------------------------------------------------------- helpers
    def _package(self) -> PackageInfo:
        return find_package(self.store, self.deployment.name, self.deployment.version)

    def _entry(self) -> ServiceEntry:
        record = self.store.get(self.node.service)
        if record is None:
            raise StepFailed(f"{self.node.service} was deregistered meanwhile")
        return record.entry

    async def _execute(self, entry: ServiceEntry, action: ExecuteAction) -> None:
        command = uuid5(self.deployment.id, f"{self.node.node} {self.node.state} {action}")
        async with self.attached.peer.execute(
            agent=self.attached.lease,
            command=command,
            entry=entry,
            action=action,
            grace=STOP_GRACE,
        ) as steps:
            async for _ in steps:
                pass
            outcome = check_outcome(await steps.result(), command, entry.name)
        if not outcome.succeeded:
            raise StepFailed(f"{entry.name} is {outcome.state}: {outcome.message}")

    async def _install(self, info: PackageInfo, mode: InstallMode) -> None:
        name, node = info.manifest.name, self.node.node
        now = await self.attached.peer.install_package(agent=self.attached.lease, package=info, mode=mode)
        if now.active != info.manifest.version and mode is not InstallMode.STAGE:
            raise StepFailed(f"its agent says that {now.active or 'nothing'} is active, not {info.manifest.version}")
        if now.active is not None:
            await self._commit(Installed(node, Installation(name=name, active=now.active, previous=now.previous)))

    async def _uninstall(self) -> None:
        name, node = self.deployment.name, self.node
        await self.attached.peer.uninstall_package(agent=self.attached.lease, name=name, service=node.service)
        await self._commit(Uninstalled(node.node, name))

    async def _commit(self, command: Command) -> None:
        (answer,) = await self.store.commit([Request(command=command, actor=REGISTRY)])
        if isinstance(answer, CallError):
            raise answer
