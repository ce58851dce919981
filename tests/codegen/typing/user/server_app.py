"""A user's server: must pass both type checkers."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from typing_extensions import override

from duologue import ByteSink, Call, Sink, Upload, serve
from service_registry_sdk import (
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
    GetDeploymentParams,
    GetServiceParams,
    HeartbeatParams,
    HeartbeatResult,
    InvalidTransition,
    ListEndpointsParams,
    ListEndpointsResult,
    ListEventsParams,
    ListEventsResult,
    ListPackagesParams,
    ListPackagesResult,
    ListServicesParams,
    ListServicesResult,
    Local,
    LogLine,
    ManagedProcess,
    PackageInfo,
    PackageManifest,
    PackageNotFound,
    RegisterServiceParams,
    RegistryPeer,
    RegistryService,
    ReportHealthParams,
    RollbackParams,
    ServiceActionParams,
    ServiceEntry,
    ServiceKind,
    ServiceNotFound,
    ServiceState,
    ServiceStateChanged,
    UpdateStateParams,
    UploadPackageParams,
    WatchLogsParams,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Registry(RegistryService):
    def __init__(self) -> None:
        self.agents: dict[str, RegistryPeer] = {}
        self.packages: dict[str, bytes] = {}
        web = ServiceEntry(
            name="web",
            version="1.0.0",
            execution=ManagedProcess(command=["bin/web"]),
            location=Local(),
            state=ServiceState.RUNNING,
            registered_at=NOW,
            last_state_change=NOW,
            owner=None,
            revision=1,
        )
        self.entries = {"web": web}

    @override
    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        entry = self.entries.get(params.name)
        if entry is None:
            raise ServiceNotFound(name=params.name)
        return entry

    @override
    async def service_action(
        self, call: Call[RegistryPeer], params: ServiceActionParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        entry = self.entries[params.name]
        if entry.state is ServiceState.FAILED:
            raise InvalidTransition(from_=entry.state, to=ServiceState.STARTING, allowed=[ServiceState.STOPPED])
        agent = self.agents[params.name]
        async with agent.execute(command=uuid4(), lease_epoch=1, entry=entry, action=params.command) as run:
            async for step in run:
                await out.send(step)
            return await run.result()

    @override
    async def list_services(self, call: Call[RegistryPeer], params: ListServicesParams) -> ListServicesResult:
        raise NotImplementedError

    @override
    async def register_service(self, call: Call[RegistryPeer], params: RegisterServiceParams) -> ServiceEntry:
        raise NotImplementedError

    @override
    async def deregister_service(self, call: Call[RegistryPeer], params: DeregisterServiceParams) -> None:
        raise NotImplementedError

    @override
    async def heartbeat(self, call: Call[RegistryPeer], params: HeartbeatParams) -> HeartbeatResult:
        raise NotImplementedError

    @override
    async def update_state(self, call: Call[RegistryPeer], params: UpdateStateParams) -> ServiceEntry:
        raise NotImplementedError

    @override
    async def list_endpoints(self, call: Call[RegistryPeer], params: ListEndpointsParams) -> ListEndpointsResult:
        raise NotImplementedError

    @override
    async def report_health(self, call: Call[RegistryPeer], params: ReportHealthParams) -> None:
        raise NotImplementedError

    @override
    async def watch_logs(self, call: Call[RegistryPeer], params: WatchLogsParams, out: Sink[LogLine]) -> None:
        raise NotImplementedError

    @override
    async def upload_package(self, call: Call[RegistryPeer], params: UploadPackageParams, body: Upload) -> PackageInfo:
        self.packages[params.name] = await body.read()
        lengths = [len(piece) async for piece in body]
        print(sum(lengths) == body.size, body.path.name)
        return package(params.name, params.version, body.size, body.sha256)

    @override
    async def download_package(
        self, call: Call[RegistryPeer], params: DownloadPackageParams, out: ByteSink
    ) -> PackageInfo:
        content = self.packages.get(params.name)
        if content is None:
            raise PackageNotFound(name=params.name)
        await out.send(content)
        return package(params.name, params.version, len(content), "")

    @override
    async def list_packages(self, call: Call[RegistryPeer], params: ListPackagesParams) -> ListPackagesResult:
        raise NotImplementedError

    @override
    async def deploy_package(
        self, call: Call[RegistryPeer], params: DeployPackageParams, out: Sink[DeploymentStep]
    ) -> Deployment:
        raise NotImplementedError

    @override
    async def rollback(self, call: Call[RegistryPeer], params: RollbackParams, out: Sink[DeploymentStep]) -> Deployment:
        raise NotImplementedError

    @override
    async def get_deployment(self, call: Call[RegistryPeer], params: GetDeploymentParams) -> Deployment:
        raise NotImplementedError

    @override
    async def cancel_deployment(self, call: Call[RegistryPeer], params: CancelDeploymentParams) -> Deployment:
        raise NotImplementedError

    @override
    async def list_events(self, call: Call[RegistryPeer], params: ListEventsParams) -> ListEventsResult:
        raise NotImplementedError

    @override
    async def attach_agent(self, call: Call[RegistryPeer], params: AttachAgentParams) -> AttachAgentResult:
        raise NotImplementedError


def package(name: str, version: str, size: int, sha256: str) -> PackageInfo:
    manifest = PackageManifest(name=name, version=version, type=ServiceKind.MANAGED_PROCESS)
    return PackageInfo(manifest=manifest, size=size, sha256=sha256, uploaded_at=NOW, uploaded_by="ann", signed=False)


async def main() -> None:
    async with serve(Registry(), "127.0.0.1", 8080) as server:
        change = ServiceStateChanged(name="web", old=ServiceState.STARTING, new=ServiceState.RUNNING, revision=2)
        await server.emit(change)
        for peer in server.peers():
            _ = peer.execute
