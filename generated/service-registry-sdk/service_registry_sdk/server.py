"""What servers of the service-registry protocol 1.0.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from duologue import (
    Bound,
    ByteSink,
    Call,
    Peer,
    Protocol,
    Server,
    Service,
    Sink,
    Upload,
    downloading,
    streaming,
    unary,
    uploading,
)
from typing_extensions import override

from . import actions
from .client import RegistryClient
from .models import (
    AgentLease,
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
    ExecuteParams,
    GetDeploymentParams,
    GetRegistryStatusParams,
    GetServiceParams,
    HeartbeatParams,
    HeartbeatResult,
    InstallPackageParams,
    InstallPackageResult,
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
    LogLine,
    PackageInfo,
    PruneParams,
    PruneResult,
    RegisterServiceParams,
    RegistryStatus,
    RemovePackageParams,
    ReportHealthParams,
    RollbackParams,
    ServiceActionParams,
    ServiceEntry,
    TailLogsParams,
    UninstallPackageParams,
    UpdateStateParams,
    UploadPackageParams,
    Verification,
    VerifyServiceParams,
    WatchDeploymentParams,
    WatchLogsParams,
)
from .peer import RegistryPeer
from .protocol import PROTOCOL


class RegistryService(Service[RegistryPeer]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = RegistryPeer

    @abstractmethod
    async def list_services(self, call: Call[RegistryPeer], params: ListServicesParams) -> ListServicesResult:
        """List services, oldest registration first."""

    @abstractmethod
    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        """Get one service.

        Raises:
            ServiceNotFound: No service is called {name}.
        """

    @abstractmethod
    async def register_service(self, call: Call[RegistryPeer], params: RegisterServiceParams) -> ServiceEntry:
        """Register a service, or a new version of it. What is registered already and equal is answered as it
        stands, and its lease renewed. A new version, and a service whose lease had ended, begin again as
        `registered`. Other contents of the same version are taken only with `if_revision`, and leave the
        state as it is.

        Raises:
            ServiceExists: {name} is already registered, with other contents: give `if_revision` {revision} to replace them, or a new version.
            FolderTaken: {name} is on {node} already, and of the same package: they would share a folder there. Deregister it, or give this one another name.
            DependencyCycle: The dependencies form a cycle.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def deregister_service(self, call: Call[RegistryPeer], params: DeregisterServiceParams) -> None:
        """Remove a service, whatever its state. Services that depend on it stay.

        Raises:
            ServiceNotFound: No service is called {name}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def heartbeat(self, call: Call[RegistryPeer], params: HeartbeatParams) -> HeartbeatResult:
        """Keep a lease alive.

        Raises:
            ServiceNotFound: No service is called {name}.
            LeaseLost: {name} holds no lease: it has ended, or none was asked for. Register again.
        """

    @abstractmethod
    async def update_state(self, call: Call[RegistryPeer], params: UpdateStateParams) -> ServiceEntry:
        """Move a service to another state. Asking for the state it is in changes nothing. Its agent tells what
        is, and not what is to be: it may say so of any state but `registered`. That another version than the
        registered one starts, runs or fails changes nothing.

        Raises:
            ServiceNotFound: No service is called {name}.
            InvalidTransition: A service cannot go from {from} to {to}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def report_health(self, call: Call[RegistryPeer], params: ReportHealthParams) -> None:
        """Tell the outcome of a health check. Only the latest of each check is kept.

        Raises:
            ServiceNotFound: No service is called {name}.
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def list_endpoints(self, call: Call[RegistryPeer], params: ListEndpointsParams) -> ListEndpointsResult:
        """Resolve a name to healthy endpoints: those of a running service none of whose checks is critical or in
        maintenance.

        Raises:
            ServiceNotFound: No service is called {name}.
        """

    @abstractmethod
    async def service_action(
        self, call: Call[RegistryPeer], params: ServiceActionParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        """Start, stop or restart a service through the agent of its node. Before a start its dependencies are
        started and waited for until they are healthy; before a stop those that depend on it are stopped.
        Where there is a package of the version that it is registered with, a start installs it.

        Raises:
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent that could run {name} is attached: {reason}
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def watch_logs(self, call: Call[RegistryPeer], params: WatchLogsParams, out: Sink[LogLine]) -> None:
        """Read what a service has written, and go on reading.

        Raises:
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent that could run {name} is attached: {reason}
        """

    @abstractmethod
    async def attach_agent(self, call: Call[RegistryPeer], params: AttachAgentParams) -> AgentLease:
        """Say that this connection is the agent of a node, and what of its services it finds. Whoever was its
        agent before is not listened to any more.

        Raises:
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def list_agents(self, call: Call[RegistryPeer], params: ListAgentsParams) -> ListAgentsResult:
        """List the agents that have ever attached, by the name of their node."""

    @abstractmethod
    async def upload_package(self, call: Call[RegistryPeer], params: UploadPackageParams, body: Upload) -> PackageInfo:
        """Keep a package. Nothing of it is looked at before its size and digest agree; then the whole archive is
        checked, and that its manifest has this name and version. What is there already, and equal, is
        answered as it stands.

        Takes bytes: `application/gzip`, 512 MiB at most.

        Raises:
            PackageExists: There is a package {name} {version} with other contents: give these another version.
            BadPackage: {member}: {reason}
            SignatureRefused: The signature is refused: {reason}
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def download_package(
        self, call: Call[RegistryPeer], params: DownloadPackageParams, out: ByteSink
    ) -> PackageInfo:
        """Get the archive of a package.

        Sends bytes: `application/gzip`, 512 MiB at most.

        Raises:
            PackageNotFound: There is no package {name} {version}.
        """

    @abstractmethod
    async def list_packages(self, call: Call[RegistryPeer], params: ListPackagesParams) -> ListPackagesResult:
        """List packages, oldest upload first."""

    @abstractmethod
    async def remove_package(self, call: Call[RegistryPeer], params: RemovePackageParams) -> None:
        """Remove a package, unless a service of its name is registered with that version, or a node has it
        installed as the active one or as the one to go back to.

        Raises:
            PackageNotFound: There is no package {name} {version}.
            PackageInUse: {name} {version} is in use: {reason}
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def deploy_package(
        self, call: Call[RegistryPeer], params: DeployPackageParams, out: Sink[DeploymentStep]
    ) -> Deployment:
        """Deploy a package to nodes, batch by batch; a failure rolls all of them back. It goes on when the
        caller leaves: `watch_deployment` follows it, `cancel_deployment` ends it.

        Raises:
            PackageNotFound: There is no package {name} {version}.
            DeploymentRunning: Another deployment of {name} is running, {id}: wait until it has ended, or cancel it.
            DependencyCycle: The dependencies form a cycle.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def rollback(self, call: Call[RegistryPeer], params: RollbackParams, out: Sink[DeploymentStep]) -> Deployment:
        """Deploy the version that was active before, on all nodes that have one or on some.

        Raises:
            NothingToRollBack: There is no version of {name} to go back to: {reason}
            PackageNotFound: There is no package {name} {version}.
            DeploymentRunning: Another deployment of {name} is running, {id}: wait until it has ended, or cancel it.
            DependencyCycle: The dependencies form a cycle.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def watch_deployment(
        self, call: Call[RegistryPeer], params: WatchDeploymentParams, out: Sink[DeploymentStep]
    ) -> Deployment:
        """Follow a deployment to its end, beginning with where each of its nodes is.

        Raises:
            DeploymentNotFound: There is no deployment {id}.
        """

    @abstractmethod
    async def get_deployment(self, call: Call[RegistryPeer], params: GetDeploymentParams) -> Deployment:
        """Get one deployment.

        Raises:
            DeploymentNotFound: There is no deployment {id}.
        """

    @abstractmethod
    async def list_deployments(self, call: Call[RegistryPeer], params: ListDeploymentsParams) -> ListDeploymentsResult:
        """List the deployments that are kept, newest first."""

    @abstractmethod
    async def cancel_deployment(self, call: Call[RegistryPeer], params: CancelDeploymentParams) -> Deployment:
        """Let a deployment roll back, at whatever stage it is. One that has ended, or rolls back already, stays
        as it is.

        Raises:
            DeploymentNotFound: There is no deployment {id}.
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def list_events(self, call: Call[RegistryPeer], params: ListEventsParams) -> ListEventsResult:
        """The audit log, newest first."""

    @abstractmethod
    async def get_registry_status(self, call: Call[RegistryPeer], params: GetRegistryStatusParams) -> RegistryStatus:
        """How the registry does."""

    @abstractmethod
    async def back_up(self, call: Call[RegistryPeer], params: BackUpParams, out: ByteSink) -> BackupInfo:
        """Copy everything that is kept, but for tokens and the answers of calls, as it is at one moment. Changes
        wait while the database is copied, reading goes on.

        Sends bytes: `application/x-tar`, 1024 GiB at most.

        Raises:
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def prune(self, call: Call[RegistryPeer], params: PruneParams) -> PruneResult:
        """Remove what is no longer to be kept.

        Raises:
            ReadOnly: The registry takes no changes at present: {reason}
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            unary(actions.LIST_SERVICES, self.list_services),
            unary(actions.GET_SERVICE, self.get_service),
            unary(actions.REGISTER_SERVICE, self.register_service),
            unary(actions.DEREGISTER_SERVICE, self.deregister_service),
            unary(actions.HEARTBEAT, self.heartbeat),
            unary(actions.UPDATE_STATE, self.update_state),
            unary(actions.REPORT_HEALTH, self.report_health),
            unary(actions.LIST_ENDPOINTS, self.list_endpoints),
            streaming(actions.SERVICE_ACTION, self.service_action),
            streaming(actions.WATCH_LOGS, self.watch_logs),
            unary(actions.ATTACH_AGENT, self.attach_agent),
            unary(actions.LIST_AGENTS, self.list_agents),
            uploading(actions.UPLOAD_PACKAGE, self.upload_package),
            downloading(actions.DOWNLOAD_PACKAGE, self.download_package),
            unary(actions.LIST_PACKAGES, self.list_packages),
            unary(actions.REMOVE_PACKAGE, self.remove_package),
            streaming(actions.DEPLOY_PACKAGE, self.deploy_package),
            streaming(actions.ROLLBACK, self.rollback),
            streaming(actions.WATCH_DEPLOYMENT, self.watch_deployment),
            unary(actions.GET_DEPLOYMENT, self.get_deployment),
            unary(actions.LIST_DEPLOYMENTS, self.list_deployments),
            unary(actions.CANCEL_DEPLOYMENT, self.cancel_deployment),
            unary(actions.LIST_EVENTS, self.list_events),
            unary(actions.GET_REGISTRY_STATUS, self.get_registry_status),
            downloading(actions.BACK_UP, self.back_up),
            unary(actions.PRUNE, self.prune),
        )


