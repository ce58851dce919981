"""Client of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
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
    AttachAgentParams,
    AttachAgentResult,
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
    GetServiceParams,
    HealthCheck,
    HealthReport,
    HeartbeatParams,
    HeartbeatResult,
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
    RegisterServiceParams,
    ReportHealthParams,
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
    WatchLogsParams,
)
from .protocol import PROTOCOL
from .sync_client import RegistrySyncClient


class RegistryClient(Client):
    """Track services, watch them change, control them, deploy to them."""

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
        """List services, oldest first.

        Args:
            limit: Default: `100`.
            cursor: `next_cursor` of the page before.
            tag: Only services with this tag.
            node: Name under which an agent attaches.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
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
            name: Unique name of a service.
            include_health: Default: `false`.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
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
        health: HealthCheck | None = None,
        lease: timedelta | None = None,
        if_revision: Revision | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ServiceEntry:
        """Register a service, or a new version of it.

        Args:
            name: Unique name of a service.
            version: A semantic version.
            endpoints: Default: `[]`.
            depends_on: Default: `[]`.
            tags: Default: `[]`.
            metadata: Default: `{}`.
            lease: Fails when no heartbeat comes for so long.
            if_revision: Grows by one with every mutation of the registry.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceExists: {name} is already registered.
            DependencyCycle: The dependencies form a cycle.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
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
                health=health,
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
        """Call `deregister_service`.

        Args:
            name: Unique name of a service.
            if_revision: Grows by one with every mutation of the registry.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
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
            name: Unique name of a service.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            LeaseLost: The lease has ended.
        """
        return await self._call(actions.HEARTBEAT, HeartbeatParams(name=name), timeout, options)

    async def update_state(
        self,
        *,
        name: ServiceName,
        state: ServiceState | UnknownValue,
        reason: str | None = None,
        if_revision: Revision | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ServiceEntry:
        """Call `update_state`.

        Args:
            name: Unique name of a service.
            if_revision: Grows by one with every mutation of the registry.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            InvalidTransition: A service cannot go from {from} to {to}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
        """
        return await self._call(
            actions.UPDATE_STATE,
            UpdateStateParams(name=name, state=state, reason=reason, if_revision=if_revision),
            timeout,
            options,
        )

    def service_action(
        self,
        *,
        name: ServiceName,
        command: ServiceCommand,
        grace: timedelta | None = None,
        reason: str | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[CommandStep, CommandOutcome]:
        """Start, stop or restart a service through the agent that owns it.

        Args:
            name: Unique name of a service.
            timeout: Seconds until the caller gives up; 300 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent for {name} is attached.
            InvalidTransition: A service cannot go from {from} to {to}.
        """
        return self._stream(
            actions.SERVICE_ACTION,
            ServiceActionParams(name=name, command=command, grace=grace, reason=reason),
            timeout,
            options,
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
        """Resolve a name to healthy endpoints.

        Args:
            name: Unique name of a service.
            include_unhealthy: Default: `false`.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
        """
        return await self._call(
            actions.LIST_ENDPOINTS,
            ListEndpointsParams(name=name, protocol=protocol, include_unhealthy=include_unhealthy),
            timeout,
            options,
        )

    async def report_health(
        self,
        *,
        name: ServiceName,
        report: HealthReport,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> None:
        """Call `report_health`.

        Args:
            name: Unique name of a service.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            NotOwner: Another agent owns {name}.
        """
        return await self._call(actions.REPORT_HEALTH, ReportHealthParams(name=name, report=report), timeout, options)

    def watch_logs(
        self,
        *,
        name: ServiceName,
        tail: int = 100,
        follow: bool = True,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[LogLine, None]:
        """Call `watch_logs`.

        Args:
            name: Unique name of a service.
            tail: Default: `100`.
            follow: Default: `true`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent for {name} is attached.
        """
        return self._stream(actions.WATCH_LOGS, WatchLogsParams(name=name, tail=tail, follow=follow), timeout, options)

    async def upload_package(
        self,
        body: Body,
        /,
        *,
        name: ServiceName,
        version: Version,
        signature: Base64 | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> PackageInfo:
        """Upload a package; nothing is unpacked before size and digest agree.

        Args:
            body: Bytes, path, file or async iterable: `application/gzip`, 512 MiB at most.
            name: Unique name of a service.
            version: A semantic version.
            timeout: Seconds until the caller gives up; 3600 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            PackageExists: That version has other contents.
            DigestMismatch: The bytes are not the ones announced.
            SignatureRefused: Signature refused: {reason}.
            BadPackage: {member}: {reason}
            NoSpace: No space left on {node}.
        """
        return await self._upload(
            actions.UPLOAD_PACKAGE,
            UploadPackageParams(name=name, version=version, signature=signature),
            body,
            timeout,
            options,
        )

    def download_package(
        self, *, name: ServiceName, version: Version, timeout: float | None = None, options: CallOptions | None = None
    ) -> Download[PackageInfo]:
        """Call `download_package`.

        Iterate over what this returns for the bytes (`application/gzip`, 512 MiB at most), then ask for its
        `result`.

        Args:
            name: Unique name of a service.
            version: A semantic version.
            timeout: Seconds until the caller gives up; 3600 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            PackageNotFound: No package {name} {version}.
        """
        return self._download(
            actions.DOWNLOAD_PACKAGE, DownloadPackageParams(name=name, version=version), timeout, options
        )

    async def list_packages(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        name: ServiceName | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> ListPackagesResult:
        """Call `list_packages`.

        Args:
            limit: Default: `100`.
            cursor: `next_cursor` of the page before.
            name: Unique name of a service.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
        """
        return await self._call(
            actions.LIST_PACKAGES, ListPackagesParams(limit=limit, cursor=cursor, name=name), timeout, options
        )

    def deploy_package(
        self,
        *,
        name: ServiceName,
        version: Version,
        nodes: list[NodeName],
        batch: int = 1,
        deadline: timedelta = timedelta(minutes=10),
        reason: str | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[DeploymentStep, Deployment]:
        """Deploy a package to nodes, batch by batch, and roll back by itself when it fails.

        Args:
            name: Unique name of a service.
            version: A semantic version.
            batch: Default: `1`.
            deadline: Default: `"PT10M"`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            PackageNotFound: No package {name} {version}.
            AgentUnavailable: No agent for {name} is attached.
            DeploymentRunning: Another deployment of it is running.
            NoSpace: No space left on {node}.
        """
        return self._stream(
            actions.DEPLOY_PACKAGE,
            DeployPackageParams(name=name, version=version, nodes=nodes, batch=batch, deadline=deadline, reason=reason),
            timeout,
            options,
        )

    def rollback(
        self,
        *,
        name: ServiceName,
        nodes: list[NodeName] | None = None,
        reason: str | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[DeploymentStep, Deployment]:
        """Call `rollback`.

        Args:
            name: Unique name of a service.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            PackageNotFound: No package {name} {version}.
            DeploymentRunning: Another deployment of it is running.
        """
        return self._stream(actions.ROLLBACK, RollbackParams(name=name, nodes=nodes, reason=reason), timeout, options)

    async def get_deployment(
        self, *, id: UUID, timeout: float | None = None, options: CallOptions | None = None
    ) -> Deployment:
        """Call `get_deployment`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            DeploymentNotFound: No such deployment.
        """
        return await self._call(actions.GET_DEPLOYMENT, GetDeploymentParams(id=id), timeout, options)

    async def cancel_deployment(
        self, *, id: UUID, reason: str | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Deployment:
        """Call `cancel_deployment`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            DeploymentNotFound: No such deployment.
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
        """The audit log.

        Args:
            limit: Default: `100`.
            cursor: `next_cursor` of the page before.
            service: Unique name of a service.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
        """
        return await self._call(
            actions.LIST_EVENTS,
            ListEventsParams(limit=limit, cursor=cursor, service=service, actor=actor, since=since, until=until),
            timeout,
            options,
        )

    async def attach_agent(
        self,
        *,
        node: NodeName,
        kinds: list[ServiceKind | UnknownValue],
        services: list[ServiceName],
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> AttachAgentResult:
        """Say which node this connection is the agent of.

        Args:
            node: Name under which an agent attaches.
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            NotOwner: Another agent owns {name}.
        """
        return await self._call(
            actions.ATTACH_AGENT, AttachAgentParams(node=node, kinds=kinds, services=services), timeout, options
        )
