"""What servers of the service-registry protocol 1.0.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
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
    ExecuteParams,
    GetDeploymentParams,
    GetServiceParams,
    HeartbeatParams,
    HeartbeatResult,
    InstallPackageParams,
    ListEndpointsParams,
    ListEndpointsResult,
    ListEventsParams,
    ListEventsResult,
    ListPackagesParams,
    ListPackagesResult,
    ListServicesParams,
    ListServicesResult,
    LogLine,
    NodeProgress,
    PackageInfo,
    RegisterServiceParams,
    ReportHealthParams,
    RollbackParams,
    ServiceActionParams,
    ServiceEntry,
    TailLogsParams,
    UpdateStateParams,
    UploadPackageParams,
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
        """List services, oldest first.

        Raises:
            ReadOnly: The registry takes no changes at present.
        """

    @abstractmethod
    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        """Get one service.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
        """

    @abstractmethod
    async def register_service(self, call: Call[RegistryPeer], params: RegisterServiceParams) -> ServiceEntry:
        """Register a service, or a new version of it.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceExists: {name} is already registered.
            DependencyCycle: The dependencies form a cycle.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
        """

    @abstractmethod
    async def deregister_service(self, call: Call[RegistryPeer], params: DeregisterServiceParams) -> None:
        """Answer `deregister_service`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
        """

    @abstractmethod
    async def heartbeat(self, call: Call[RegistryPeer], params: HeartbeatParams) -> HeartbeatResult:
        """Keep a lease alive.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            LeaseLost: The lease has ended.
        """

    @abstractmethod
    async def update_state(self, call: Call[RegistryPeer], params: UpdateStateParams) -> ServiceEntry:
        """Answer `update_state`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            InvalidTransition: A service cannot go from {from} to {to}.
            RevisionConflict: Changed meanwhile: revision {actual}, not {expected}.
        """

    @abstractmethod
    async def service_action(
        self, call: Call[RegistryPeer], params: ServiceActionParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        """Start, stop or restart a service through the agent that owns it.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent for {name} is attached.
            InvalidTransition: A service cannot go from {from} to {to}.
        """

    @abstractmethod
    async def list_endpoints(self, call: Call[RegistryPeer], params: ListEndpointsParams) -> ListEndpointsResult:
        """Resolve a name to healthy endpoints.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
        """

    @abstractmethod
    async def report_health(self, call: Call[RegistryPeer], params: ReportHealthParams) -> None:
        """Answer `report_health`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            NotOwner: Another agent owns {name}.
        """

    @abstractmethod
    async def watch_logs(self, call: Call[RegistryPeer], params: WatchLogsParams, out: Sink[LogLine]) -> None:
        """Answer `watch_logs`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            AgentUnavailable: No agent for {name} is attached.
        """

    @abstractmethod
    async def upload_package(self, call: Call[RegistryPeer], params: UploadPackageParams, body: Upload) -> PackageInfo:
        """Upload a package; nothing is unpacked before size and digest agree.

        Takes bytes: `application/gzip`, 512 MiB at most.

        Raises:
            ReadOnly: The registry takes no changes at present.
            PackageExists: That version has other contents.
            DigestMismatch: The bytes are not the ones announced.
            SignatureRefused: Signature refused: {reason}.
            BadPackage: {member}: {reason}
            NoSpace: No space left on {node}.
        """

    @abstractmethod
    async def download_package(
        self, call: Call[RegistryPeer], params: DownloadPackageParams, out: ByteSink
    ) -> PackageInfo:
        """Answer `download_package`.

        Sends bytes: `application/gzip`, 512 MiB at most.

        Raises:
            ReadOnly: The registry takes no changes at present.
            PackageNotFound: No package {name} {version}.
        """

    @abstractmethod
    async def list_packages(self, call: Call[RegistryPeer], params: ListPackagesParams) -> ListPackagesResult:
        """Answer `list_packages`.

        Raises:
            ReadOnly: The registry takes no changes at present.
        """

    @abstractmethod
    async def deploy_package(
        self, call: Call[RegistryPeer], params: DeployPackageParams, out: Sink[DeploymentStep]
    ) -> Deployment:
        """Deploy a package to nodes, batch by batch, and roll back by itself when it fails.

        Raises:
            ReadOnly: The registry takes no changes at present.
            PackageNotFound: No package {name} {version}.
            AgentUnavailable: No agent for {name} is attached.
            DeploymentRunning: Another deployment of it is running.
            NoSpace: No space left on {node}.
        """

    @abstractmethod
    async def rollback(self, call: Call[RegistryPeer], params: RollbackParams, out: Sink[DeploymentStep]) -> Deployment:
        """Answer `rollback`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            ServiceNotFound: No service is called {name}.
            PackageNotFound: No package {name} {version}.
            DeploymentRunning: Another deployment of it is running.
        """

    @abstractmethod
    async def get_deployment(self, call: Call[RegistryPeer], params: GetDeploymentParams) -> Deployment:
        """Answer `get_deployment`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            DeploymentNotFound: No such deployment.
        """

    @abstractmethod
    async def cancel_deployment(self, call: Call[RegistryPeer], params: CancelDeploymentParams) -> Deployment:
        """Answer `cancel_deployment`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            DeploymentNotFound: No such deployment.
        """

    @abstractmethod
    async def list_events(self, call: Call[RegistryPeer], params: ListEventsParams) -> ListEventsResult:
        """The audit log.

        Raises:
            ReadOnly: The registry takes no changes at present.
        """

    @abstractmethod
    async def attach_agent(self, call: Call[RegistryPeer], params: AttachAgentParams) -> AttachAgentResult:
        """Say which node this connection is the agent of.

        Raises:
            ReadOnly: The registry takes no changes at present.
            NotOwner: Another agent owns {name}.
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
            streaming(actions.SERVICE_ACTION, self.service_action),
            unary(actions.LIST_ENDPOINTS, self.list_endpoints),
            unary(actions.REPORT_HEALTH, self.report_health),
            streaming(actions.WATCH_LOGS, self.watch_logs),
            uploading(actions.UPLOAD_PACKAGE, self.upload_package),
            downloading(actions.DOWNLOAD_PACKAGE, self.download_package),
            unary(actions.LIST_PACKAGES, self.list_packages),
            streaming(actions.DEPLOY_PACKAGE, self.deploy_package),
            streaming(actions.ROLLBACK, self.rollback),
            unary(actions.GET_DEPLOYMENT, self.get_deployment),
            unary(actions.CANCEL_DEPLOYMENT, self.cancel_deployment),
            unary(actions.LIST_EVENTS, self.list_events),
            unary(actions.ATTACH_AGENT, self.attach_agent),
        )


