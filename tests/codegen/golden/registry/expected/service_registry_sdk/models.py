"""Types of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from duologue import Base64, Event, Json, Model, Params, UnknownValue
from pydantic import AwareDatetime, Field
from typing_extensions import TypeAliasType

from .unknown import UnknownExecutionInfo, UnknownLocation

ServiceName = TypeAliasType("ServiceName", Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$")])
"""Unique name of a service."""


NodeName = TypeAliasType("NodeName", Annotated[str, Field(pattern="^[a-z0-9][a-z0-9.-]{0,252}$")])
"""Name under which an agent attaches."""


Version = TypeAliasType("Version", Annotated[str, Field(pattern="^[0-9]+\\.[0-9]+\\.[0-9]+([-+][0-9A-Za-z.-]+)?$")])
"""A semantic version."""


Sha256 = TypeAliasType("Sha256", Annotated[str, Field(pattern="^[0-9a-f]{64}$")])
"""SHA-256 in lower-case hexadecimal."""


Port = TypeAliasType("Port", Annotated[int, Field(ge=1, le=65535)])


Revision = TypeAliasType("Revision", Annotated[int, Field(ge=0)])
"""Grows by one with every mutation of the registry."""


class ServiceState(StrEnum):
    """Where a service is in its life. Open: later versions may add values, which arrive as `UnknownValue`."""

    REGISTERED = "registered"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class HealthStatus(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


class EndpointProtocol(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    HTTP = "http"
    HTTPS = "https"
    WS = "ws"
    WSS = "wss"
    GRPC = "grpc"
    TCP = "tcp"
    UDP = "udp"


class ServiceKind(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    MANAGED_PROCESS = "managed_process"
    DOCKER_CONTAINER = "docker_container"
    SYSTEMD_SERVICE = "systemd_service"


class ManagedProcess(Model):
    """A process that the agent itself starts and watches."""

    kind: Literal["managed_process"] = "managed_process"
    command: Annotated[list[str], Field(min_length=1)]
    """Program and arguments; no shell."""
    pid: Annotated[int | None, Field(ge=1)] = None
    """While it runs."""


class DockerContainer(Model):
    kind: Literal["docker_container"] = "docker_container"
    container_id: str
    image: str


class SystemdService(Model):
    kind: Literal["systemd_service"] = "systemd_service"
    unit_name: str


ExecutionInfo = TypeAliasType(
    "ExecutionInfo",
    Annotated[
        Annotated[ManagedProcess | DockerContainer | SystemdService, Field(discriminator="kind")]
        | UnknownExecutionInfo,
        Field(union_mode="left_to_right"),
    ],
)
"""How a service is run. Open: later versions may add members, which arrive as `UnknownExecutionInfo`."""


class Local(Model):
    """On the registry's own machine."""

    kind: Literal["local"] = "local"


class Remote(Model):
    kind: Literal["remote"] = "remote"
    host: str
    node: NodeName | None = None


Location = TypeAliasType(
    "Location",
    Annotated[
        Annotated[Local | Remote, Field(discriminator="kind")] | UnknownLocation, Field(union_mode="left_to_right")
    ],
)
"""Open: later versions may add members, which arrive as `UnknownLocation`."""


class Endpoint(Model):
    name: str
    """Unique within the service."""
    address: str
    """host:port, or a URL."""
    protocol: EndpointProtocol | UnknownValue


class ResolvedEndpoint(Model):
    service: ServiceName
    version: Version
    endpoint: Endpoint
    health: HealthStatus | UnknownValue


class HealthReport(Model):
    """One outcome of one health check."""

    check: str
    """Name of the check."""
    status: HealthStatus | UnknownValue
    checked_at: AwareDatetime
    took: timedelta | None = None
    output: Annotated[str | None, Field(max_length=4096)] = None


class ServiceEntry(Model):
    name: ServiceName
    version: Version
    execution: ExecutionInfo
    location: Location
    endpoints: list[Endpoint] = []
    depends_on: list[ServiceName] = []
    state: ServiceState | UnknownValue
    state_reason: str | None = None
    """Why it failed, in words."""
    last_health_check: HealthReport | None = None
    tags: list[str] = []
    metadata: dict[str, str] = {}
    registered_at: AwareDatetime
    last_state_change: AwareDatetime
    revision: Revision
    owner: NodeName | None
    """The agent that runs it; null when nobody does."""