class RegistryPeerService(Service[RegistryClient]):
    """What a client serves to the server: pass one as `serve=` to `RegistryClient.open`."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = RegistryClient

    @abstractmethod
    async def execute(
        self, call: Call[RegistryClient], params: ExecuteParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        """Start or stop a service of this node.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
        """

    @abstractmethod
    async def install_package(self, call: Call[RegistryClient], params: InstallPackageParams) -> InstallPackageResult:
        """Put a package on the node, or make it the active version of its service. What is active already stays.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
            BadPackage: {member}: {reason}
            SignatureRefused: The signature is refused: {reason}
            PackageNotFound: There is no package {name} {version}.
            NoSpace: There is no space left on the disk; nothing was changed.
        """

    @abstractmethod
    async def uninstall_package(self, call: Call[RegistryClient], params: UninstallPackageParams) -> None:
        """Leave no version of a package on the node, and forget its service, which has to be stopped.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
        """

    @abstractmethod
    async def verify_service(self, call: Call[RegistryClient], params: VerifyServiceParams) -> Verification:
        """Ask a service for its health until it has passed often enough in a row, or there is no time left.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
        """

    @abstractmethod
    async def tail_logs(self, call: Call[RegistryClient], params: TailLogsParams, out: Sink[LogLine]) -> None:
        """Read what a service of this node has written."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            streaming(actions.EXECUTE, self.execute),
            unary(actions.INSTALL_PACKAGE, self.install_package),
            unary(actions.UNINSTALL_PACKAGE, self.uninstall_package),
            unary(actions.VERIFY_SERVICE, self.verify_service),
            streaming(actions.TAIL_LOGS, self.tail_logs),
        )


class RegistryServer(Server[RegistryPeer]):
    """Serves a `RegistryService` on a port."""