class RegistryPeerService(Service[RegistryClient]):
    """What a client serves to the server: pass one as `serve=` to `RegistryClient.open`."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = RegistryClient

    @abstractmethod
    async def execute(
        self, call: Call[RegistryClient], params: ExecuteParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        """Carry out a command on a service of this node.

        Raises:
            ReadOnly: The registry takes no changes at present.
            NotOwner: Another agent owns {name}.
            NoSpace: No space left on {node}.
        """

    @abstractmethod
    async def install_package(
        self, call: Call[RegistryClient], params: InstallPackageParams, out: Sink[NodeProgress]
    ) -> NodeProgress:
        """Answer `install_package`.

        Raises:
            ReadOnly: The registry takes no changes at present.
            NotOwner: Another agent owns {name}.
            BadPackage: {member}: {reason}
            DigestMismatch: The bytes are not the ones announced.
            NoSpace: No space left on {node}.
        """

    @abstractmethod
    async def tail_logs(self, call: Call[RegistryClient], params: TailLogsParams, out: Sink[LogLine]) -> None:
        """Answer `tail_logs`.

        Raises:
            ReadOnly: The registry takes no changes at present.
        """

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            streaming(actions.EXECUTE, self.execute),
            streaming(actions.INSTALL_PACKAGE, self.install_package),
            streaming(actions.TAIL_LOGS, self.tail_logs),
        )


class RegistryServer(Server[RegistryPeer]):
    """Serves a `RegistryService` on a port."""