class PageParams(Model):
    """What every paged list takes."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: str | None = None
    """`next_cursor` of the page before."""


class ScriptProbe(Model):
    kind: Literal["script"] = "script"
    path: str = "scripts/health.sh"


class HttpProbe(Model):
    kind: Literal["http"] = "http"
    url: str
    expect_status: int = 200


class TcpProbe(Model):
    kind: Literal["tcp"] = "tcp"
    address: str


Probe = TypeAliasType("Probe", Annotated[ScriptProbe | HttpProbe | TcpProbe, Field(discriminator="kind")])


class HealthCheck(Model):
    probe: Probe
    interval: timedelta = timedelta(seconds=10)
    timeout: timedelta = timedelta(seconds=2)
    passes: Annotated[int, Field(ge=1)] = 2
    """This many of the last `window` must pass."""
    window: Annotated[int, Field(ge=1)] = 3


class PackageManifest(Model):
    name: ServiceName
    version: Version
    description: str | None = None
    type: ServiceKind | UnknownValue
    ports: dict[str, Port] = {}
    depends_on: list[ServiceName] = []
    requires: dict[str, str] = {}
    health: HealthCheck | None = None


class PackageInfo(Model):
    manifest: PackageManifest
    size: int
    sha256: Sha256
    uploaded_at: AwareDatetime
    uploaded_by: str
    signed: bool


class DeploymentState(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    UPLOADED = "uploaded"
    STAGED = "staged"
    STOPPING = "stopping"
    STARTING = "starting"
    VERIFYING = "verifying"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


class NodeProgress(Model):
    node: NodeName
    state: DeploymentState | UnknownValue
    message: str | None = None
    active_version: Version | None = None


class Deployment(Model):
    id: UUID
    name: ServiceName
    from_version: Version | None = None
    to_version: Version
    state: DeploymentState | UnknownValue
    nodes: list[NodeProgress]
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    deadline: AwareDatetime
    reason: str | None = None


class DeploymentStep(Model):
    deployment: UUID
    at: AwareDatetime
    state: DeploymentState | UnknownValue
    node: NodeProgress | None = None
    percent: Annotated[int, Field(ge=0, le=100)]


class ServiceCommand(StrEnum):
    START = "start"
    STOP = "stop"
    RESTART = "restart"


class CommandStage(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    STARTED = "started"
    FINISHED = "finished"


class CommandStep(Model):
    command: UUID
    at: AwareDatetime
    stage: CommandStage | UnknownValue
    message: str | None = None


class CommandOutcome(Model):
    command: UUID
    succeeded: bool
    state: ServiceState | UnknownValue
    exit_code: int | None = None
    message: str | None = None


class LogLineSource(StrEnum):
    STDOUT = "stdout"
    STDERR = "stderr"


class LogLine(Model):
    at: AwareDatetime
    source: LogLineSource
    text: str


class AuditRecord(Model):
    seq: int
    at: AwareDatetime
    actor: str
    reason: str | None = None
    request_key: str | None = None
    event: str
    data: Json


class ServiceNotFoundDetails(Model):
    name: ServiceName


class ServiceExistsDetails(Model):
    name: ServiceName
    revision: Revision


class InvalidTransitionDetails(Model):
    from_: Annotated[ServiceState | UnknownValue, Field(alias="from")]
    to: ServiceState | UnknownValue
    allowed: list[ServiceState | UnknownValue]


class RevisionConflictDetails(Model):
    expected: Revision
    actual: Revision


class DependencyCycleDetails(Model):
    cycle: list[ServiceName]


class LeaseLostDetails(Model):
    name: ServiceName


class AgentUnavailableDetails(Model):
    name: ServiceName
    node: NodeName | None = None


class NotOwnerDetails(Model):
    name: ServiceName
    owner: NodeName | None


class PackageNotFoundDetails(Model):
    name: ServiceName
    version: Version | None = None


class PackageExistsDetails(Model):
    sha256: Sha256


class DigestMismatchDetails(Model):
    expected: Sha256
    actual: Sha256


class SignatureRefusedDetails(Model):
    reason: str


class BadPackageDetails(Model):
    member: str
    reason: str


class DeploymentNotFoundDetails(Model):
    id: UUID


class DeploymentRunningDetails(Model):
    id: UUID


class NoSpaceDetails(Model):
    node: str
    needed: int | None = None


class ReadOnlyDetails(Model):
    reason: str


class ListServicesParams(Params):
    """List services, oldest first."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: str | None = None
    """`next_cursor` of the page before."""
    state: list[ServiceState | UnknownValue] | None = None
    tag: str | None = None
    """Only services with this tag."""
    node: NodeName | None = None


class ListServicesResult(Model):
    services: list[ServiceEntry]
    next_cursor: str | None = None
    revision: Revision


class GetServiceParams(Params):
    """Get one service."""

    name: ServiceName
    include_health: bool = False


class RegisterServiceParams(Params):
    """Register a service, or a new version of it."""

    name: ServiceName
    version: Version
    execution: ExecutionInfo
    location: Location
    endpoints: list[Endpoint] = []
    depends_on: list[ServiceName] = []
    tags: list[str] = []
    metadata: dict[str, str] = {}
    health: HealthCheck | None = None
    lease: timedelta | None = None
    """Fails when no heartbeat comes for so long."""
    if_revision: Revision | None = None


