"""Types of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
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

ServiceName = TypeAliasType(
    "ServiceName", Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}(@[a-z0-9][a-z0-9.-]{0,252})?$")]
)
"""Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node."""


PackageName = TypeAliasType("PackageName", Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$")])
"""Name of a package."""


NodeName = TypeAliasType("NodeName", Annotated[str, Field(pattern="^[a-z0-9][a-z0-9.-]{0,252}$")])
"""Name of a machine."""


Version = TypeAliasType(
    "Version", Annotated[str, Field(pattern="^[0-9]+\\.[0-9]+\\.[0-9]+([-+][0-9A-Za-z.-]+)?$", max_length=128)]
)
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
    """What a health check found. Critical and in maintenance mean that nothing should be sent there. Open: later
    versions may add values, which arrive as `UnknownValue`.
    """

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


class RestartPolicy(StrEnum):
    """What an agent does when a process ends that nobody stopped."""

    NEVER = "never"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"


class ManagedProcess(Model):
    """A process of its own."""

    kind: Literal["managed_process"] = "managed_process"
    command: Annotated[list[str], Field(min_length=1)]
    """Program and arguments; no shell."""
    pid: Annotated[int | None, Field(ge=1)] = None
    """While it runs."""
    restart: RestartPolicy = RestartPolicy.ON_FAILURE
    """When its agent starts it again by itself."""
    environment: dict[str, str] = {}
    """Beside its agent's own."""


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
    """On another machine."""

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


EndpointName = TypeAliasType("EndpointName", Annotated[str, Field(min_length=1, max_length=64)])
"""Of an endpoint, or of a port that becomes one."""


class Endpoint(Model):
    name: EndpointName
    """Unique within the service."""
    address: Annotated[str, Field(min_length=1, max_length=512)]
    """host:port, or a URL."""
    protocol: EndpointProtocol | UnknownValue


class ResolvedEndpoint(Model):
    service: ServiceName
    version: Version
    endpoint: Endpoint
    state: ServiceState | UnknownValue
    health: HealthStatus | UnknownValue
    """The worst of the latest reports of its checks; unknown when nothing has been reported."""


class HealthReport(Model):
    """One outcome of one health check."""

    check: Annotated[str, Field(min_length=1, max_length=64)]
    """Name of the check."""
    status: HealthStatus | UnknownValue
    checked_at: AwareDatetime
    took: timedelta | None = None
    output: Annotated[str | None, Field(max_length=4096)] = None


class ScriptProbe(Model):
    """A program of the package; it passes when it ends with 0, warns with 1, and fails with anything else."""

    kind: Literal["script"] = "script"
    path: Annotated[str, Field(min_length=1, max_length=255)] = "scripts/health.sh"
    """Within the package."""


class HttpProbe(Model):
    """A GET request that is answered with the expected status."""

    kind: Literal["http"] = "http"
    url: Annotated[str, Field(pattern="^https?://", max_length=512)]
    expect_status: Annotated[int, Field(ge=100, le=599)] = 200


class TcpProbe(Model):
    """A connection that can be made."""

    kind: Literal["tcp"] = "tcp"
    address: Annotated[str, Field(pattern=":[0-9]{1,5}$", max_length=512)]
    """host:port."""


Probe = TypeAliasType("Probe", Annotated[ScriptProbe | HttpProbe | TcpProbe, Field(discriminator="kind")])


class HealthCheck(Model):
    """How a service is asked for its health, and how many answers make up a verdict."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = "health"
    """Unique within the service."""
    probe: Probe
    interval: timedelta = timedelta(seconds=10)
    timeout: timedelta = timedelta(seconds=2)
    passes: Annotated[int, Field(ge=1, le=100)] = 2
    """This many of the last `window` must pass."""
    window: Annotated[int, Field(ge=1, le=100)] = 3


class ServiceEntry(Model):
    name: ServiceName
    version: Version
    execution: ExecutionInfo
    location: Location
    endpoints: list[Endpoint] = []
    depends_on: list[ServiceName] = []
    state: ServiceState | UnknownValue
    state_reason: str | None = None
    """Why it is in this state, in words; `lease expired` when its heartbeats stopped."""
    last_health_check: HealthReport | None = None
    """The newest report of any of its checks."""
    health: list[HealthReport] | None = None
    """The latest report of each check; only when asked for."""
    checks: list[HealthCheck] = []
    """What its agent asks it."""
    tags: list[str] = []
    metadata: dict[str, str] = {}
    lease: timedelta | None = None
    """It counts as failed when no heartbeat comes for so long."""
    registered_at: AwareDatetime
    """When the name was registered; a new version keeps it."""
    last_state_change: AwareDatetime
    revision: Revision
    """The registry's revision when this entry last changed."""


