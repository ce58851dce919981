"""The one table of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Protocol

from . import actions, errors, events

PROTOCOL: Final = Protocol(
    name="service-registry",
    version="1.0.0",
    api_level=1,
    client_actions=(
        actions.LIST_SERVICES,
        actions.GET_SERVICE,
        actions.REGISTER_SERVICE,
        actions.DEREGISTER_SERVICE,
        actions.HEARTBEAT,
        actions.UPDATE_STATE,
        actions.REPORT_HEALTH,
        actions.LIST_ENDPOINTS,
        actions.SERVICE_ACTION,
        actions.WATCH_LOGS,
        actions.ATTACH_AGENT,
        actions.LIST_AGENTS,
        actions.UPLOAD_PACKAGE,
        actions.DOWNLOAD_PACKAGE,
        actions.LIST_PACKAGES,
        actions.REMOVE_PACKAGE,
        actions.DEPLOY_PACKAGE,
        actions.ROLLBACK,
        actions.WATCH_DEPLOYMENT,
        actions.GET_DEPLOYMENT,
        actions.LIST_DEPLOYMENTS,
        actions.CANCEL_DEPLOYMENT,
        actions.LIST_EVENTS,
        actions.GET_REGISTRY_STATUS,
        actions.BACK_UP,
        actions.PRUNE,
    ),
    server_actions=(
        actions.EXECUTE,
        actions.INSTALL_PACKAGE,
        actions.UNINSTALL_PACKAGE,
        actions.VERIFY_SERVICE,
        actions.TAIL_LOGS,
    ),
    events=(
        events.SERVICE_REGISTERED,
        events.SERVICE_DEREGISTERED,
        events.SERVICE_STATE_CHANGED,
        events.ENDPOINT_UPDATED,
        events.HEALTH_CHECK_RESULT,
        events.PACKAGE_UPLOADED,
        events.PACKAGE_REMOVED,
        events.SERVICE_COMMANDED,
        events.PACKAGE_INSTALLED,
        events.PACKAGE_UNINSTALLED,
        events.DEPLOYMENT_PROGRESS,
        events.AGENT_ATTACHED,
        events.LOG_PRUNED,
        events.EXPIRY_PAUSED,
        events.EXPIRY_RESUMED,
        events.REGISTRY_LOADED,
    ),
    errors=(
        errors.ServiceNotFound,
        errors.ServiceExists,
        errors.FolderTaken,
        errors.InvalidTransition,
        errors.RevisionConflict,
        errors.DependencyCycle,
        errors.LeaseLost,
        errors.AgentUnavailable,
        errors.NotOwner,
        errors.PackageNotFound,
        errors.PackageExists,
        errors.PackageInUse,
        errors.BadPackage,
        errors.DeploymentNotFound,
        errors.DeploymentRunning,
        errors.NothingToRollBack,
        errors.SignatureRefused,
        errors.NoSpace,
        errors.ReadOnly,
    ),
    scopes={
        "services:read": "See services, their endpoints and their health.",
        "services:write": "Register, change and remove services.",
        "services:control": "Start, stop and restart services, and read their logs.",
        "packages:read": "See and download packages.",
        "packages:write": "Upload and remove packages.",
        "deploy": "Deploy packages, roll back and cancel.",
        "audit:read": "Read who did what.",
        "registry:operate": "Look after the registry itself. See how it does, back it up, and prune what it keeps.",
        "agent": "Act as the agent of a node, and be called by the registry.",
    },
    roles={
        "viewer": (
            "services:read",
            "packages:read",
        ),
        "service": (
            "services:read",
            "services:write",
        ),
        "operator": (
            "services:read",
            "services:write",
            "services:control",
            "packages:read",
            "packages:write",
            "deploy",
            "audit:read",
            "registry:operate",
        ),
        "agent": (
            "agent",
            "services:read",
            "services:write",
            "packages:read",
        ),
    },
)
"""The one table of the protocol, which both ends share."""