class DeregisterServiceParams(Params):
    name: ServiceName
    reason: str | None = None
    if_revision: Revision | None = None


class HeartbeatParams(Params):
    """Keep a lease alive."""

    name: ServiceName


class HeartbeatResult(Model):
    expires_at: AwareDatetime


class UpdateStateParams(Params):
    name: ServiceName
    state: ServiceState | UnknownValue
    reason: str | None = None
    if_revision: Revision | None = None


class ServiceActionParams(Params):
    """Start, stop or restart a service through the agent that owns it."""

    name: ServiceName
    command: ServiceCommand
    grace: timedelta | None = None
    reason: str | None = None


class ListEndpointsParams(Params):
    """Resolve a name to healthy endpoints."""

    name: ServiceName
    protocol: EndpointProtocol | UnknownValue | None = None
    include_unhealthy: bool = False


class ListEndpointsResult(Model):
    endpoints: list[ResolvedEndpoint]
    protected: bool
    """True while a mass expiry is being held back."""


class ReportHealthParams(Params):
    name: ServiceName
    report: HealthReport


class WatchLogsParams(Params):
    name: ServiceName
    tail: Annotated[int, Field(ge=0, le=10000)] = 100
    follow: bool = True


class UploadPackageParams(Params):
    """Upload a package; nothing is unpacked before size and digest agree."""

    name: ServiceName
    version: Version
    signature: Base64 | None = None


class DownloadPackageParams(Params):
    name: ServiceName
    version: Version


class ListPackagesParams(Params):
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: str | None = None
    """`next_cursor` of the page before."""
    name: ServiceName | None = None


class ListPackagesResult(Model):
    packages: list[PackageInfo]
    next_cursor: str | None = None


class DeployPackageParams(Params):
    """Deploy a package to nodes, batch by batch, and roll back by itself when it fails."""

    name: ServiceName
    version: Version
    nodes: Annotated[list[NodeName], Field(min_length=1)]
    batch: Annotated[int, Field(ge=1)] = 1
    deadline: timedelta = timedelta(minutes=10)
    reason: str | None = None


class RollbackParams(Params):
    name: ServiceName
    nodes: list[NodeName] | None = None
    reason: str | None = None


class GetDeploymentParams(Params):
    id: UUID


class CancelDeploymentParams(Params):
    id: UUID
    reason: str | None = None


class ListEventsParams(Params):
    """The audit log."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: str | None = None
    """`next_cursor` of the page before."""
    service: ServiceName | None = None
    actor: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class ListEventsResult(Model):
    records: list[AuditRecord]
    next_cursor: str | None = None


class AttachAgentParams(Params):
    """Say which node this connection is the agent of."""

    node: NodeName
    kinds: list[ServiceKind | UnknownValue]
    services: list[ServiceName]


class AttachAgentResult(Model):
    lease_epoch: int
    lease: timedelta


class ExecuteParams(Params):
    """Carry out a command on a service of this node."""

    command: UUID
    lease_epoch: int
    entry: ServiceEntry
    action: ServiceCommand
    grace: timedelta | None = None


class InstallPackageParams(Params):
    deployment: UUID
    lease_epoch: int
    package: PackageInfo


class TailLogsParams(Params):
    name: ServiceName
    tail: int
    follow: bool


class ServiceRegistered(Event):
    event_name: ClassVar[str] = "service_registered"
    entry: ServiceEntry


class ServiceDeregistered(Event):
    event_name: ClassVar[str] = "service_deregistered"
    name: ServiceName
    reason: str | None = None
    revision: Revision


class ServiceStateChanged(Event):
    """A service moved from one state to another."""

    event_name: ClassVar[str] = "service_state_changed"
    name: ServiceName
    old: ServiceState | UnknownValue
    new: ServiceState | UnknownValue
    reason: str | None = None
    revision: Revision


class EndpointUpdated(Event):
    event_name: ClassVar[str] = "endpoint_updated"
    service: ServiceName
    endpoints: list[Endpoint]
    revision: Revision


class HealthCheckResult(Event):
    event_name: ClassVar[str] = "health_check_result"
    service: ServiceName
    report: HealthReport


class DeploymentProgress(Event):
    event_name: ClassVar[str] = "deployment_progress"
    deployment: UUID
    at: AwareDatetime
    state: DeploymentState | UnknownValue
    node: NodeProgress | None = None
    percent: Annotated[int, Field(ge=0, le=100)]


class RegistryLoaded(Event):
    """The registry has loaded its state."""

    event_name: ClassVar[str] = "registry_loaded"
    services: int
    revision: Revision
