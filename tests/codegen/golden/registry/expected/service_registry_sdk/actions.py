"""Actions of the service-registry protocol 1.0.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
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
    DigestMismatch,
    InvalidTransition,
    LeaseLost,
    NoSpace,
    NotOwner,
    PackageExists,
    PackageNotFound,
    ReadOnly,
    RevisionConflict,
    ServiceExists,
    ServiceNotFound,
    SignatureRefused,
)
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

LIST_SERVICES: Final[Action[ListServicesParams, ListServicesResult]] = Action(
    name="list_services",
    params=ListServicesParams,
    result=TypeAdapter(ListServicesResult),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(ReadOnly,),
    timeout=30.0,
)
"""List services, oldest first."""
GET_SERVICE: Final[Action[GetServiceParams, ServiceEntry]] = Action(
    name="get_service",
    params=GetServiceParams,
    result=TypeAdapter(ServiceEntry),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(ReadOnly, ServiceNotFound),
    timeout=30.0,
)
"""Get one service."""
REGISTER_SERVICE: Final[Action[RegisterServiceParams, ServiceEntry]] = Action(
    name="register_service",
    params=RegisterServiceParams,
    result=TypeAdapter(ServiceEntry),
    scope=("services:write",),
    effect=Effect.KEYED,
    errors=(ReadOnly, ServiceExists, DependencyCycle, RevisionConflict),
    timeout=30.0,
)
"""Register a service, or a new version of it."""
DEREGISTER_SERVICE: Final[Action[DeregisterServiceParams, None]] = Action(
    name="deregister_service",
    params=DeregisterServiceParams,
    result=deferred(None),
    scope=("services:write",),
    effect=Effect.KEYED,
    errors=(ReadOnly, ServiceNotFound, RevisionConflict),
    timeout=30.0,
)
HEARTBEAT: Final[Action[HeartbeatParams, HeartbeatResult]] = Action(
    name="heartbeat",
    params=HeartbeatParams,
    result=TypeAdapter(HeartbeatResult),
    scope=("services:write",),
    effect=Effect.SAFE,
    errors=(ReadOnly, ServiceNotFound, LeaseLost),
    timeout=30.0,
    rate=Rate(per_second=10.0, burst=10),
)
"""Keep a lease alive."""
UPDATE_STATE: Final[Action[UpdateStateParams, ServiceEntry]] = Action(
    name="update_state",
    params=UpdateStateParams,
    result=TypeAdapter(ServiceEntry),
    scope=("services:write",),
    effect=Effect.KEYED,
    errors=(ReadOnly, ServiceNotFound, InvalidTransition, RevisionConflict),
    timeout=30.0,
)
SERVICE_ACTION: Final[StreamAction[ServiceActionParams, CommandStep, CommandOutcome]] = StreamAction(
    name="service_action",
    params=ServiceActionParams,
    item=TypeAdapter(CommandStep),
    result=TypeAdapter(CommandOutcome),
    scope=("services:control",),
    effect=Effect.KEYED,
    errors=(ReadOnly, ServiceNotFound, AgentUnavailable, InvalidTransition),
    timeout=300.0,
)
"""Start, stop or restart a service through the agent that owns it."""
LIST_ENDPOINTS: Final[Action[ListEndpointsParams, ListEndpointsResult]] = Action(
    name="list_endpoints",
    params=ListEndpointsParams,
    result=TypeAdapter(ListEndpointsResult),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(ReadOnly, ServiceNotFound),
    timeout=30.0,
)
"""Resolve a name to healthy endpoints."""
REPORT_HEALTH: Final[Action[ReportHealthParams, None]] = Action(
    name="report_health",
    params=ReportHealthParams,
    result=deferred(None),
    scope=("services:write",),
    effect=Effect.SAFE,
    errors=(ReadOnly, ServiceNotFound, NotOwner),
    timeout=30.0,
)
WATCH_LOGS: Final[StreamAction[WatchLogsParams, LogLine, None]] = StreamAction(
    name="watch_logs",
    params=WatchLogsParams,
    item=TypeAdapter(LogLine),
    result=deferred(None),
    scope=("services:control",),
    effect=Effect.SAFE,
    errors=(ReadOnly, ServiceNotFound, AgentUnavailable),
    timeout=None,
)
UPLOAD_PACKAGE: Final[UploadAction[UploadPackageParams, PackageInfo]] = UploadAction(
    name="upload_package",
    params=UploadPackageParams,
    result=TypeAdapter(PackageInfo),
    media="application/gzip",
    max_size=536870912,
    scope=("packages:write",),
    effect=Effect.KEYED,
    errors=(ReadOnly, PackageExists, DigestMismatch, SignatureRefused, BadPackage, NoSpace),
    timeout=3600.0,
)
"""Upload a package; nothing is unpacked before size and digest agree."""
DOWNLOAD_PACKAGE: Final[DownloadAction[DownloadPackageParams, PackageInfo]] = DownloadAction(
    name="download_package",
    params=DownloadPackageParams,
    result=TypeAdapter(PackageInfo),
    media="application/gzip",
    max_size=536870912,
    scope=("packages:read",),
    effect=Effect.SAFE,
    errors=(ReadOnly, PackageNotFound),
    timeout=3600.0,
)
LIST_PACKAGES: Final[Action[ListPackagesParams, ListPackagesResult]] = Action(
    name="list_packages",
    params=ListPackagesParams,
    result=TypeAdapter(ListPackagesResult),
    scope=("packages:read",),
    effect=Effect.SAFE,
    errors=(ReadOnly,),
    timeout=30.0,
)
DEPLOY_PACKAGE: Final[StreamAction[DeployPackageParams, DeploymentStep, Deployment]] = StreamAction(
    name="deploy_package",
    params=DeployPackageParams,
    item=TypeAdapter(DeploymentStep),
    result=TypeAdapter(Deployment),
    scope=("deploy",),
    effect=Effect.KEYED,
    errors=(ReadOnly, PackageNotFound, AgentUnavailable, DeploymentRunning, NoSpace),
    timeout=None,
)
"""Deploy a package to nodes, batch by batch, and roll back by itself when it fails."""
ROLLBACK: Final[StreamAction[RollbackParams, DeploymentStep, Deployment]] = StreamAction(
    name="rollback",
    params=RollbackParams,
    item=TypeAdapter(DeploymentStep),
    result=TypeAdapter(Deployment),
    scope=("deploy",),
    effect=Effect.KEYED,
    errors=(ReadOnly, ServiceNotFound, PackageNotFound, DeploymentRunning),
    timeout=None,
)
GET_DEPLOYMENT: Final[Action[GetDeploymentParams, Deployment]] = Action(
    name="get_deployment",
    params=GetDeploymentParams,
    result=TypeAdapter(Deployment),
    scope=("services:read",),
    effect=Effect.SAFE,
    errors=(ReadOnly, DeploymentNotFound),
    timeout=30.0,
)
CANCEL_DEPLOYMENT: Final[Action[CancelDeploymentParams, Deployment]] = Action(
    name="cancel_deployment",
    params=CancelDeploymentParams,
    result=TypeAdapter(Deployment),
    scope=("deploy",),
    effect=Effect.KEYED,
    errors=(ReadOnly, DeploymentNotFound),
    timeout=30.0,
)
LIST_EVENTS: Final[Action[ListEventsParams, ListEventsResult]] = Action(
    name="list_events",
    params=ListEventsParams,
    result=TypeAdapter(ListEventsResult),
    scope=("audit:read",),
    effect=Effect.SAFE,
    errors=(ReadOnly,),
    timeout=30.0,
)
"""The audit log."""
ATTACH_AGENT: Final[Action[AttachAgentParams, AttachAgentResult]] = Action(
    name="attach_agent",
    params=AttachAgentParams,
    result=TypeAdapter(AttachAgentResult),
    scope=("agent",),
    effect=Effect.SAFE,
    errors=(ReadOnly, NotOwner),
    timeout=30.0,
)
"""Say which node this connection is the agent of."""
EXECUTE: Final[StreamAction[ExecuteParams, CommandStep, CommandOutcome]] = StreamAction(
    name="execute",
    params=ExecuteParams,
    item=TypeAdapter(CommandStep),
    result=TypeAdapter(CommandOutcome),
    scope=("agent",),
    effect=Effect.KEYED,
    errors=(ReadOnly, NotOwner, NoSpace),
    timeout=300.0,
)
"""Carry out a command on a service of this node."""
INSTALL_PACKAGE: Final[StreamAction[InstallPackageParams, NodeProgress, NodeProgress]] = StreamAction(
    name="install_package",
    params=InstallPackageParams,
    item=TypeAdapter(NodeProgress),
    result=TypeAdapter(NodeProgress),
    scope=("agent",),
    effect=Effect.KEYED,
    errors=(ReadOnly, NotOwner, BadPackage, DigestMismatch, NoSpace),
    timeout=None,
)
TAIL_LOGS: Final[StreamAction[TailLogsParams, LogLine, None]] = StreamAction(
    name="tail_logs",
    params=TailLogsParams,
    item=TypeAdapter(LogLine),
    result=deferred(None),
    scope=("agent",),
    effect=Effect.SAFE,
    errors=(ReadOnly,),
    timeout=None,
)
