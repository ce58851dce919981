"""Client of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cached_property
from ssl import SSLContext
from typing import ClassVar
from uuid import UUID

from duologue import (
    Base64,
    Body,
    CallOptions,
    Client,
    Download,
    EventStream,
    Lifecycle,
    Limits,
    Protocol,
    Stream,
    Token,
    UnknownValue,
)
from duologue import Deflate as _Deflate
from duologue import Observer as _Observer
from pydantic import AwareDatetime

from . import actions
from .events import EventType, RegistryEvent, RegistryEvents
from .models import (
    AgentLease,
    AgentService,
    AttachAgentParams,
    BackupInfo,
    BackUpParams,
    CancelDeploymentParams,
    CommandOutcome,
    CommandStep,
    Deployment,
    DeploymentStep,
    DeployPackageParams,
    DeregisterServiceParams,
    DownloadPackageParams,
    Endpoint,
    EndpointProtocol,
    ExecutionInfo,
    GetDeploymentParams,
    GetRegistryStatusParams,
    GetServiceParams,
    HealthCheck,
    HealthReport,
    HeartbeatParams,
    HeartbeatResult,
    ListAgentsParams,
    ListAgentsResult,
    ListDeploymentsParams,
    ListDeploymentsResult,
    ListEndpointsParams,
    ListEndpointsResult,
    ListEventsParams,
    ListEventsResult,
    ListPackagesParams,
    ListPackagesResult,
    ListServicesParams,
    ListServicesResult,
    Location,
    LogLine,
    NodeName,
    PackageInfo,
    PackageName,
    PruneParams,
    PruneResult,
    RegisterServiceParams,
    RegistryStatus,
    RemovePackageParams,
    ReportHealthParams,
    Retention,
    Revision,
    RollbackParams,
    ServiceActionParams,
    ServiceCommand,
    ServiceEntry,
    ServiceKind,
    ServiceName,
    ServiceState,
    UpdateStateParams,
    UploadPackageParams,
    Version,
    WatchDeploymentParams,
    WatchLogsParams,
)
from .protocol import PROTOCOL
from .sync_client import RegistrySyncClient


class RegistryClient(Client):
    """Register services, resolve their endpoints, watch and control them, and keep their packages."""

    protocol: ClassVar[Protocol] = PROTOCOL

    @cached_property
    def events(self) -> RegistryEvents:
        """The events of the server: one method each, with typed filters."""
        return RegistryEvents(self)

    async def subscribe(self, events: Sequence[EventType]) -> EventStream[RegistryEvent]:
        """Subscribe to events by name. The stream has started when this returns."""
        return await self._subscribe(events)

    async def unsubscribe(self, events: Sequence[EventType]) -> None:
        """Take back what `subscribe` asked for."""
        await self._unsubscribe(events)

    @classmethod
    def open_sync(
        cls,
        url: str,
        *,
        token: Token | None = None,
        tls: SSLContext | None = None,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
        compression: _Deflate | None = None,
        observers: Sequence[_Observer] = (),
    ) -> AbstractContextManager[RegistrySyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            RegistrySyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
        )

    async def list_services(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        state: list[ServiceState | UnknownValue] | None = None,
        tag: str | None = None,
        node: NodeName | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ListServicesResult:
        """List services, oldest registration first.

        Args:
            limit: At most so many; a page holds fewer where more would not fit into one message. Default: `100`.
            cursor: `next_cursor` of the page before.
            state: Only services in one of these states.
            tag: Only services with this tag.
            node: Only services whose location names this node.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(
            actions.LIST_SERVICES,
            ListServicesParams(limit=limit, cursor=cursor, state=state, tag=tag, node=node),
            timeout,
            options,
        )

    async def get_service(
        self,
        *,
        name: ServiceName,
        include_health: bool = False,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ServiceEntry:
        """Get one service.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            include_health: With the latest report of each check. Default: `false`.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ServiceNotFound: No service is called {name}.
        """
        return await self._call(
            actions.GET_SERVICE, GetServiceParams(name=name, include_health=include_health), timeout, options
        )

    async def register_service(
        self,
        *,
        name: ServiceName,
        version: Version,
        execution: ExecutionInfo,
        location: Location,
        endpoints: list[Endpoint] | None = None,
        depends_on: list[ServiceName] | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, str] | None = None,
        checks: list[HealthCheck] | None = None,
        lease: timedelta | None = None,
        if_revision: Revision | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ServiceEntry:
        """Register a service, or a new version of it. What is registered already and equal is answered as it
        stands, and its lease renewed. A new version, and a service whose lease had ended, begin again as
        `registered`. Other contents of the same version are taken only with `if_revision`, and leave the
        state as it is.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            version: A semantic version.
            endpoints: Default: `[]`.
            depends_on: They need not be registered yet. Default: `[]`.
            tags: Default: `[]`.
            metadata: Default: `{}`.
            checks: What its agent asks it. Default: `[]`.
            lease: Fails when no heartbeat comes for so long; 1 second to 1 day.
            if_revision: Only if the entry has this revision; 0 when the name must be free.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ServiceExists: {name} is already registered, with other contents: give `if_revision` {revision} to replace them, or a new version.
            FolderTaken: {name} is on {node} already, and of the same package: they would share a folder there. Deregister it, or give this one another name.
            DependencyCycle: The dependencies form a cycle.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.REGISTER_SERVICE,
            RegisterServiceParams(
                name=name,
                version=version,
                execution=execution,
                location=location,
                endpoints=[] if endpoints is None else endpoints,
                depends_on=[] if depends_on is None else depends_on,
                tags=[] if tags is None else tags,
                metadata={} if metadata is None else metadata,
                checks=[] if checks is None else checks,
                lease=lease,
                if_revision=if_revision,
            ),
            timeout,
            options,
        )

    async def deregister_service(
        self,
        *,
        name: ServiceName,
        reason: str | None = None,
        if_revision: Revision | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> None:
        """Remove a service, whatever its state. Services that depend on it stay.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            if_revision: Grows by one with every mutation of the registry.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ServiceNotFound: No service is called {name}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.DEREGISTER_SERVICE,
            DeregisterServiceParams(name=name, reason=reason, if_revision=if_revision),
            timeout,
            options,
        )

    async def heartbeat(
        self, *, name: ServiceName, timeout: float | None = None, options: CallOptions | None = None
    ) -> HeartbeatResult:
        """Keep a lease alive.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ServiceNotFound: No service is called {name}.
            LeaseLost: {name} holds no lease: it has ended, or none was asked for. Register again.
        """
        return await self._call(actions.HEARTBEAT, HeartbeatParams(name=name), timeout, options)

    async def update_state(
        self,
        *,
        name: ServiceName,
        state: ServiceState | UnknownValue,
        reason: str | None = None,
        if_revision: Revision | None = None,
        agent: AgentLease | None = None,
        version: Version | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ServiceEntry:
        """Move a service to another state. Asking for the state it is in changes nothing. Its agent tells what
        is, and not what is to be: it may say so of any state but `registered`. That another version than the
        registered one starts, runs or fails changes nothing.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            if_revision: Grows by one with every mutation of the registry.
            agent: Of the agent that runs it.
            version: The version that its agent tells of; without it, that which is registered.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ServiceNotFound: No service is called {name}.
            InvalidTransition: A service cannot go from {from} to {to}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.UPDATE_STATE,
            UpdateStateParams(
                name=name, state=state, reason=reason, if_revision=if_revision, agent=agent, version=version
            ),
            timeout,
            options,
        )

    async def report_health(
        self,
        *,
        name: ServiceName,
        report: HealthReport,
        agent: AgentLease | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> None:
        """Tell the outcome of a health check. Only the latest of each check is kept.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            agent: Of the agent that runs it.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ServiceNotFound: No service is called {name}.
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.REPORT_HEALTH, ReportHealthParams(name=name, report=report, agent=agent), timeout, options
        )

    async def list_endpoints(
        self,
        *,
        name: ServiceName,
        protocol: EndpointProtocol | UnknownValue | None = None,
        include_unhealthy: bool = False,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ListEndpointsResult:
        """Resolve a name to healthy endpoints: those of a running service none of whose checks is critical or in
        maintenance.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            include_unhealthy: All of them, whatever the state and health. Default: `false`.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ServiceNotFound: No service is called {name}.
        """
        return await self._call(
            actions.LIST_ENDPOINTS,
            ListEndpointsParams(name=name, protocol=protocol, include_unhealthy=include_unhealthy),
            timeout,
            options,
        )

    def service_action(
        self,
        *,
        name: ServiceName,
        command: ServiceCommand,
        grace: timedelta = timedelta(seconds=10),
        alone: bool = False,
        reason: str | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[CommandStep, CommandOutcome]:
        """Start, stop or restart a service through the agent of its node. Before a start its dependencies are
        started and waited for until they are healthy; before a stop those that depend on it are stopped.
        Where there is a package of the version that it is registered with, a start installs it.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            grace: From asking a process to stop until it is killed. Default: `"PT10S"`.
            alone: Without its dependencies, and those that depend on it. Default: `false`.
            timeout: Seconds until the caller gives up; 300 by default.

        Raises:
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent that could run {name} is attached: {reason}
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return self._stream(
            actions.SERVICE_ACTION,
            ServiceActionParams(name=name, command=command, grace=grace, alone=alone, reason=reason),
            timeout,
            options,
        )

    def watch_logs(
        self,
        *,
        name: ServiceName,
        tail: int = 100,
        follow: bool = True,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[LogLine, None]:
        """Read what a service has written, and go on reading.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            tail: So many lines of each output first. Default: `100`.
            follow: Default: `true`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent that could run {name} is attached: {reason}
        """
        return self._stream(actions.WATCH_LOGS, WatchLogsParams(name=name, tail=tail, follow=follow), timeout, options)

    async def attach_agent(
        self,
        *,
        node: NodeName,
        kinds: list[ServiceKind | UnknownValue],
        services: list[AgentService],
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> AgentLease:
        """Say that this connection is the agent of a node, and what of its services it finds. Whoever was its
        agent before is not listened to any more.

        Args:
            node: Name of a machine.
            kinds: What it can run.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.ATTACH_AGENT, AttachAgentParams(node=node, kinds=kinds, services=services), timeout, options
        )

    async def list_agents(
        self, *, timeout: float | None = None, options: CallOptions | None = None
    ) -> ListAgentsResult:
        """List the agents that have ever attached, by the name of their node.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.LIST_AGENTS, ListAgentsParams(), timeout, options)

    async def upload_package(
        self,
        body: Body,
        /,
        *,
        name: PackageName,
        version: Version,
        signature: Base64 | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> PackageInfo:
        """Keep a package. Nothing of it is looked at before its size and digest agree; then the whole archive is
        checked, and that its manifest has this name and version. What is there already, and equal, is
        answered as it stands.

        Args:
            body: Bytes, path, file or async iterable: `application/gzip`, 512 MiB at most.
            name: Name of a package.
            version: A semantic version.
            signature: Ed25519, over name, version, size and digest.
            timeout: Seconds until the caller gives up; 3600 by default.

        Raises:
            PackageExists: There is a package {name} {version} with other contents: give these another version.
            BadPackage: {member}: {reason}
            SignatureRefused: The signature is refused: {reason}
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._upload(
            actions.UPLOAD_PACKAGE,
            UploadPackageParams(name=name, version=version, signature=signature),
            body,
            timeout,
            options,
        )

    def download_package(
        self, *, name: PackageName, version: Version, timeout: float | None = None, options: CallOptions | None = None
    ) -> Download[PackageInfo]:
        """Get the archive of a package.

        Iterate over what this returns for the bytes (`application/gzip`, 512 MiB at most), then ask for its
        `result`.

        Args:
            name: Name of a package.
            version: A semantic version.
            timeout: Seconds until the caller gives up; 3600 by default.

        Raises:
            PackageNotFound: There is no package {name} {version}.
        """
        return self._download(
            actions.DOWNLOAD_PACKAGE, DownloadPackageParams(name=name, version=version), timeout, options
        )

    async def list_packages(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        name: PackageName | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ListPackagesResult:
        """List packages, oldest upload first.

        Args:
            limit: At most so many; a page holds fewer where more would not fit into one message. Default: `100`.
            cursor: `next_cursor` of the page before.
            name: Name of a package.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(
            actions.LIST_PACKAGES, ListPackagesParams(limit=limit, cursor=cursor, name=name), timeout, options
        )

    async def remove_package(
        self,
        *,
        name: PackageName,
        version: Version,
        reason: str | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> None:
        """Remove a package, unless a service of its name is registered with that version, or a node has it
        installed as the active one or as the one to go back to.

        Args:
            name: Name of a package.
            version: A semantic version.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            PackageNotFound: There is no package {name} {version}.
            PackageInUse: {name} {version} is in use: {reason}
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.REMOVE_PACKAGE, RemovePackageParams(name=name, version=version, reason=reason), timeout, options
        )

    def deploy_package(
        self,
        *,
        name: PackageName,
        version: Version,
        nodes: list[NodeName],
        batch: int = 1,
        healthy: int = 3,
        within: timedelta = timedelta(minutes=1),
        deadline: timedelta = timedelta(minutes=10),
        reason: str | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[DeploymentStep, Deployment]:
        """Deploy a package to nodes, batch by batch; a failure rolls all of them back. It goes on when the
        caller leaves: `watch_deployment` follows it, `cancel_deployment` ends it.

        Args:
            name: Name of a package.
            version: A semantic version.
            batch: So many nodes at a time. Default: `1`.
            healthy: So many times in a row a service has to be found healthy. Default: `3`.
            within: The time it has for that. Default: `"PT1M"`.
            deadline: When it has come to an end, from now; the last third is kept for rolling back. Default: `"PT10M"`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            PackageNotFound: There is no package {name} {version}.
            DeploymentRunning: Another deployment of {name} is running, {id}: wait until it has ended, or cancel it.
            DependencyCycle: The dependencies form a cycle.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return self._stream(
            actions.DEPLOY_PACKAGE,
            DeployPackageParams(
                name=name,
                version=version,
                nodes=nodes,
                batch=batch,
                healthy=healthy,
                within=within,
                deadline=deadline,
                reason=reason,
            ),
            timeout,
            options,
        )

    def rollback(
        self,
        *,
        name: PackageName,
        nodes: list[NodeName] | None = None,
        batch: int = 1,
        healthy: int = 3,
        within: timedelta = timedelta(minutes=1),
        deadline: timedelta = timedelta(minutes=10),
        reason: str | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[DeploymentStep, Deployment]:
        """Deploy the version that was active before, on all nodes that have one or on some.

        Args:
            name: Name of a package.
            nodes: All that have an earlier version when absent.
            batch: Default: `1`.
            healthy: Default: `3`.
            within: Default: `"PT1M"`.
            deadline: Default: `"PT10M"`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            NothingToRollBack: There is no version of {name} to go back to: {reason}
            PackageNotFound: There is no package {name} {version}.
            DeploymentRunning: Another deployment of {name} is running, {id}: wait until it has ended, or cancel it.
            DependencyCycle: The dependencies form a cycle.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return self._stream(
            actions.ROLLBACK,
            RollbackParams(
                name=name, nodes=nodes, batch=batch, healthy=healthy, within=within, deadline=deadline, reason=reason
            ),
            timeout,
            options,
        )

    def watch_deployment(
        self, *, id: UUID, timeout: float | None = None, options: CallOptions | None = None
    ) -> Stream[DeploymentStep, Deployment]:
        """Follow a deployment to its end, beginning with where each of its nodes is.

        Args:
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            DeploymentNotFound: There is no deployment {id}.
        """
        return self._stream(actions.WATCH_DEPLOYMENT, WatchDeploymentParams(id=id), timeout, options)

    async def get_deployment(
        self, *, id: UUID, timeout: float | None = None, options: CallOptions | None = None
    ) -> Deployment:
        """Get one deployment.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            DeploymentNotFound: There is no deployment {id}.
        """
        return await self._call(actions.GET_DEPLOYMENT, GetDeploymentParams(id=id), timeout, options)

    async def list_deployments(
        self,
        *,
        name: PackageName | None = None,
        limit: int = 20,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ListDeploymentsResult:
        """List the deployments that are kept, newest first.

        Args:
            name: Name of a package.
            limit: Default: `20`.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(
            actions.LIST_DEPLOYMENTS, ListDeploymentsParams(name=name, limit=limit), timeout, options
        )

    async def cancel_deployment(
        self, *, id: UUID, reason: str | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Deployment:
        """Let a deployment roll back, at whatever stage it is. One that has ended, or rolls back already, stays
        as it is.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            DeploymentNotFound: There is no deployment {id}.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.CANCEL_DEPLOYMENT, CancelDeploymentParams(id=id, reason=reason), timeout, options
        )

    async def list_events(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        service: ServiceName | None = None,
        actor: str | None = None,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ListEventsResult:
        """The audit log, newest first.

        Args:
            limit: At most so many; a page holds fewer where more would not fit into one message. Default: `100`.
            cursor: `next_cursor` of the page before.
            service: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            since: Not before.
            until: Before.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(
            actions.LIST_EVENTS,
            ListEventsParams(limit=limit, cursor=cursor, service=service, actor=actor, since=since, until=until),
            timeout,
            options,
        )

    async def get_registry_status(
        self, *, timeout: float | None = None, options: CallOptions | None = None
    ) -> RegistryStatus:
        """How the registry does.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.GET_REGISTRY_STATUS, GetRegistryStatusParams(), timeout, options)

    def back_up(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Download[BackupInfo]:
        """Copy everything that is kept, but for tokens and the answers of calls, as it is at one moment. Changes
        wait while the database is copied, reading goes on.

        Iterate over what this returns for the bytes (`application/x-tar`, 1024 GiB at most), then ask for its
        `result`.

        Args:
            timeout: Seconds until the caller gives up; 21600 by default.

        Raises:
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return self._download(actions.BACK_UP, BackUpParams(), timeout, options)

    async def prune(
        self,
        *,
        keep: Retention,
        dry_run: bool = False,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> PruneResult:
        """Remove what is no longer to be kept.

        Args:
            dry_run: Say what would go, and let it be. Default: `false`.
            timeout: Seconds until the caller gives up; 600 by default.

        Raises:
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(actions.PRUNE, PruneParams(keep=keep, dry_run=dry_run), timeout, options)
