"""Events of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from duologue import Delivery, EventDescriptor, Events, EventStream, Position, SyncEvents, SyncEventStream, UnknownValue

from .models import (
    AgentAttached,
    DeploymentProgress,
    EndpointUpdated,
    ExpiryPaused,
    ExpiryResumed,
    HealthCheckResult,
    HealthStatus,
    LogPruned,
    NodeName,
    PackageInstalled,
    PackageName,
    PackageRemoved,
    PackageUninstalled,
    PackageUploaded,
    RegistryLoaded,
    ServiceCommanded,
    ServiceDeregistered,
    ServiceName,
    ServiceRegistered,
    ServiceState,
    ServiceStateChanged,
)


class EventType(StrEnum):
    """Names of the events that the server publishes."""

    SERVICE_REGISTERED = "service_registered"
    SERVICE_DEREGISTERED = "service_deregistered"
    SERVICE_STATE_CHANGED = "service_state_changed"
    ENDPOINT_UPDATED = "endpoint_updated"
    HEALTH_CHECK_RESULT = "health_check_result"
    PACKAGE_UPLOADED = "package_uploaded"
    PACKAGE_REMOVED = "package_removed"
    SERVICE_COMMANDED = "service_commanded"
    PACKAGE_INSTALLED = "package_installed"
    PACKAGE_UNINSTALLED = "package_uninstalled"
    DEPLOYMENT_PROGRESS = "deployment_progress"
    AGENT_ATTACHED = "agent_attached"
    LOG_PRUNED = "log_pruned"
    EXPIRY_PAUSED = "expiry_paused"
    EXPIRY_RESUMED = "expiry_resumed"
    REGISTRY_LOADED = "registry_loaded"


RegistryEvent: TypeAlias = (
    ServiceRegistered
    | ServiceDeregistered
    | ServiceStateChanged
    | EndpointUpdated
    | HealthCheckResult
    | PackageUploaded
    | PackageRemoved
    | ServiceCommanded
    | PackageInstalled
    | PackageUninstalled
    | DeploymentProgress
    | AgentAttached
    | LogPruned
    | ExpiryPaused
    | ExpiryResumed
    | RegistryLoaded
)
"""Any event that the server publishes."""


SERVICE_REGISTERED: Final[EventDescriptor[ServiceRegistered]] = EventDescriptor(
    model=ServiceRegistered,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"entry.name": ("entry", "name")},
)
"""A service was registered, or registered again with other contents or another version."""
SERVICE_DEREGISTERED: Final[EventDescriptor[ServiceDeregistered]] = EventDescriptor(
    model=ServiceDeregistered,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"name": ("name",)},
)
"""A service is gone from the registry."""
SERVICE_STATE_CHANGED: Final[EventDescriptor[ServiceStateChanged]] = EventDescriptor(
    model=ServiceStateChanged,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"name": ("name",), "new": ("new",)},
)
"""A service moved from one state to another."""
ENDPOINT_UPDATED: Final[EventDescriptor[EndpointUpdated]] = EventDescriptor(
    model=EndpointUpdated,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"service": ("service",)},
)
"""The endpoints of a service are now these; none when it is gone."""
HEALTH_CHECK_RESULT: Final[EventDescriptor[HealthCheckResult]] = EventDescriptor(
    model=HealthCheckResult,
    delivery=Delivery.STATE,
    scope=("services:read",),
    filters={"service": ("service",), "report.status": ("report", "status")},
    key=(("service",), ("report", "check")),
)
"""A health check reported."""
PACKAGE_UPLOADED: Final[EventDescriptor[PackageUploaded]] = EventDescriptor(
    model=PackageUploaded,
    delivery=Delivery.LOG,
    scope=("packages:read",),
    filters={"package.manifest.name": ("package", "manifest", "name")},
)
"""The registry has a new package."""
PACKAGE_REMOVED: Final[EventDescriptor[PackageRemoved]] = EventDescriptor(
    model=PackageRemoved,
    delivery=Delivery.LOG,
    scope=("packages:read",),
    filters={"name": ("name",)},
)
"""The registry has a package no more."""
SERVICE_COMMANDED: Final[EventDescriptor[ServiceCommanded]] = EventDescriptor(
    model=ServiceCommanded,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"name": ("name",)},
)
"""Somebody has asked to start, stop or restart a service."""
PACKAGE_INSTALLED: Final[EventDescriptor[PackageInstalled]] = EventDescriptor(
    model=PackageInstalled,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"node": ("node",), "name": ("name",)},
)
"""A package is the active version on a node."""
PACKAGE_UNINSTALLED: Final[EventDescriptor[PackageUninstalled]] = EventDescriptor(
    model=PackageUninstalled,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"node": ("node",), "name": ("name",)},
)
"""No version of a package is on a node any more."""
DEPLOYMENT_PROGRESS: Final[EventDescriptor[DeploymentProgress]] = EventDescriptor(
    model=DeploymentProgress,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"step.deployment": ("step", "deployment"), "step.name": ("step", "name")},
)
"""A deployment, or a node of one, has come into another state."""
AGENT_ATTACHED: Final[EventDescriptor[AgentAttached]] = EventDescriptor(
    model=AgentAttached,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"node": ("node",)},
)
"""An agent has attached, and speaks for its node from now on."""
LOG_PRUNED: Final[EventDescriptor[LogPruned]] = EventDescriptor(
    model=LogPruned,
    delivery=Delivery.LOG,
    scope=("audit:read",),
)
"""The oldest entries of the log are no longer kept."""
EXPIRY_PAUSED: Final[EventDescriptor[ExpiryPaused]] = EventDescriptor(
    model=ExpiryPaused,
    delivery=Delivery.LOG,
    scope=("services:read",),
)
"""Many leases have run out at once; none is ended until so many are renewed, or until that time."""
EXPIRY_RESUMED: Final[EventDescriptor[ExpiryResumed]] = EventDescriptor(
    model=ExpiryResumed,
    delivery=Delivery.LOG,
    scope=("services:read",),
)
"""Leases end again; those that are still overdue end now."""
REGISTRY_LOADED: Final[EventDescriptor[RegistryLoaded]] = EventDescriptor(
    model=RegistryLoaded,
    delivery=Delivery.STATE,
    scope=("services:read",),
    key=(("epoch",),),
)
"""The registry has loaded its state. Told once to every subscriber, and again after each restart."""


class RegistryEvents(Events):
    """Events of the server: one method each; call it with classes for several at once."""

    def service_registered(
        self, *, entry_name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> EventStream[ServiceRegistered]:
        """A service was registered, or registered again with other contents or another version.

        Every one, in order; `since` continues after a position.

        Args:
            entry_name: Only where `entry.name` is this, or one of these.
        """
        return self._open(ServiceRegistered, {"entry.name": entry_name}, since)

    def service_deregistered(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> EventStream[ServiceDeregistered]:
        """A service is gone from the registry.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
        """
        return self._open(ServiceDeregistered, {"name": name}, since)

    def service_state_changed(
        self,
        *,
        name: ServiceName | Sequence[ServiceName] | None = None,
        new: ServiceState | UnknownValue | Sequence[ServiceState | UnknownValue] | None = None,
        since: Position | None = None,
    ) -> EventStream[ServiceStateChanged]:
        """A service moved from one state to another.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
            new: Only where `new` is this, or one of these.
        """
        return self._open(ServiceStateChanged, {"name": name, "new": new}, since)

    def endpoint_updated(
        self, *, service: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> EventStream[EndpointUpdated]:
        """The endpoints of a service are now these; none when it is gone.

        Every one, in order; `since` continues after a position.

        Args:
            service: Only where `service` is this, or one of these.
        """
        return self._open(EndpointUpdated, {"service": service}, since)

    def health_check_result(
        self,
        *,
        service: ServiceName | Sequence[ServiceName] | None = None,
        report_status: HealthStatus | UnknownValue | Sequence[HealthStatus | UnknownValue] | None = None,
    ) -> EventStream[HealthCheckResult]:
        """A health check reported.

        The latest for each `service` and `report.check`, the present ones first.

        Args:
            service: Only where `service` is this, or one of these.
            report_status: Only where `report.status` is this, or one of these.
        """
        return self._open(HealthCheckResult, {"service": service, "report.status": report_status}, None)

    def package_uploaded(
        self, *, package_manifest_name: PackageName | Sequence[PackageName] | None = None, since: Position | None = None
    ) -> EventStream[PackageUploaded]:
        """The registry has a new package.

        Every one, in order; `since` continues after a position.

        Args:
            package_manifest_name: Only where `package.manifest.name` is this, or one of these.
        """
        return self._open(PackageUploaded, {"package.manifest.name": package_manifest_name}, since)

    def package_removed(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> EventStream[PackageRemoved]:
        """The registry has a package no more.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
        """
        return self._open(PackageRemoved, {"name": name}, since)

    def service_commanded(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> EventStream[ServiceCommanded]:
        """Somebody has asked to start, stop or restart a service.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
        """
        return self._open(ServiceCommanded, {"name": name}, since)

    def package_installed(
        self,
        *,
        node: NodeName | Sequence[NodeName] | None = None,
        name: ServiceName | Sequence[ServiceName] | None = None,
        since: Position | None = None,
    ) -> EventStream[PackageInstalled]:
        """A package is the active version on a node.

        Every one, in order; `since` continues after a position.

        Args:
            node: Only where `node` is this, or one of these.
            name: Only where `name` is this, or one of these.
        """
        return self._open(PackageInstalled, {"node": node, "name": name}, since)

    def package_uninstalled(
        self,
        *,
        node: NodeName | Sequence[NodeName] | None = None,
        name: PackageName | Sequence[PackageName] | None = None,
        since: Position | None = None,
    ) -> EventStream[PackageUninstalled]:
        """No version of a package is on a node any more.

        Every one, in order; `since` continues after a position.

        Args:
            node: Only where `node` is this, or one of these.
            name: Only where `name` is this, or one of these.
        """
        return self._open(PackageUninstalled, {"node": node, "name": name}, since)

    def deployment_progress(
        self,
        *,
        step_deployment: UUID | Sequence[UUID] | None = None,
        step_name: PackageName | Sequence[PackageName] | None = None,
        since: Position | None = None,
    ) -> EventStream[DeploymentProgress]:
        """A deployment, or a node of one, has come into another state.

        Every one, in order; `since` continues after a position.

        Args:
            step_deployment: Only where `step.deployment` is this, or one of these.
            step_name: Only where `step.name` is this, or one of these.
        """
        return self._open(DeploymentProgress, {"step.deployment": step_deployment, "step.name": step_name}, since)

    def agent_attached(
        self, *, node: NodeName | Sequence[NodeName] | None = None, since: Position | None = None
    ) -> EventStream[AgentAttached]:
        """An agent has attached, and speaks for its node from now on.

        Every one, in order; `since` continues after a position.

        Args:
            node: Only where `node` is this, or one of these.
        """
        return self._open(AgentAttached, {"node": node}, since)

    def log_pruned(self, *, since: Position | None = None) -> EventStream[LogPruned]:
        """The oldest entries of the log are no longer kept.

        Every one, in order; `since` continues after a position.
        """
        return self._open(LogPruned, {}, since)

    def expiry_paused(self, *, since: Position | None = None) -> EventStream[ExpiryPaused]:
        """Many leases have run out at once; none is ended until so many are renewed, or until that time.

        Every one, in order; `since` continues after a position.
        """
        return self._open(ExpiryPaused, {}, since)

    def expiry_resumed(self, *, since: Position | None = None) -> EventStream[ExpiryResumed]:
        """Leases end again; those that are still overdue end now.

        Every one, in order; `since` continues after a position.
        """
        return self._open(ExpiryResumed, {}, since)

    def registry_loaded(self) -> EventStream[RegistryLoaded]:
        """The registry has loaded its state. Told once to every subscriber, and again after each restart.

        The latest for each `epoch`, the present ones first.
        """
        return self._open(RegistryLoaded, {}, None)


class RegistrySyncEvents(SyncEvents):
    """The same for synchronous code: one method each; call it with classes for several at once."""

    def service_registered(
        self, *, entry_name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> SyncEventStream[ServiceRegistered]:
        """A service was registered, or registered again with other contents or another version.

        Every one, in order; `since` continues after a position.

        Args:
            entry_name: Only where `entry.name` is this, or one of these.
        """
        return self._open(ServiceRegistered, {"entry.name": entry_name}, since)

    def service_deregistered(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> SyncEventStream[ServiceDeregistered]:
        """A service is gone from the registry.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
        """
        return self._open(ServiceDeregistered, {"name": name}, since)

    def service_state_changed(
        self,
        *,
        name: ServiceName | Sequence[ServiceName] | None = None,
        new: ServiceState | UnknownValue | Sequence[ServiceState | UnknownValue] | None = None,
        since: Position | None = None,
    ) -> SyncEventStream[ServiceStateChanged]:
        """A service moved from one state to another.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
            new: Only where `new` is this, or one of these.
        """
        return self._open(ServiceStateChanged, {"name": name, "new": new}, since)

    def endpoint_updated(
        self, *, service: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> SyncEventStream[EndpointUpdated]:
        """The endpoints of a service are now these; none when it is gone.

        Every one, in order; `since` continues after a position.

        Args:
            service: Only where `service` is this, or one of these.
        """
        return self._open(EndpointUpdated, {"service": service}, since)

    def health_check_result(
        self,
        *,
        service: ServiceName | Sequence[ServiceName] | None = None,
        report_status: HealthStatus | UnknownValue | Sequence[HealthStatus | UnknownValue] | None = None,
    ) -> SyncEventStream[HealthCheckResult]:
        """A health check reported.

        The latest for each `service` and `report.check`, the present ones first.

        Args:
            service: Only where `service` is this, or one of these.
            report_status: Only where `report.status` is this, or one of these.
        """
        return self._open(HealthCheckResult, {"service": service, "report.status": report_status}, None)

    def package_uploaded(
        self, *, package_manifest_name: PackageName | Sequence[PackageName] | None = None, since: Position | None = None
    ) -> SyncEventStream[PackageUploaded]:
        """The registry has a new package.

        Every one, in order; `since` continues after a position.

        Args:
            package_manifest_name: Only where `package.manifest.name` is this, or one of these.
        """
        return self._open(PackageUploaded, {"package.manifest.name": package_manifest_name}, since)

    def package_removed(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> SyncEventStream[PackageRemoved]:
        """The registry has a package no more.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
        """
        return self._open(PackageRemoved, {"name": name}, since)

    def service_commanded(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> SyncEventStream[ServiceCommanded]:
        """Somebody has asked to start, stop or restart a service.

        Every one, in order; `since` continues after a position.

        Args:
            name: Only where `name` is this, or one of these.
        """
        return self._open(ServiceCommanded, {"name": name}, since)

    def package_installed(
        self,
        *,
        node: NodeName | Sequence[NodeName] | None = None,
        name: ServiceName | Sequence[ServiceName] | None = None,
        since: Position | None = None,
    ) -> SyncEventStream[PackageInstalled]:
        """A package is the active version on a node.

        Every one, in order; `since` continues after a position.

        Args:
            node: Only where `node` is this, or one of these.
            name: Only where `name` is this, or one of these.
        """
        return self._open(PackageInstalled, {"node": node, "name": name}, since)

    def package_uninstalled(
        self,
        *,
        node: NodeName | Sequence[NodeName] | None = None,
        name: PackageName | Sequence[PackageName] | None = None,
        since: Position | None = None,
    ) -> SyncEventStream[PackageUninstalled]:
        """No version of a package is on a node any more.

        Every one, in order; `since` continues after a position.

        Args:
            node: Only where `node` is this, or one of these.
            name: Only where `name` is this, or one of these.
        """
        return self._open(PackageUninstalled, {"node": node, "name": name}, since)

    def deployment_progress(
        self,
        *,
        step_deployment: UUID | Sequence[UUID] | None = None,
        step_name: PackageName | Sequence[PackageName] | None = None,
        since: Position | None = None,
    ) -> SyncEventStream[DeploymentProgress]:
        """A deployment, or a node of one, has come into another state.

        Every one, in order; `since` continues after a position.

        Args:
            step_deployment: Only where `step.deployment` is this, or one of these.
            step_name: Only where `step.name` is this, or one of these.
        """
        return self._open(DeploymentProgress, {"step.deployment": step_deployment, "step.name": step_name}, since)

    def agent_attached(
        self, *, node: NodeName | Sequence[NodeName] | None = None, since: Position | None = None
    ) -> SyncEventStream[AgentAttached]:
        """An agent has attached, and speaks for its node from now on.

        Every one, in order; `since` continues after a position.

        Args:
            node: Only where `node` is this, or one of these.
        """
        return self._open(AgentAttached, {"node": node}, since)

    def log_pruned(self, *, since: Position | None = None) -> SyncEventStream[LogPruned]:
        """The oldest entries of the log are no longer kept.

        Every one, in order; `since` continues after a position.
        """
        return self._open(LogPruned, {}, since)

    def expiry_paused(self, *, since: Position | None = None) -> SyncEventStream[ExpiryPaused]:
        """Many leases have run out at once; none is ended until so many are renewed, or until that time.

        Every one, in order; `since` continues after a position.
        """
        return self._open(ExpiryPaused, {}, since)

    def expiry_resumed(self, *, since: Position | None = None) -> SyncEventStream[ExpiryResumed]:
        """Leases end again; those that are still overdue end now.

        Every one, in order; `since` continues after a position.
        """
        return self._open(ExpiryResumed, {}, since)

    def registry_loaded(self) -> SyncEventStream[RegistryLoaded]:
        """The registry has loaded its state. Told once to every subscriber, and again after each restart.

        The latest for each `epoch`, the present ones first.
        """
        return self._open(RegistryLoaded, {}, None)