class ServiceKind(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    MANAGED_PROCESS = "managed_process"
    DOCKER_CONTAINER = "docker_container"
    SYSTEMD_SERVICE = "systemd_service"


class PackageManifest(Model):
    """What a package says of itself, in its `manifest.yaml`."""

    name: PackageName
    version: Version
    description: Annotated[str | None, Field(max_length=1024)] = None
    type: ServiceKind | UnknownValue
    ports: dict[EndpointName, Port] = {}
    """At most 64 ports that it listens on, by what they are for."""
    depends_on: Annotated[list[ServiceName], Field(max_length=256)] = []
    requires: dict[str, str] = {}
    """What it needs of its machine, such as `python: ">=3.11"`."""
    health: HealthCheck | None = None


class PackageInfo(Model):
    """A package that the registry has."""

    manifest: PackageManifest
    size: Annotated[int, Field(ge=0)]
    """Bytes of the archive."""
    sha256: Sha256
    """Of the archive."""
    uploaded_at: AwareDatetime
    uploaded_by: str
    signature: Base64 | None = None
    """Ed25519, over name, version, size and digest."""
    signed_by: str | None = None
    """The trusted key that made the signature; absent where none was checked."""
    revision: Revision
    """The registry's revision when it was uploaded."""


class AgentLease(Model):
    """Who speaks for a node. Of two agents of one node only the one that attached last is listened to."""

    node: NodeName
    lease_epoch: Annotated[int, Field(ge=1)]
    """Grows by one whenever an agent of the node attaches."""


class AgentService(Model):
    """A service as its agent finds it."""

    name: ServiceName
    state: ServiceState | UnknownValue
    reason: Annotated[str | None, Field(max_length=1024)] = None
    version: Version | None = None
    """The version that this is of; without it, that which is registered."""
    active: Version | None = None
    """Of its package the version that is active there."""


class Installation(Model):
    """A package on a node."""

    name: PackageName
    active: Version
    previous: Version | None = None
    """What it goes back to."""


class AgentInfo(Model):
    """The agent of a node."""

    node: NodeName
    lease_epoch: Annotated[int, Field(ge=1)]
    kinds: list[ServiceKind | UnknownValue]
    """What it can run."""
    packages: list[Installation] = []
    """What it has installed for the registry."""
    attached_at: AwareDatetime
    is_attached: bool
    """Whether it is connected now."""


class InstallMode(StrEnum):
    """Stage: put it beside the active version. Activate: make it the active one. Go back: the same, and forget
    the version that was active.
    """

    STAGE = "stage"
    ACTIVATE = "activate"
    GO_BACK = "go_back"


class Verification(Model):
    """Whether a service was found healthy."""

    is_healthy: bool
    message: str | None = None
    """What was wrong when it was looked at last."""


class DeploymentState(StrEnum):
    """Where a deployment is, or a node of one. Uploaded: the registry has the package, and the node nothing of
    it. Staged: it is on the node, beside what runs, and waits until what it depends on is healthy. Stopping:
    the version that runs is stopped. Starting: the new one is made the active one, and started. Verifying: it
    is asked for its health. Rolling back: what was before is put back. At the end a deployment is done; or
    rolled back or cancelled, and every node runs what it ran before; or failed, and some node could not be
    put back yet. Open: later versions may add values, which arrive as `UnknownValue`.
    """

    UPLOADED = "uploaded"
    STAGED = "staged"
    STOPPING = "stopping"
    STARTING = "starting"
    VERIFYING = "verifying"
    ROLLING_BACK = "rolling_back"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NodeProgress(Model):
    """A node of a deployment."""

    node: NodeName
    service: ServiceName
    """What runs there."""
    state: DeploymentState | UnknownValue
    since: AwareDatetime
    """When it came into this state."""
    from_version: Version | None = None
    """What was there before; absent where nothing was."""
    was_running: bool
    """Whether that ran."""
    is_touched: bool = False
    """Whether its service was stopped or replaced."""
    is_away: bool = False
    """Whether it waits for the agent of the node."""
    message: str | None = None
    """What went wrong, in words."""


class Deployment(Model):
    """A package on its way to nodes."""

    id: UUID
    name: PackageName
    version: Version
    state: DeploymentState | UnknownValue
    nodes: list[NodeProgress]
    """In the order in which they are deployed to."""
    batch: Annotated[int, Field(ge=1)]
    """So many nodes at a time."""
    healthy: Annotated[int, Field(ge=1)]
    """So many times in a row a service has to be found healthy."""
    within: timedelta
    """The time it has for that."""
    started_at: AwareDatetime
    started_by: str
    turns_at: AwareDatetime
    """When it begins to roll back, if it is not done."""
    deadline: AwareDatetime
    """When it has come to an end."""
    finished_at: AwareDatetime | None = None
    reason: str | None = None
    """Why it was asked for."""
    message: str | None = None
    """Why it is not done, in words."""
    is_cancelled: bool = False
    revision: Revision
    """The registry's revision when it last changed."""


class DeploymentStep(Model):
    """A change of a deployment, or of a node of one."""

    deployment: UUID
    name: PackageName
    version: Version
    at: AwareDatetime
    state: DeploymentState | UnknownValue
    """Of the deployment."""
    node: NodeProgress | None = None
    """The node that has changed."""
    percent: Annotated[int, Field(ge=0, le=100)]
    """How much of it is done; it goes down while it is rolled back."""
    message: str | None = None
    """Why it is not done, in words."""
    revision: Revision


class ServiceCommand(StrEnum):
    START = "start"
    STOP = "stop"
    RESTART = "restart"


class CommandStage(StrEnum):
    """Accepted: the registry has made its plan. Waiting: for another service to become healthy. Delivered: the
    agent has it. Started: the agent is at work on it. Finished: the service is where it was to be. Open:
    later versions may add values, which arrive as `UnknownValue`.
    """

    ACCEPTED = "accepted"
    WAITING = "waiting"
    DELIVERED = "delivered"
    STARTED = "started"
    FINISHED = "finished"


class CommandStep(Model):
    command: UUID
    service: ServiceName
    at: AwareDatetime
    stage: CommandStage | UnknownValue
    message: str | None = None


class CommandOutcome(Model):
    command: UUID
    service: ServiceName
    succeeded: bool
    state: ServiceState | UnknownValue
    """Where the service is now."""
    message: str | None = None
    """Why it did not succeed, in words."""


class LogLineSource(StrEnum):
    STDOUT = "stdout"
    STDERR = "stderr"


class LogLine(Model):
    """A line that a service wrote."""

    source: LogLineSource
    text: str
    """Without its end; cut where it is longer than 8 KiB."""
    at: AwareDatetime | None = None
    """When its agent saw it; absent for what was written before it looked."""


class PageParams(Model):
    """What every paged list takes."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """At most so many; a page holds fewer where more would not fit into one message."""
    cursor: Annotated[str | None, Field(max_length=200)] = None
    """`next_cursor` of the page before."""


class AuditRecord(Model):
    """One entry of the log, with who caused it and why."""

    seq: Annotated[int, Field(ge=1)]
    """Its number in the log; there are no gaps."""
    at: AwareDatetime
    actor: str
    """The caller; `anonymous` where nobody has to sign in, `registry` for what it does by itself."""
    revision: Revision
    reason: str | None = None
    request_key: str | None = None
    """The idempotency key of the call."""
    event: str
    """Name of the event."""
    data: Json
    """Data of the event."""


class Protection(Model):
    """Whether the ends of leases are held back: when many run out at once, the network of the registry is
    likelier gone than all those services.
    """

    active: bool
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """When it ends at the latest; leases that are still overdue end then."""
    overdue: Annotated[int, Field(ge=0)]
    """Leases that have run out and were not ended."""
    leases: Annotated[int, Field(ge=0)]
    """All that are held."""


class KeptLog(Model):
    """The part of the log that is kept."""

    first: Annotated[int, Field(ge=1)]
    """Number of its oldest entry."""
    last: Annotated[int, Field(ge=0)]
    """Number of its newest entry; 0 when there has been none."""


class RegistryStatus(Model):
    epoch: str
    """Epoch of the log."""
    revision: Revision
    log: KeptLog
    services: int
    packages: int
    agents: int
    """Those that are attached."""
    read_only: str | None = None
    """Why no changes are taken."""
    protection: Protection


class Retention(Model):
    """What to keep; what is absent is kept whole. Nothing goes that a service, a node or a way back needs."""

    log_entries: Annotated[int | None, Field(ge=1)] = None
    """The newest so many entries of the log."""
    log_age: timedelta | None = None
    """Entries of the log that are not older."""
    packages: Annotated[int | None, Field(ge=1)] = None
    """Of each service, the newest so many packages beside those that are needed."""


class PackageRef(Model):
    name: ServiceName
    version: Version
    size: Annotated[int, Field(ge=0)]


class BackupInfo(Model):
    """What a backup holds."""

    created_at: AwareDatetime
    epoch: str
    seq: Annotated[int, Field(ge=0)]
    """Number of the newest entry of its log."""
    revision: Revision
    services: int
    packages: int


class ServiceNotFoundDetails(Model):
    name: ServiceName


class ServiceExistsDetails(Model):
    name: ServiceName
    revision: Revision


class FolderTakenDetails(Model):
    name: ServiceName
    """The one that is there."""
    node: NodeName


class InvalidTransitionDetails(Model):
    from_: Annotated[ServiceState | UnknownValue, Field(alias="from")]
    to: ServiceState | UnknownValue
    allowed: list[ServiceState | UnknownValue]


class RevisionConflictDetails(Model):
    expected: Revision
    actual: Revision
    """0 when there is no such service."""


class DependencyCycleDetails(Model):
    cycle: list[ServiceName]
    """Along the dependencies, from a service back to itself."""


class LeaseLostDetails(Model):
    name: ServiceName


class AgentUnavailableDetails(Model):
    name: ServiceName
    reason: str


class NotOwnerDetails(Model):
    node: NodeName


class PackageNotFoundDetails(Model):
    name: ServiceName
    version: Version


class PackageExistsDetails(Model):
    name: ServiceName
    version: Version
    sha256: Sha256
    """Of the one that is there."""


class PackageInUseDetails(Model):
    name: ServiceName
    version: Version
    reason: str


class BadPackageDetails(Model):
    member: str
    """The member of the archive, or `archive`."""
    reason: str


class DeploymentNotFoundDetails(Model):
    id: UUID


class DeploymentRunningDetails(Model):
    name: PackageName
    id: UUID
    """The one that is running."""


class NothingToRollBackDetails(Model):
    name: PackageName
    reason: str


class SignatureRefusedDetails(Model):
    reason: str


class NoSpaceDetails(Model):
    node: str | None = None
    """Whose disk; the registry's when absent."""


class ReadOnlyDetails(Model):
    reason: str


class ListServicesParams(Params):
    """List services, oldest registration first."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """At most so many; a page holds fewer where more would not fit into one message."""
    cursor: Annotated[str | None, Field(max_length=200)] = None
    """`next_cursor` of the page before."""
    state: list[ServiceState | UnknownValue] | None = None
    """Only services in one of these states."""
    tag: str | None = None
    """Only services with this tag."""
    node: NodeName | None = None
    """Only services whose location names this node."""


class ListServicesResult(Model):
    services: list[ServiceEntry]
    next_cursor: str | None = None
    revision: Revision


class GetServiceParams(Params):
    """Get one service."""

    name: ServiceName
    include_health: bool = False
    """With the latest report of each check."""


class RegisterServiceParams(Params):
    """Register a service, or a new version of it. What is registered already and equal is answered as it stands,
    and its lease renewed. A new version, and a service whose lease had ended, begin again as `registered`.
    Other contents of the same version are taken only with `if_revision`, and leave the state as it is.
    """

    name: ServiceName
    version: Version
    execution: ExecutionInfo
    location: Location
    endpoints: Annotated[list[Endpoint], Field(max_length=64)] = []
    depends_on: Annotated[list[ServiceName], Field(max_length=256)] = []
    """They need not be registered yet."""
    tags: Annotated[list[str], Field(max_length=64)] = []
    metadata: dict[str, str] = {}
    checks: Annotated[list[HealthCheck], Field(max_length=16)] = []
    """What its agent asks it."""
    lease: timedelta | None = None
    """Fails when no heartbeat comes for so long; 1 second to 1 day."""
    if_revision: Revision | None = None
    """Only if the entry has this revision; 0 when the name must be free."""


class DeregisterServiceParams(Params):
    """Remove a service, whatever its state. Services that depend on it stay."""

    name: ServiceName
    reason: Annotated[str | None, Field(max_length=1024)] = None
    if_revision: Revision | None = None


class HeartbeatParams(Params):
    """Keep a lease alive."""

    name: ServiceName


class HeartbeatResult(Model):
    expires_at: AwareDatetime


class UpdateStateParams(Params):
    """Move a service to another state. Asking for the state it is in changes nothing. Its agent tells what is,
    and not what is to be: it may say so of any state but `registered`. That another version than the
    registered one starts, runs or fails changes nothing.
    """

    name: ServiceName
    state: ServiceState | UnknownValue
    reason: Annotated[str | None, Field(max_length=1024)] = None
    if_revision: Revision | None = None
    agent: AgentLease | None = None
    """Of the agent that runs it."""
    version: Version | None = None
    """The version that its agent tells of; without it, that which is registered."""


class ReportHealthParams(Params):
    """Tell the outcome of a health check. Only the latest of each check is kept."""

    name: ServiceName
    report: HealthReport
    agent: AgentLease | None = None
    """Of the agent that runs it."""


class ListEndpointsParams(Params):
    """Resolve a name to healthy endpoints: those of a running service none of whose checks is critical or in
    maintenance.
    """

    name: ServiceName
    protocol: EndpointProtocol | UnknownValue | None = None
    include_unhealthy: bool = False
    """All of them, whatever the state and health."""


class ListEndpointsResult(Model):
    endpoints: list[ResolvedEndpoint]
    revision: Revision
    protected: bool = False
    """True while the ends of leases are held back, so that some may be gone."""


class ServiceActionParams(Params):
    """Start, stop or restart a service through the agent of its node. Before a start its dependencies are
    started and waited for until they are healthy; before a stop those that depend on it are stopped. Where
    there is a package of the version that it is registered with, a start installs it.
    """

    name: ServiceName
    command: ServiceCommand
    grace: timedelta = timedelta(seconds=10)
    """From asking a process to stop until it is killed."""
    alone: bool = False
    """Without its dependencies, and those that depend on it."""
    reason: Annotated[str | None, Field(max_length=1024)] = None


class WatchLogsParams(Params):
    """Read what a service has written, and go on reading."""

    name: ServiceName
    tail: Annotated[int, Field(ge=0, le=10000)] = 100
    """So many lines of each output first."""
    follow: bool = True


class AttachAgentParams(Params):
    """Say that this connection is the agent of a node, and what of its services it finds. Whoever was its agent
    before is not listened to any more.
    """

    node: NodeName
    kinds: Annotated[list[ServiceKind | UnknownValue], Field(max_length=16)]
    """What it can run."""
    services: Annotated[list[AgentService], Field(max_length=10000)]


class ListAgentsParams(Params):
    """List the agents that have ever attached, by the name of their node."""


class ListAgentsResult(Model):
    agents: list[AgentInfo]


class ExecuteAction(StrEnum):
    START = "start"
    STOP = "stop"


class ExecuteParams(Params):
    """Start or stop a service of this node."""

    agent: AgentLease
    command: UUID
    entry: ServiceEntry
    action: ExecuteAction
    grace: timedelta


class InstallPackageParams(Params):
    """Put a package on the node, or make it the active version of its service. What is active already stays."""

    agent: AgentLease
    package: PackageInfo
    mode: InstallMode = InstallMode.ACTIVATE


class InstallPackageResult(Model):
    active: Version | None = None
    """The version that is active from now on."""
    previous: Version | None = None
    """What it goes back to."""


class UninstallPackageParams(Params):
    """Leave no version of a package on the node, and forget its service, which has to be stopped."""

    agent: AgentLease
    name: PackageName
    service: ServiceName


class VerifyServiceParams(Params):
    """Ask a service for its health until it has passed often enough in a row, or there is no time left."""

    agent: AgentLease
    entry: ServiceEntry
    sha256: Sha256
    """Of the package that it has to run."""
    healthy: Annotated[int, Field(ge=1)]
    """So many times in a row."""
    within: timedelta


class TailLogsParams(Params):
    """Read what a service of this node has written."""

    name: ServiceName
    tail: Annotated[int, Field(ge=0, le=10000)]
    follow: bool


class UploadPackageParams(Params):
    """Keep a package. Nothing of it is looked at before its size and digest agree; then the whole archive is
    checked, and that its manifest has this name and version. What is there already, and equal, is answered as
    it stands.
    """

    name: PackageName
    version: Version
    signature: Base64 | None = None
    """Ed25519, over name, version, size and digest."""


class DownloadPackageParams(Params):
    """Get the archive of a package."""

    name: PackageName
    version: Version


class ListPackagesParams(Params):
    """List packages, oldest upload first."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """At most so many; a page holds fewer where more would not fit into one message."""
    cursor: Annotated[str | None, Field(max_length=200)] = None
    """`next_cursor` of the page before."""
    name: PackageName | None = None


class ListPackagesResult(Model):
    packages: list[PackageInfo]
    next_cursor: str | None = None
    revision: Revision


class RemovePackageParams(Params):
    """Remove a package, unless a service of its name is registered with that version, or a node has it installed
    as the active one or as the one to go back to.
    """

    name: PackageName
    version: Version
    reason: Annotated[str | None, Field(max_length=1024)] = None


class DeployPackageParams(Params):
    """Deploy a package to nodes, batch by batch; a failure rolls all of them back. It goes on when the caller
    leaves: `watch_deployment` follows it, `cancel_deployment` ends it.
    """

    name: PackageName
    version: Version
    nodes: Annotated[list[NodeName], Field(min_length=1, max_length=256)]
    batch: Annotated[int, Field(ge=1, le=256)] = 1
    """So many nodes at a time."""
    healthy: Annotated[int, Field(ge=1, le=100)] = 3
    """So many times in a row a service has to be found healthy."""
    within: timedelta = timedelta(minutes=1)
    """The time it has for that."""
    deadline: timedelta = timedelta(minutes=10)
    """When it has come to an end, from now; the last third is kept for rolling back."""
    reason: Annotated[str | None, Field(max_length=1024)] = None


class RollbackParams(Params):
    """Deploy the version that was active before, on all nodes that have one or on some."""

    name: PackageName
    nodes: Annotated[list[NodeName] | None, Field(min_length=1, max_length=256)] = None
    """All that have an earlier version when absent."""
    batch: Annotated[int, Field(ge=1, le=256)] = 1
    healthy: Annotated[int, Field(ge=1, le=100)] = 3
    within: timedelta = timedelta(minutes=1)
    deadline: timedelta = timedelta(minutes=10)
    reason: Annotated[str | None, Field(max_length=1024)] = None


class WatchDeploymentParams(Params):
    """Follow a deployment to its end, beginning with where each of its nodes is."""

    id: UUID


class GetDeploymentParams(Params):
    """Get one deployment."""

    id: UUID


class ListDeploymentsParams(Params):
    """List the deployments that are kept, newest first."""

    name: PackageName | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ListDeploymentsResult(Model):
    deployments: list[Deployment]


class CancelDeploymentParams(Params):
    """Let a deployment roll back, at whatever stage it is. One that has ended, or rolls back already, stays as
    it is.
    """

    id: UUID
    reason: Annotated[str | None, Field(max_length=1024)] = None


class ListEventsParams(Params):
    """The audit log, newest first."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """At most so many; a page holds fewer where more would not fit into one message."""
    cursor: Annotated[str | None, Field(max_length=200)] = None
    """`next_cursor` of the page before."""
    service: ServiceName | None = None
    actor: str | None = None
    since: AwareDatetime | None = None
    """Not before."""
    until: AwareDatetime | None = None
    """Before."""


class ListEventsResult(Model):
    records: list[AuditRecord]
    next_cursor: str | None = None


class GetRegistryStatusParams(Params):
    """How the registry does."""


class BackUpParams(Params):
    """Copy everything that is kept, but for tokens and the answers of calls, as it is at one moment. Changes
    wait while the database is copied, reading goes on.
    """


class PruneParams(Params):
    """Remove what is no longer to be kept."""

    keep: Retention
    dry_run: bool = False
    """Say what would go, and let it be."""


class PruneResult(Model):
    log_entries: Annotated[int, Field(ge=0)]
    """So many went from the log."""
    first: Annotated[int, Field(ge=1)]
    """The number of its oldest entry from now on."""
    packages: list[PackageRef]
    """Those that went."""


class ServiceRegistered(Event):
    """A service was registered, or registered again with other contents or another version."""

    event_name: ClassVar[str] = "service_registered"
    entry: ServiceEntry


class ServiceDeregistered(Event):
    """A service is gone from the registry."""

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
    """The endpoints of a service are now these; none when it is gone."""

    event_name: ClassVar[str] = "endpoint_updated"
    service: ServiceName
    endpoints: list[Endpoint]
    revision: Revision


class HealthCheckResult(Event):
    """A health check reported."""

    event_name: ClassVar[str] = "health_check_result"
    service: ServiceName
    report: HealthReport


class PackageUploaded(Event):
    """The registry has a new package."""

    event_name: ClassVar[str] = "package_uploaded"
    package: PackageInfo


class PackageRemoved(Event):
    """The registry has a package no more."""

    event_name: ClassVar[str] = "package_removed"
    name: ServiceName
    version: Version
    reason: str | None = None
    revision: Revision


class ServiceCommanded(Event):
    """Somebody has asked to start, stop or restart a service."""

    event_name: ClassVar[str] = "service_commanded"
    name: ServiceName
    command: ServiceCommand
    id: UUID
    revision: Revision


class PackageInstalled(Event):
    """A package is the active version on a node."""

    event_name: ClassVar[str] = "package_installed"
    node: NodeName
    name: ServiceName
    version: Version
    previous: Version | None = None
    revision: Revision


class PackageUninstalled(Event):
    """No version of a package is on a node any more."""

    event_name: ClassVar[str] = "package_uninstalled"
    node: NodeName
    name: PackageName
    revision: Revision


class DeploymentProgress(Event):
    """A deployment, or a node of one, has come into another state."""

    event_name: ClassVar[str] = "deployment_progress"
    step: DeploymentStep


class AgentAttached(Event):
    """An agent has attached, and speaks for its node from now on."""

    event_name: ClassVar[str] = "agent_attached"
    node: NodeName
    lease_epoch: int
    revision: Revision


class LogPruned(Event):
    """The oldest entries of the log are no longer kept."""

    event_name: ClassVar[str] = "log_pruned"
    first: int
    """The number of the oldest one that is."""
    entries: int
    revision: Revision


class ExpiryPaused(Event):
    """Many leases have run out at once; none is ended until so many are renewed, or until that time."""

    event_name: ClassVar[str] = "expiry_paused"
    overdue: int
    leases: int
    until: AwareDatetime
    revision: Revision


class ExpiryResumed(Event):
    """Leases end again; those that are still overdue end now."""

    event_name: ClassVar[str] = "expiry_resumed"
    overdue: int
    leases: int
    revision: Revision


class RegistryLoaded(Event):
    """The registry has loaded its state. Told once to every subscriber, and again after each restart."""

    event_name: ClassVar[str] = "registry_loaded"
    epoch: str
    """Epoch of the log."""
    services: int
    revision: Revision
