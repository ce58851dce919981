"""Packages to deploy, and what is found of them on a node afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from tests.registry.archives import make_package
from tests.registry.fleet import PATIENCE, Fleet

from duologue import Stream
from duologue_registry.packages.archive import MARK
from service_registry_sdk import Deployment, DeploymentStep, NodeProgress, RegistryClient

OFTEN = "interval: 50ms, timeout: 5s"
HEALTH = f"health: {{probe: {{kind: script}}, {OFTEN}, passes: 1, window: 1}}\n"
SLEEPS = "#!/bin/sh\nexec sleep 300\n"
NOTHING_ELSE: Mapping[str, str] = MappingProxyType({})
UNLESS_SICK = '#!/bin/sh\ntest ! -e ../sick || { echo "it is sick"; exit 2; }\n'
"""Fails where there is a file `sick` beside the versions."""


def manifest(version: str, name: str = "web-api", more: str = "") -> str:
    """What a package says of itself."""
    return f"name: {name}\nversion: {version}\ntype: managed_process\n{HEALTH}{more}"


def package(folder: Path, version: str, name: str = "web-api", files: Mapping[str, str] = NOTHING_ELSE) -> Path:
    """A package whose service sleeps, and is healthy unless its node says otherwise."""
    contents: dict[str, str | bytes] = {
        "manifest.yaml": manifest(version, name),
        "scripts/start.sh": SLEEPS,
        "scripts/health.sh": UNLESS_SICK,
        **files,
    }
    return make_package(folder, name, version, **contents)


async def upload(client: RegistryClient, path: Path) -> str:
    """Upload a package; returns the digest of its archive."""
    name, _, version = path.name.removesuffix(".tar.gz").rpartition("-")
    return (await client.upload_package(path, name=name, version=version)).sha256


async def upload_versions(
    fleet: Fleet, *versions: str, name: str = "web-api", files: Mapping[str, str] = NOTHING_ELSE
) -> dict[str, str]:
    """Upload versions of a package; returns their digests."""
    return {version: await upload(fleet.client, package(fleet.folder, version, name, files)) for version in versions}


async def deploy(
    client: RegistryClient, version: str, nodes: Sequence[str], name: str = "web-api", **params: Any
) -> tuple[list[DeploymentStep], Deployment]:
    """Deploy, and wait for the end."""
    fields: dict[str, Any] = {"healthy": 1, "deadline": timedelta(seconds=2 * PATIENCE), **params}
    async with client.deploy_package(name=name, version=version, nodes=list(nodes), **fields) as stream:
        steps = [step async for step in stream]
        return steps, await stream.result()


async def until(steps: Stream[DeploymentStep, Deployment], node: str, state: str) -> DeploymentStep:
    """Follow a deployment until a node has come into a state."""
    async for step in steps:
        if step.node is not None and (step.node.node, step.node.state) == (node, state):
            return step
    raise AssertionError(f"{node} never came to be {state}")


async def until_ended(client: RegistryClient, id_: UUID) -> tuple[list[DeploymentStep], Deployment]:
    """Follow a deployment to its end."""
    async with client.watch_deployment(id=id_) as stream:
        steps = [step async for step in stream]
        return steps, await stream.result()


def story(steps: Sequence[DeploymentStep]) -> list[tuple[str, str]]:
    """Which node came into which state, in order; the whole deployment as `-`."""
    return [
        ("-" if step.node is None else step.node.node, step.node.state if step.node else step.state) for step in steps
    ]


async def audited(client: RegistryClient, name: str = "web-api") -> list[DeploymentStep]:
    """What the audit log has of the deployments of a package, oldest first."""
    records = (await client.list_events(service=name, limit=500)).records[::-1]
    told: list[Any] = [record.data for record in records if record.event == "deployment_progress"]
    return [DeploymentStep.from_wire(json.dumps(data["step"])) for data in told]


def on_node(deployment: Deployment, node: str) -> NodeProgress:
    """A node of a deployment."""
    return next(each for each in deployment.nodes if each.node == node)


def digest_running(fleet: Fleet, node: str, name: str = "web-api") -> str | None:
    """The digest of the package in whose folder the service's process runs; None when none runs."""
    process = fleet.process(name, node)
    if process is None or not process.is_running:
        return None
    return (Path(f"/proc/{process.pid}/cwd") / MARK).read_text()


def digest_active(fleet: Fleet, node: str, name: str = "web-api") -> str | None:
    """The digest of the active package."""
    current = fleet.root(node) / name / "current"
    return (current / MARK).read_text() if current.is_dir() else None


def leftovers(root: Path) -> list[str]:
    """What should not stay on a node: half of an archive, half of a file, a link that was being replaced."""
    staged = [str(path.relative_to(root)) for path in (root / ".staging").rglob("*")]
    return staged + [str(path.relative_to(root)) for path in root.glob("*/.*.new")]
