"""What a deployment makes of the service of a node: registered as its package says, or gone again."""

from __future__ import annotations

from service_registry_sdk import (
    Deployment,
    DeploymentState,
    Endpoint,
    EndpointProtocol,
    ManagedProcess,
    NodeProgress,
    PackageManifest,
    RegisterServiceParams,
    Remote,
)

from .documents import package
from .model import Record, View
from .progress import wanted_version

START: str = "scripts/start.sh"


def is_to_go(deployment: Deployment, node: NodeProgress) -> bool:
    """Whether the service of a node is to be removed: nothing was there before."""
    is_back = node.state == DeploymentState.ROLLED_BACK
    return is_back and node.from_version is None and wanted_version(deployment, node) is None


def wanted_entry(view: View, deployment: Deployment, node: NodeProgress) -> RegisterServiceParams | None:
    """How the service of a node is to be registered; None where it is right as it stands.

    A service that was registered by hand keeps what was said of it, but for its version.
    """
    version, record = wanted_version(deployment, node), view.get(node.service)
    if version is None or (record is not None and record.entry.version == version):
        return None
    info = package(view, deployment.name, version)
    if record is not None and (info is None or node.service == deployment.name):
        return _with_version(record, version)
    return None if info is None else of_package(info.manifest, node.service, node.node)


def of_package(manifest: PackageManifest, service: str, node: str) -> RegisterServiceParams:
    """A package as a service of a node."""
    return RegisterServiceParams(
        name=service,
        version=manifest.version,
        execution=ManagedProcess(command=[START]),
        location=Remote(host=node, node=node),
        endpoints=[
            Endpoint(name=name, address=f"{node}:{port}", protocol=EndpointProtocol.TCP)
            for name, port in manifest.ports.items()
        ],
        depends_on=manifest.depends_on,
    )


def _with_version(record: Record, version: str) -> RegisterServiceParams:
    entry = record.entry
    return RegisterServiceParams(
        name=entry.name,
        version=version,
        execution=entry.execution,
        location=entry.location,
        endpoints=entry.endpoints,
        depends_on=entry.depends_on,
        tags=entry.tags,
        metadata=entry.metadata,
        checks=entry.checks,
        lease=entry.lease,
    )
