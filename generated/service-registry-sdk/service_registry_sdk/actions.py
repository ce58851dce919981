"""Actions of the service-registry protocol 1.0.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, DownloadAction, Effect, Rate, StreamAction, UploadAction, deferred
from pydantic import TypeAdapter

from .errors import (
    AgentUnavailable,
    BadPackage,
    DependencyCycle,
    DeploymentNotFound,
    DeploymentRunning,
    FolderTaken,
    InvalidTransition,
    LeaseLost,
    NoSpace,
    NothingToRollBack,
    NotOwner,
    PackageExists,
    PackageInUse,
    PackageNotFound,
    ReadOnly,
    RevisionConflict,
    ServiceExists,
    ServiceNotFound,
    SignatureRefused,
)
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

LIST_SERVICES: Final[Action[ListServicesParams, ListServicesResult]] = Action(
    name="list_services",
    params=ListServicesParams,
    result=TypeAdapter(ListServicesResult),
    scope=("services:read",),
    effect=Effect.SAFE,
    timeout=30.0,
)
"""List services, oldest registration first."""
GET_SERVICE: Final[Action[GetServiceParams, ServiceEntry]] = Action(
    name="get_service",
    params=GetServiceParams,
    result=TypeAdapter(ServiceEntry),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(ServiceNotFound,),
    timeout=30.0,
)
"""Get one service."""
REGISTER_SERVICE: Final[Action[RegisterServiceParams, ServiceEntry]] = Action(
    name="register_service",
    params=RegisterServiceParams,
    result=TypeAdapter(ServiceEntry),
    scope=("services:write",),
    effect=Effect.KEYED,
    errors=(ServiceExists, FolderTaken, DependencyCycle, RevisionConflict, ReadOnly, NoSpace),
    timeout=30.0,
    max_request=65536,
)
"""Register a service, or a new version of it. What is registered already and equal is answered as it stands, and
its lease renewed. A new version, and a service whose lease had ended, begin again as `registered`. Other
contents of the same version are taken only with `if_revision`, and leave the state as it is.
"""
DEREGISTER_SERVICE: Final[Action[DeregisterServiceParams, None]] = Action(
    name="deregister_service",
    params=DeregisterServiceParams,
    result=deferred(None),
    scope=("services:write",),
    effect=Effect.KEYED,
    errors=(ServiceNotFound, RevisionConflict, ReadOnly, NoSpace),
    timeout=30.0,
)
"""Remove a service, whatever its state. Services that depend on it stay."""
HEARTBEAT: Final[Action[HeartbeatParams, HeartbeatResult]] = Action(
    name="heartbeat",
    params=HeartbeatParams,
    result=TypeAdapter(HeartbeatResult),
    scope=("services:write",),
    effect=Effect.SAFE,
    errors=(ServiceNotFound, LeaseLost),
    timeout=30.0,
    rate=Rate(per_second=100.0, burst=1000),
)
"""Keep a lease alive."""
UPDATE_STATE: Final[Action[UpdateStateParams, ServiceEntry]] = Action(
    name="update_state",
    params=UpdateStateParams,
    result=TypeAdapter(ServiceEntry),
    scope=("services:write",),
    effect=Effect.KEYED,
    errors=(ServiceNotFound, InvalidTransition, RevisionConflict, NotOwner, ReadOnly, NoSpace),
    timeout=30.0,
)
"""Move a service to another state. Asking for the state it is in changes nothing. Its agent tells what is, and
not what is to be: it may say so of any state but `registered`. That another version than the registered one
starts, runs or fails changes nothing.
"""
REPORT_HEALTH: Final[Action[ReportHealthParams, None]] = Action(
    name="report_health",
    params=ReportHealthParams,
    result=deferred(None),
    scope=("services:write",),
    effect=Effect.SAFE,
    errors=(ServiceNotFound, NotOwner, ReadOnly, NoSpace),
    timeout=30.0,
)
"""Tell the outcome of a health check. Only the latest of each check is kept."""
LIST_ENDPOINTS: Final[Action[ListEndpointsParams, ListEndpointsResult]] = Action(
    name="list_endpoints",
    params=ListEndpointsParams,
    result=TypeAdapter(ListEndpointsResult),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(ServiceNotFound,),
    timeout=30.0,
)
"""Resolve a name to healthy endpoints: those of a running service none of whose checks is critical or in
maintenance.
"""
SERVICE_ACTION: Final[StreamAction[ServiceActionParams, CommandStep, CommandOutcome]] = StreamAction(
    name="service_action",
    params=ServiceActionParams,
    item=TypeAdapter(CommandStep),
    result=TypeAdapter(CommandOutcome),
    scope=("services:control",),
    effect=Effect.KEYED,
    errors=(ServiceNotFound, AgentUnavailable, ReadOnly, NoSpace),
    timeout=300.0,
)
"""Start, stop or restart a service through the agent of its node. Before a start its dependencies are started
and waited for until they are healthy; before a stop those that depend on it are stopped. Where there is a
package of the version that it is registered with, a start installs it.
"""
WATCH_LOGS: Final[StreamAction[WatchLogsParams, LogLine, None]] = StreamAction(
    name="watch_logs",
    params=WatchLogsParams,
    item=TypeAdapter(LogLine),
    result=deferred(None),
    scope=("services:control",),
    effect=Effect.SAFE,
    errors=(ServiceNotFound, AgentUnavailable),
    timeout=None,
)
"""Read what a service has written, and go on reading."""
ATTACH_AGENT: Final[Action[AttachAgentParams, AgentLease]] = Action(
    name="attach_agent",
    params=AttachAgentParams,
    result=TypeAdapter(AgentLease),
    scope=("agent",),
    effect=Effect.SAFE,
    errors=(ReadOnly, NoSpace),
    timeout=30.0,
)
"""Say that this connection is the agent of a node, and what of its services it finds. Whoever was its agent
before is not listened to any more.
"""
LIST_AGENTS: Final[Action[ListAgentsParams, ListAgentsResult]] = Action(
    name="list_agents",
    params=ListAgentsParams,
    result=TypeAdapter(ListAgentsResult),
    scope=("services:read",),
    effect=Effect.SAFE,
    timeout=30.0,
)
"""List the agents that have ever attached, by the name of their node."""
EXECUTE: Final[StreamAction[ExecuteParams, CommandStep, CommandOutcome]] = StreamAction(
    name="execute",
    params=ExecuteParams,
    item=TypeAdapter(CommandStep),
    result=TypeAdapter(CommandOutcome),
    scope=("agent",),
    effect=Effect.KEYED,
    errors=(NotOwner,),
    timeout=300.0,
)
"""Start or stop a service of this node."""
INSTALL_PACKAGE: Final[Action[InstallPackageParams, InstallPackageResult]] = Action(
    name="install_package",
    params=InstallPackageParams,
    result=TypeAdapter(InstallPackageResult),
    scope=("agent",),
    effect=Effect.KEYED,
    errors=(NotOwner, BadPackage, SignatureRefused, PackageNotFound, NoSpace),
    timeout=600.0,
)
"""Put a package on the node, or make it the active version of its service. What is active already stays."""
UNINSTALL_PACKAGE: Final[Action[UninstallPackageParams, None]] = Action(
    name="uninstall_package",
    params=UninstallPackageParams,
    result=deferred(None),
    scope=("agent",),
    effect=Effect.KEYED,
    errors=(NotOwner,),
    timeout=60.0,
)
"""Leave no version of a package on the node, and forget its service, which has to be stopped."""
VERIFY_SERVICE: Final[Action[VerifyServiceParams, Verification]] = Action(
    name="verify_service",
    params=VerifyServiceParams,
    result=TypeAdapter(Verification),
    scope=("agent",),
    effect=Effect.SAFE,
    errors=(NotOwner,),
    timeout=3600.0,
)
"""Ask a service for its health until it has passed often enough in a row, or there is no time left."""
TAIL_LOGS: Final[StreamAction[TailLogsParams, LogLine, None]] = StreamAction(
    name="tail_logs",
    params=TailLogsParams,
    item=TypeAdapter(LogLine),
    result=deferred(None),
    scope=("agent",),
    effect=Effect.SAFE,
    timeout=None,
)
"""Read what a service of this node has written."""
UPLOAD_PACKAGE: Final[UploadAction[UploadPackageParams, PackageInfo]] = UploadAction(
    name="upload_package",
    params=UploadPackageParams,
    result=TypeAdapter(PackageInfo),
    media="application/gzip",
    max_size=536870912,
    scope=("packages:write",),
    effect=Effect.KEYED,
    errors=(PackageExists, BadPackage, SignatureRefused, ReadOnly, NoSpace),
    timeout=3600.0,
)
"""Keep a package. Nothing of it is looked at before its size and digest agree; then the whole archive is
checked, and that its manifest has this name and version. What is there already, and equal, is answered as it
stands.
"""
DOWNLOAD_PACKAGE: Final[DownloadAction[DownloadPackageParams, PackageInfo]] = DownloadAction(
    name="download_package",
    params=DownloadPackageParams,
    result=TypeAdapter(PackageInfo),
    media="application/gzip",
    max_size=536870912,
    scope=("packages:read",),
    effect=Effect.SAFE,
    errors=(PackageNotFound,),
    timeout=3600.0,
)
"""Get the archive of a package."""
LIST_PACKAGES: Final[Action[ListPackagesParams, ListPackagesResult]] = Action(
    name="list_packages",
    params=ListPackagesParams,
    result=TypeAdapter(ListPackagesResult),
    scope=("packages:read",),
    effect=Effect.SAFE,
    timeout=30.0,
)
"""List packages, oldest upload first."""
REMOVE_PACKAGE: Final[Action[RemovePackageParams, None]] = Action(
    name="remove_package",
    params=RemovePackageParams,
    result=deferred(None),
    scope=("packages:write",),
    effect=Effect.KEYED,
    errors=(PackageNotFound, PackageInUse, ReadOnly, NoSpace),
    timeout=30.0,
)
"""Remove a package, unless a service of its name is registered with that version, or a node has it installed as
the active one or as the one to go back to.
"""
DEPLOY_PACKAGE: Final[StreamAction[DeployPackageParams, DeploymentStep, Deployment]] = StreamAction(
    name="deploy_package",
    params=DeployPackageParams,
    item=TypeAdapter(DeploymentStep),
    result=TypeAdapter(Deployment),
    scope=("deploy",),
    effect=Effect.KEYED,
    errors=(PackageNotFound, DeploymentRunning, DependencyCycle, ReadOnly, NoSpace),
    timeout=None,
)
"""Deploy a package to nodes, batch by batch; a failure rolls all of them back. It goes on when the caller
leaves: `watch_deployment` follows it, `cancel_deployment` ends it.
"""
ROLLBACK: Final[StreamAction[RollbackParams, DeploymentStep, Deployment]] = StreamAction(
    name="rollback",
    params=RollbackParams,
    item=TypeAdapter(DeploymentStep),
    result=TypeAdapter(Deployment),
    scope=("deploy",),
    effect=Effect.KEYED,
    errors=(NothingToRollBack, PackageNotFound, DeploymentRunning, DependencyCycle, ReadOnly, NoSpace),
    timeout=None,
)
"""Deploy the version that was active before, on all nodes that have one or on some."""
WATCH_DEPLOYMENT: Final[StreamAction[WatchDeploymentParams, DeploymentStep, Deployment]] = StreamAction(
    name="watch_deployment",
    params=WatchDeploymentParams,
    item=TypeAdapter(DeploymentStep),
    result=TypeAdapter(Deployment),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(DeploymentNotFound,),
    timeout=None,
)
"""Follow a deployment to its end, beginning with where each of its nodes is."""
GET_DEPLOYMENT: Final[Action[GetDeploymentParams, Deployment]] = Action(
    name="get_deployment",
    params=GetDeploymentParams,
    result=TypeAdapter(Deployment),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(DeploymentNotFound,),
    timeout=30.0,
)
"""Get one deployment."""
LIST_DEPLOYMENTS: Final[Action[ListDeploymentsParams, ListDeploymentsResult]] = Action(
    name="list_deployments",
    params=ListDeploymentsParams,
    result=TypeAdapter(ListDeploymentsResult),
    scope=("services:read",),
    effect=Effect.SAFE,
    timeout=30.0,
)
"""List the deployments that are kept, newest first."""
CANCEL_DEPLOYMENT: Final[Action[CancelDeploymentParams, Deployment]] = Action(
    name="cancel_deployment",
    params=CancelDeploymentParams,
    result=TypeAdapter(Deployment),
    scope=("deploy",),
    effect=Effect.KEYED,
    errors=(DeploymentNotFound, ReadOnly, NoSpace),
    timeout=30.0,
)
"""Let a deployment roll back, at whatever stage it is. One that has ended, or rolls back already, stays as it
is.
"""
LIST_EVENTS: Final[Action[ListEventsParams, ListEventsResult]] = Action(
    name="list_events",
    params=ListEventsParams,
    result=TypeAdapter(ListEventsResult),
    scope=("audit:read",),
    effect=Effect.SAFE,
    timeout=30.0,
)
"""The audit log, newest first."""
GET_REGISTRY_STATUS: Final[Action[GetRegistryStatusParams, RegistryStatus]] = Action(
    name="get_registry_status",
    params=GetRegistryStatusParams,
    result=TypeAdapter(RegistryStatus),
    scope=("registry:operate",),
    effect=Effect.SAFE,
    timeout=30.0,
)
"""How the registry does."""
BACK_UP: Final[DownloadAction[BackUpParams, BackupInfo]] = DownloadAction(
    name="back_up",
    params=BackUpParams,
    result=TypeAdapter(BackupInfo),
    media="application/x-tar",
    max_size=1099511627776,
    scope=("registry:operate",),
    effect=Effect.SAFE,
    errors=(NoSpace,),
    timeout=21600.0,
)
"""Copy everything that is kept, but for tokens and the answers of calls, as it is at one moment. Changes wait
while the database is copied, reading goes on.
"""
PRUNE: Final[Action[PruneParams, PruneResult]] = Action(
    name="prune",
    params=PruneParams,
    result=TypeAdapter(PruneResult),
    scope=("registry:operate",),
    effect=Effect.SAFE,
    errors=(ReadOnly, NoSpace),
    timeout=600.0,
)
"""Remove what is no longer to be kept."""
