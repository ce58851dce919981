"""Events of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from duologue import Delivery, EventDescriptor, Events, EventStream, Position, SyncEvents, SyncEventStream, UnknownValue

from .models import (
    DeploymentProgress,
    EndpointUpdated,
    HealthCheckResult,
    HealthStatus,
    RegistryLoaded,
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
    DEPLOYMENT_PROGRESS = "deployment_progress"
    REGISTRY_LOADED = "registry_loaded"


RegistryEvent: TypeAlias = (
    ServiceRegistered
    | ServiceDeregistered
    | ServiceStateChanged
    | EndpointUpdated
    | HealthCheckResult
    | DeploymentProgress
    | RegistryLoaded
)
"""Any event that the server publishes."""


SERVICE_REGISTERED: Final[EventDescriptor[ServiceRegistered]] = EventDescriptor(
    model=ServiceRegistered,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"entry.name": ("entry", "name")},
)
SERVICE_DEREGISTERED: Final[EventDescriptor[ServiceDeregistered]] = EventDescriptor(
    model=ServiceDeregistered,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"name": ("name",)},
)
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
HEALTH_CHECK_RESULT: Final[EventDescriptor[HealthCheckResult]] = EventDescriptor(
    model=HealthCheckResult,
    delivery=Delivery.STATE,
    scope=("services:read",),
    filters={"service": ("service",), "report.status": ("report", "status")},
    key=(("service",), ("report", "check")),
)
DEPLOYMENT_PROGRESS: Final[EventDescriptor[DeploymentProgress]] = EventDescriptor(
    model=DeploymentProgress,
    delivery=Delivery.LOG,
    scope=("services:read",),
    filters={"deployment": ("deployment",)},
)
REGISTRY_LOADED: Final[EventDescriptor[RegistryLoaded]] = EventDescriptor(
    model=RegistryLoaded,
    delivery=Delivery.VOLATILE,
    scope=("services:read",),
)
"""The registry has loaded its state."""


class RegistryEvents(Events):
    """Events of the server: one method each; call it with classes for several at once."""

    def service_registered(
        self, *, entry_name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> EventStream[ServiceRegistered]:
        """Every one, in order; `since` continues after a position.

        Args:
            entry_name: Only where `entry.name` is this, or one of these.
        """
        return self._open(ServiceRegistered, {"entry.name": entry_name}, since)

    def service_deregistered(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> EventStream[ServiceDeregistered]:
        """Every one, in order; `since` continues after a position.

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
        """Every one, in order; `since` continues after a position.

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
        """The latest for each `service` and `report.check`, the present ones first.

        Args:
            service: Only where `service` is this, or one of these.
            report_status: Only where `report.status` is this, or one of these.
        """
        return self._open(HealthCheckResult, {"service": service, "report.status": report_status}, None)

    def deployment_progress(
        self, *, deployment: UUID | Sequence[UUID] | None = None, since: Position | None = None
    ) -> EventStream[DeploymentProgress]:
        """Every one, in order; `since` continues after a position.

        Args:
            deployment: Only where `deployment` is this, or one of these.
        """
        return self._open(DeploymentProgress, {"deployment": deployment}, since)

    def registry_loaded(self) -> EventStream[RegistryLoaded]:
        """The registry has loaded its state.

        Best effort; losses are counted.
        """
        return self._open(RegistryLoaded, {}, None)


class RegistrySyncEvents(SyncEvents):
    """The same for synchronous code: one method each; call it with classes for several at once."""

    def service_registered(
        self, *, entry_name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> SyncEventStream[ServiceRegistered]:
        """Every one, in order; `since` continues after a position.

        Args:
            entry_name: Only where `entry.name` is this, or one of these.
        """
        return self._open(ServiceRegistered, {"entry.name": entry_name}, since)

    def service_deregistered(
        self, *, name: ServiceName | Sequence[ServiceName] | None = None, since: Position | None = None
    ) -> SyncEventStream[ServiceDeregistered]:
        """Every one, in order; `since` continues after a position.

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
        """Every one, in order; `since` continues after a position.

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
        """The latest for each `service` and `report.check`, the present ones first.

        Args:
            service: Only where `service` is this, or one of these.
            report_status: Only where `report.status` is this, or one of these.
        """
        return self._open(HealthCheckResult, {"service": service, "report.status": report_status}, None)

    def deployment_progress(
        self, *, deployment: UUID | Sequence[UUID] | None = None, since: Position | None = None
    ) -> SyncEventStream[DeploymentProgress]:
        """Every one, in order; `since` continues after a position.

        Args:
            deployment: Only where `deployment` is this, or one of these.
        """
        return self._open(DeploymentProgress, {"deployment": deployment}, since)

    def registry_loaded(self) -> SyncEventStream[RegistryLoaded]:
        """The registry has loaded its state.

        Best effort; losses are counted.
        """
        return self._open(RegistryLoaded, {}, None)
