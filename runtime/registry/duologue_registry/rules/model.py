"""What the registry knows, and what it can be asked to change.

The values are the generated models, taken as immutable: a change makes a new entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeAlias
from uuid import UUID

from duologue import Event, UnknownValue
from service_registry_sdk import (
    DeploymentState,
    DeployPackageParams,
    DeregisterServiceParams,
    HealthReport,
    HealthStatus,
    Installation,
    PackageInfo,
    RegisterServiceParams,
    RemovePackageParams,
    ReportHealthParams,
    RollbackParams,
    ServiceCommand,
    ServiceEntry,
    ServiceKind,
    ServiceState,
    UpdateStateParams,
)

from .documents import D, Document, DocumentKey, Written

State: TypeAlias = ServiceState | UnknownValue
Health: TypeAlias = HealthStatus | UnknownValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One service.

    Attributes:
        entry: As last registered or moved; it never holds health, which `present` adds.
        born: The registry's revision when the name was registered: unique, never changes, orders the list.
        lease_lost: Its lease ended by missing heartbeats, and it has not been moved or registered since.
        health: The latest report of each check.
    """

    entry: ServiceEntry
    born: int
    lease_lost: bool = False
    health: Mapping[str, HealthReport] = field(default_factory=dict[str, HealthReport])

    def present(self, *, include_health: bool = False) -> ServiceEntry:
        """The entry as callers see it."""
        if not self.health and not include_health:
            return self.entry
        newest = max(self.health.values(), key=lambda report: report.checked_at, default=None)
        checks = [self.health[name] for name in sorted(self.health)] if include_health else None
        return self.entry.model_copy(update={"last_health_check": newest, "health": checks})


class View(Protocol):
    """The part of the registry's state that the rules look at."""

    @property
    def revision(self) -> int: ...

    def get(self, name: str, /) -> Record | None: ...

    def snapshot(self) -> Sequence[Record]: ...

    def document(self, key: DocumentKey, /) -> Document | None: ...

    def documents(self, kind: type[D], /) -> Sequence[D]: ...


@dataclass(frozen=True, slots=True)
class ExpireLease:
    """The registry's own: no heartbeat came in time."""

    name: str


@dataclass(frozen=True, slots=True)
class RemoveExpired:
    """The registry's own: it stayed failed for too long after its lease had ended."""

    name: str


@dataclass(frozen=True, slots=True)
class AddPackage:
    """The registry's own: the archive is kept, and was checked. The revision of `info` is still to be set."""

    info: PackageInfo


@dataclass(frozen=True, slots=True)
class AttachAgent:
    """The registry's own: an agent speaks for a node from now on."""

    node: str
    kinds: tuple[ServiceKind | UnknownValue, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """The registry's own: an agent has installed a package."""

    node: str
    installation: Installation


@dataclass(frozen=True, slots=True)
class AgentFound:
    """The registry's own: what the agent that attached says of a service."""

    node: str
    name: str
    state: State
    reason: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The registry's own: an agent has no version of a package any more."""

    node: str
    name: str


@dataclass(frozen=True, slots=True)
class StartDeployment:
    """Somebody wants a package on nodes. Who wants it again, by the same id, means the same deployment."""

    id: UUID
    actor: str
    params: DeployPackageParams | RollbackParams


@dataclass(frozen=True, slots=True)
class CancelDeployment:
    """Somebody wants a deployment to roll back."""

    id: UUID
    actor: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NodeStepped:
    """The registry's own: what was to be done at a node in a state is done."""

    deployment: UUID
    node: str
    was: DeploymentState | UnknownValue


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """The registry's own: what was to be done at a node in a state did not succeed."""

    deployment: UUID
    node: str
    was: DeploymentState | UnknownValue
    message: str


@dataclass(frozen=True, slots=True)
class NodeAway:
    """The registry's own: the agent of a node is waited for, or no longer."""

    deployment: UUID
    node: str
    is_away: bool


@dataclass(frozen=True, slots=True)
class SyncService:
    """The registry's own: the service of a node is to be registered as its deployment says."""

    deployment: UUID
    node: str


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """The registry's own: look whether there is time left for a deployment."""

    deployment: UUID


@dataclass(frozen=True, slots=True)
class AgentReport:
    """The registry's own: which version of a service's package an agent that attaches has found active."""

    node: str
    service: str
    active: str | None


@dataclass(frozen=True, slots=True)
class AcceptCommand:
    """The registry's own: somebody has asked for something."""

    name: str
    command: ServiceCommand
    id: UUID
    reason: str | None = None


DeploymentCommand: TypeAlias = (
    StartDeployment | CancelDeployment | NodeStepped | NodeFailed | NodeAway | SyncService | TimeIsUp | AgentReport
)


@dataclass(frozen=True, slots=True)
class PruneLog:
    """The registry's own: so many of the oldest entries of the log go, and this one is the oldest from now on."""

    first: int
    entries: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PauseExpiry:
    """The registry's own: too many leases have run out at once."""

    overdue: int
    leases: int
    until: datetime


@dataclass(frozen=True, slots=True)
class ResumeExpiry:
    """The registry's own: leases end again."""

    overdue: int
    leases: int


Command: TypeAlias = (
    RegisterServiceParams
    | DeregisterServiceParams
    | UpdateStateParams
    | ReportHealthParams
    | ExpireLease
    | RemoveExpired
    | AddPackage
    | RemovePackageParams
    | AttachAgent
    | AgentFound
    | Installed
    | Uninstalled
    | AcceptCommand
    | DeploymentCommand
    | PruneLog
    | PauseExpiry
    | ResumeExpiry
)


class Change(Enum):
    """What an outcome changes."""

    NOTHING = "nothing"
    HEALTH = "health"
    """One health report: no revision, no entry in the log."""
    SERVICE = "service"
    """A mutation of a service: one revision, one or more events."""
    DOCUMENT = "document"
    """A mutation of what is no service: one revision, one or more events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command came to.

    Attributes:
        name: The service; of a document, the name that it is logged under.
        record: As the service is from now on; None when it is gone, or not what this is about.
        documents: What is written beside it.
        revision: The registry's revision from now on.
        events: What subscribers are told, in order; they go into the log, except for `Change.HEALTH`.
        reason: Why, for the audit log.
        report: For `Change.HEALTH`, what was reported.
    """

    name: str
    change: Change
    record: Record | None
    revision: int
    events: tuple[Event, ...] = ()
    reason: str | None = None
    report: HealthReport | None = None
    documents: tuple[Written, ...] = ()

    @property
    def is_mutation(self) -> bool:
        """Whether it has a revision of its own, and is told in the log."""
        return self.change in (Change.SERVICE, Change.DOCUMENT)

    def written(self, kind: type[D]) -> D:
        """The document of that kind that it is about."""
        for written in self.documents:
            if isinstance(written.document, kind):
                return written.document
        raise LookupError(f"{self.name}: no {kind.__name__} was written")

    @property
    def entry(self) -> ServiceEntry:
        """The entry as callers see it; only of what is not gone."""
        if self.record is None:
            raise LookupError(f"{self.name} is gone")
        return self.record.present()
